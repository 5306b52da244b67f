"""The figures as Markdown, and the place for them on a page: written by this program alone, and known again as that."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.data.records import Row
from builder.data.storage import write_text
from builder.errors import StageError
from planted.figures import DRAWS, SEED, Estimate
from planted.kinds import KINDS
from planted.measures import Measured
from planted.plant import Planting

BEGIN, END = "<!-- make real-check writes what follows -->", "<!-- to here -->"
NOT_YET = "It was not yet run to its end; no figure stands here."
LEAST_PAIRS = 400
"""Figures of fewer pairs are not written on a page."""
_MARK = re.compile(r"<!-- sha256 ([0-9a-f]{64}) -->\n")


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


def block(text: str) -> str:
    """What stands between the marks of a page, with the digest by which it is known as written here."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{BEGIN}\n<!-- sha256 {digest} -->\n\n{text}\n{END}\n"


def is_as_written(page: str) -> bool:
    """Whether a page has the block as this program left it, or says that there was no run."""
    before, begun, rest = page.partition(f"{BEGIN}\n")
    inside, ended, _ = rest.partition(f"{END}\n")
    if not begun or not ended or BEGIN in before:
        return False
    found = _MARK.match(inside)
    if found is None:
        return inside.strip() == NOT_YET
    text = inside[found.end() + 1 : -1]
    return hashlib.sha256(text.encode()).hexdigest() == found[1]


def write_block(page: Path, text: str) -> None:
    """Put a report in its place on a page; all else on it stays as it is.

    Raises:
        StageError: If the page has no such place.
    """
    whole = page.read_text(encoding="utf-8")
    before, begun, rest = whole.partition(f"{BEGIN}\n")
    _, ended, after = rest.partition(f"{END}\n")
    if not begun or not ended:
        raise StageError(f"{page}: has no lines {BEGIN} and {END} between which the table could stand")
    write_text(page, f"{before}{block(text)}{after}")
