"""Scores as a histogram in plain text."""

BINS, WIDTH = 20, 50


def histogram(scores: list[float | None]) -> str:
    """A text histogram of scores; unscored rows are counted below it."""
    given = [value for value in scores if value is not None]
    if not given:
        return f"no scores; {len(scores):,} rows without one"
    low, high = min(given), max(given)
    width = (high - low) / BINS or 1.0
    bins = [0] * BINS
    for value in given:
        bins[min(BINS - 1, int((value - low) / width))] += 1
    tallest = max(bins)
    lines = [
        f"{low + at * width:>9.3f} {count:>8,} {'#' * round(WIDTH * count / tallest)}".rstrip()
        for at, count in enumerate(bins)
    ]
    missing = len(scores) - len(given)
    return "\n".join([*lines, f"{missing:,} rows without a score"] if missing else lines)
