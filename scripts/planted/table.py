"""The figures as Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence

from builder.data.records import Row
from planted.figures import DRAWS, SEED, Estimate
from planted.kinds import KINDS
from planted.measures import Measured
from planted.plant import Planting

LEAST_PAIRS = 400
"""Figures of fewer pairs are not written on a page."""


def report(name: str, planting: Planting, truth: Sequence[Row], measured: Sequence[Measured], share: float) -> str:
    """All that the page says of a run.

    Args:
        name: Of the recipe.
        planting: How the pairs were made.
        truth: What each pair is.
        measured: The figures.
        share: At which share of the pairs the precision is.
    """
    lines = [*_about(name, planting, truth), "", *_main(measured, share), "", *_by_kind(measured, truth)]
    return "\n".join(lines) + "\n"


def _about(name: str, planting: Planting, truth: Sequence[Row]) -> Iterator[str]:
    good = [row for row in truth if row["good"]]
    origins, halves = Counter(row["origin"] for row in good), Counter(row["half"] for row in good)
    yield (
        f"Recipe `{name}`: {len(truth)} pairs of {len(good)} texts on {len({row['page_id'] for row in truth})} pages, "
        f"{halves['a']} texts in one half of the pages and {halves['b']} in the other; {len(good)} pairs are good "
        f"({len(good) / len(truth):.1%}). Their instruction is the heading's own question {origins['heading']} times, "
        f"else written by M_yx. Texts have at most {planting.max_tokens} tokens. Seed of the planting "
        f"{planting.seed}, of {DRAWS:,} draws of pages {SEED}; in brackets the interval of 95 %."
    )


def _main(measured: Sequence[Measured], share: float) -> Iterator[str]:
    yield f"| judge | scored by | pairs | scored | AUC | precision at {share:g} | AUC above `longest` | AUC above M_0 |"
    yield "| --- | --- | ---: | ---: | --- | --- | --- | --- |"
    for row in measured:
        cells = [cell(row.area), cell(row.precision), cell(row.more_than_longest), cell(row.more_than_m_0)]
        yield f"| {row.judge} | {row.by} | {row.pairs} | {row.scored} | {' | '.join(cells)} |"


def _by_kind(measured: Sequence[Measured], truth: Sequence[Row]) -> Iterator[str]:
    numbers = Counter(row["kind"] for row in truth)
    yield "AUC of the good pairs against those of one kind, of which there are so many as stand behind its name:"
    yield ""
    yield f"| judge | scored by | {' | '.join(f'{kind} ({numbers[kind]})' for kind in KINDS)} |"
    yield f"| --- | --- |{' --- |' * len(KINDS)}"
    for row in measured:
        yield f"| {row.judge} | {row.by} | {' | '.join(cell(row.kinds[kind]) for kind in KINDS)} |"


def cell(figure: Estimate | None) -> str:
    """A figure with its interval, as `.71 [.62, .80]`."""
    if figure is None:
        return "-"
    return f"{_short(figure.value)} [{_short(figure.low)}, {_short(figure.high)}]"


def _short(value: float) -> str:
    text = f"{value + 0.0:.2f}".replace("-0.00", "0.00")
    return text if text.startswith(("1", "-1")) else text.replace("0.", ".", 1)
