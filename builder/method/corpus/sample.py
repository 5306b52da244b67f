"""Some pages of a corpus, cut as a build would cut them: what a build will find, before it runs.

Whatever the size of a corpus, so many files are opened, and of each so many bytes read. Which ones depends on their
names alone.
"""

import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts
from builder.data.inputs import open_binary
from builder.data.sampled import Spread, spread
from builder.method.corpus.reading.crawl import Input, Loss, Page, Shard
from builder.method.corpus.writer import tally

if TYPE_CHECKING:
    from builder.method.corpus.cutting.page import CutPage
    from builder.recipe.sections.corpus import Segments

PAGES = 20
FILES = 10
"""So many files of a format are opened; of files with one page each as many as pages are cut."""
HEAD_BYTES = 1 << 21
"""So much of an archive is read, and of a file of JSON lines."""
_IN_ANOTHER = "language:"
_TABLE_PAGES = 4


@dataclass
class PageSample:
    """What was found.

    Attributes:
        files: How many files the corpus has.
        pages: How many pages, or None where that cannot be said without reading it.
        exact: Whether they were counted, and not estimated by sizes.
        counts: Of the pages that were cut, as the segments stage counts them; `lost` are records of the files opened.
        languages: Of the pages that are in none of the recipe's, how many are in which.
        rows: The segments that were cut and stay, as rows of the segments stage.
        lost: Why records of the opened files were no pages.
    """

    files: int
    pages: int | None
    exact: bool
    counts: dict[str, Counts]
    languages: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        """How many pages were cut."""
        return self.counts["pages"].rows_in

    @property
    def segments(self) -> int | None:
        """About how many segments the corpus gives before duplicates go; None if that cannot be said."""
        if self.pages is None or not self.looked_at:
            return None
        return round(self.pages * len(self.rows) / self.looked_at)


@dataclass
class _Found:
    """Pages of some files, and about how many there are in all of those of their format."""

    few: int
    pages: list[Page] = field(default_factory=list)
    total: float | None = 0.0
    exact: bool = True
    lost: Counter[str] = field(default_factory=Counter)


def sample_pages(inputs: list[Input], config: "Segments") -> PageSample:
    """Cut some pages of a corpus.

    Args:
        inputs: Its files, at least one.
        config: How pages are cut.
    """
    from builder.method.corpus.sandbox import CutPages

    formats = {item.format: [other for other in inputs if other.format == item.format] for item in inputs}
    share = -(-PAGES // len(formats))
    with _quiet():
        found = [_of_format(items, share) for items in formats.values()]
        pages = [page for each in found for page in spread(each.pages, share)]
        cut = CutPages(partial(_cut, config=config), config.page_seconds, config.page_memory_mb)
        outcomes = list(cut(pages, 0, 1))
    languages = Counter(
        outcome.reason.removeprefix(_IN_ANOTHER)
        for outcome in outcomes
        if isinstance(outcome, Loss) and outcome.reason.startswith(_IN_ANOTHER)
    )
    counts, rows = tally(config, map(_plain, outcomes))
    totals = [each.total for each in found]
    known = [total for total in totals if total is not None]
    return PageSample(
        files=len(inputs),
        pages=round(sum(known)) if len(known) == len(totals) else None,
        exact=all(each.exact for each in found),
        counts=counts,
        languages=languages,
        rows=rows,
        lost=sum((each.lost for each in found), Counter[str]()),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """What is lost is counted here; what reads and cuts would log each of it."""
    from loguru import logger

    for package in ("builder", "datatrove"):
        logger.disable(package)
    try:
        yield
    finally:
        for package in ("builder", "datatrove"):
            logger.enable(package)


def _cut(page: Page, config: "Segments") -> "CutPage | str":
    """As `cut_page`, with the language of a page that is in none of the recipe's.

    It runs in a process that is ended by a signal, which a command line takes for a user who stops it.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from builder.method.corpus.cutting.markup.source import parse_html
    from builder.method.corpus.cutting.page import cut_page, page_language
    from builder.method.corpus.cutting.walk import walk

    outcome = cut_page(page, config)
    if outcome == "language":
        return _IN_ANOTHER + page_language(page, walk(parse_html(page.html)), config.languages)
    return outcome


def _plain(outcome: Any) -> Any:
    another = isinstance(outcome, Loss) and outcome.reason.startswith(_IN_ANOTHER)
    return replace(outcome, reason="language") if another else outcome


def _of_format(inputs: list[Input], share: int) -> _Found:
    if inputs[0].format == "html":
        found = _Found(1, total=len(inputs))
        for item in spread(inputs, share):
            _read(item, found)
        return found
    return _of_archives(spread(inputs, FILES), inputs, share)


def _of_archives(opened: list[Input], inputs: list[Input], share: int) -> _Found:
    """The pages at the beginnings of some files; how many there are in all goes by their sizes."""
    found, pages, size = _Found(-(-share // len(opened))), 0.0, 0
    for item in opened:
        number, read, whole = _table(item, found) if item.format == "parquet" else _head(item, found)
        own = _size(item) or read
        pages, size = pages + (number if whole else number * own / max(1, read)), size + own
        found.exact = found.exact and whole
    found.exact = found.exact and len(opened) == len(inputs)
    sizes = [_size(item) for item in inputs]
    if found.exact:
        found.total = pages
    elif any(known is None for known in sizes) or not size:
        found.total = None
    else:
        found.total = pages * sum(known or 0 for known in sizes) / size
    return found


def _head(item: Input, found: _Found) -> tuple[int, int, bool]:
    """Read the beginning of a file; return how many pages it has, how many bytes it is, and whether it is all."""
    try:
        with open_binary(item.location) as handle:
            data = handle.read(HEAD_BYTES + 1)
    except OSError:
        found.lost["unreadable"] += 1
        return 0, 0, True
    if len(data) <= HEAD_BYTES:
        return _read(item, found), len(data), True
    with tempfile.TemporaryDirectory() as folder:
        head = Path(folder) / Path(item.name).name
        head.write_bytes(data[:HEAD_BYTES])
        lost = found.lost.copy()
        number = _read(replace(item, location=head, offsets=None), found)
        found.lost = lost  # the last record is cut by us
    return number, HEAD_BYTES, False


def _table(item: Input, found: _Found) -> tuple[int, int, bool]:
    """Read the first pages of a Parquet file; return how many rows it has, and how many bytes."""
    from builder.method.corpus.reading.tables import count_rows

    _read(item, found, most=_TABLE_PAGES)
    return count_rows(item), _size(item) or 0, True


def _read(item: Input, found: _Found, most: int | None = None) -> int:
    """Take some pages of a file; return how many it has, or `most`."""
    from builder.method.corpus.reading.readers import read_pages

    pages = Spread[Page](found.few)
    for outcome in read_pages([item], Shard()):
        if isinstance(outcome, Page):
            pages.add(outcome)
            if pages.seen == most:
                break
        else:
            found.lost[outcome.reason] += 1
    found.pages += pages.kept
    return pages.seen


def _size(item: Input) -> int | None:
    """The size of a file that is here."""
    with suppress(OSError):
        return item.location.stat().st_size if isinstance(item.location, Path) else None
    return 0
