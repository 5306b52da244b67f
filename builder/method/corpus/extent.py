"""How many pages a corpus has and what they give, reckoned from a few of them.

A corpus may have parts that differ: a folder of long pages, archives of short ones. Each part, the files of one format
in one source, is reckoned by its own pages.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from builder.data.inputs import open_binary
from builder.data.sampled import Spread, spread
from builder.method.corpus.reading.crawl import Input, Page, Shard

FILES = 10
"""So many files of a format are opened; of files with one page each as many as pages are looked at."""
HEAD_BYTES = 1 << 21
"""So much of an archive is read, and of a file of JSON lines."""
_TABLE_PAGES = 4


class Tried(NamedTuple):
    """What came of some pages of a part: how many it has in all, how many were tried, and how much they gave."""

    total: float | None
    pages: int
    gave: float


@dataclass
class Part:
    """The files of one format in one source: some of their pages, and about how many there are.

    Attributes:
        key: What tells it from the other parts; see `part_of`.
        few: So many pages are taken of a file that is opened.
        pages: Those pages.
        total: How many pages there are, or None where that cannot be said without reading all.
        exact: Whether they were counted, and not estimated by sizes.
        lost: Why records of the opened files were no pages.
    """

    key: tuple[str, str]
    few: int
    pages: list[Page] = field(default_factory=list)
    total: float | None = 0.0
    exact: bool = True
    lost: Counter[str] = field(default_factory=Counter)


def part_of(item: Input) -> tuple[str, str]:
    """Which part of its corpus a file belongs to."""
    return item.format, item.source


def parts_of(inputs: Iterable[Input]) -> dict[tuple[str, str], list[Input]]:
    """The files of each part."""
    parts: dict[tuple[str, str], list[Input]] = {}
    for item in inputs:
        parts.setdefault(part_of(item), []).append(item)
    return parts


def in_all(tried: Iterable[Tried]) -> float | None:
    """How much all pages give, each part by what its own gave; None if that cannot be said.

    A part of which no page could be tried counts as the others do.
    """
    parts = [(part.total, part) for part in tried]
    known = [(total, part) for total, part in parts if total is not None]
    reached = sum(total for total, part in known if part.pages)
    if len(known) < len(parts) or not any(part.pages for _, part in known):
        return None
    gave = sum(total * part.gave / part.pages for total, part in known if part.pages)
    return gave * sum(total for total, _ in known) / reached if reached else gave


def measured_parts(inputs: list[Input], pages: int) -> tuple[list[Part], int]:
    """Open some files of each part; return what was found, and how many pages are to be looked at in each.

    Args:
        inputs: The files of a corpus.
        pages: About how many pages are wanted in all.
    """
    parts = parts_of(inputs)
    share = -(-pages // max(1, len(parts)))
    of_format = Counter(form for form, _ in parts)
    return [_measured(key, items, share, -(-FILES // of_format[key[0]])) for key, items in parts.items()], share


@contextmanager
def quiet() -> Iterator[None]:
    """What is lost is counted; what reads and cuts would log each of it."""
    from loguru import logger

    core = vars(logger)["_core"]  # loguru tells in no other way what was off before
    with core.lock:
        before = core.enabled, core.activation_list
    for package in ("builder", "datatrove"):
        logger.disable(package)  # leaves both as they are, and puts others in their place
    try:
        yield
    finally:
        with core.lock:
            core.enabled, core.activation_list = before


def _measured(key: tuple[str, str], inputs: list[Input], share: int, most: int) -> Part:
    if inputs[0].format == "html":
        found = Part(key, 1, total=len(inputs))
        for item in spread(inputs, share):
            _read(item, found)
        return found
    return _of_archives(key, spread(inputs, most), inputs, share)


def _of_archives(key: tuple[str, str], opened: list[Input], inputs: list[Input], share: int) -> Part:
    """The pages at the beginnings of some files; how many there are in all goes by their sizes."""
    found, pages, size = Part(key, -(-share // len(opened))), 0.0, 0
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


def _head(item: Input, found: Part) -> tuple[int, int, bool]:
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


def _table(item: Input, found: Part) -> tuple[int, int, bool]:
    """Read the first pages of a Parquet file; return how many rows it has, and how many bytes."""
    from builder.method.corpus.reading.tables import count_rows

    _read(item, found, most=_TABLE_PAGES)
    return count_rows(item), _size(item) or 0, True


def _read(item: Input, found: Part, most: int | None = None) -> int:
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
