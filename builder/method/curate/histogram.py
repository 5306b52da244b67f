"""Scores as a histogram in plain text, and what thresholds would keep of them."""

import math
from bisect import bisect_left

from builder.text.counted import counted

BINS, WIDTH = 20, 50
SHARES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)


def histogram(scores: list[float | None]) -> str:
    """A text histogram of scores; rows without one, or with one that is no finite number, are counted below it."""
    given = _numbers(scores)
    if not given:
        return f"no scores; {counted(len(scores), 'rows without one')}"
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
    return "\n".join([*lines, counted(missing, "rows without a score")] if missing else lines)


def _numbers(scores: list[float | None]) -> list[float]:
    return [value for value in scores if value is not None and math.isfinite(value)]


def thresholds(scores: list[float | None], *, rating: bool) -> list[dict[str, float]]:
    """What each threshold would keep.

    Args:
        scores: Scores, None where there is none.
        rating: Whether the scores are ratings from 1 to 5. Else the thresholds follow the scores, so that they keep
            about 90 % down to 5 %; they are cut to four decimals, and count what they keep as they are written.

    Returns:
        `threshold`, how many `rows` reach it, and which `share` of the scored rows that is, from lax to strict.
    """
    given = sorted(_numbers(scores))
    if not given:
        return []
    steps = [1 + half / 2 for half in range(9)] if rating else [_reached_by(given, share) for share in SHARES]
    table = []
    for threshold in dict.fromkeys(steps):
        rows = len(given) - bisect_left(given, threshold)
        table.append({"threshold": threshold, "rows": rows, "share": rows / len(given)})
    return table


def _reached_by(ordered: list[float], share: float) -> float:
    value = ordered[-max(1, round(share * len(ordered)))]
    return math.floor(value * 10_000) / 10_000 if math.isfinite(value * 10_000) else value


def describe_thresholds(table: list[dict[str, float]]) -> str:
    """The table of `thresholds` as text; empty for none."""
    lines = [f"{row['threshold']:>9.4f} {row['rows']:>8,} {row['share']:>7.1%}" for row in table]
    return "\n".join([f"{'score >=':>9} {'rows':>8} {'share':>7}", *lines]) if lines else ""
