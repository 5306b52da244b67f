"""The pages of a preview: as many from each source, spread over its files, the same ones every time."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import islice
from pathlib import Path

from builder.data.records import stable_id
from builder.data.storage import write_text
from builder.errors import StageError
from builder.method.corpus.extent import quiet
from builder.method.corpus.reading.crawl import Input, Loss, Page, Shard
from builder.method.corpus.reading.readers import read_pages
from builder.method.corpus.reading.sources import list_inputs
from builder.recipe.sections.corpus import CorpusSource

WINDOW = 10
"""Of a file, so many times as many pages are looked at as are taken from it; what comes after them is never read."""
_FILES_A_PAGE = 10
"""So many files are opened for a page before a source counts as one without."""


@dataclass
class Sample:
    """Pages of a preview.

    Attributes:
        pages: In the order in which they were taken.
        files: How many files the sources have.
        lost: What was read and is no page, by reason.
    """

    pages: list[Page] = field(default_factory=list)
    files: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def write(self, file: Path) -> CorpusSource:
        """Write the pages as JSON lines, and return the source that reads them again."""
        rows = (
            {"html": page.html, "url": page.url, "id": page.page_id, "language": page.language_hint}
            for page in self.pages
        )
        write_text(file, "".join(f"{json.dumps(row)}\n" for row in rows))
        return CorpusSource(path=file, format="jsonl", id="id", language="language")


def choose_pages(sources: list[CorpusSource], number: int) -> Sample:
    """Choose pages: one from each source in turn, of a source from one file after the other.

    Which files, and which of the first pages of a file, is decided by the hash of their names and ids.

    Args:
        sources: Where the pages come from.
        number: How many.

    Raises:
        RecipeError: If a source is not there or has no file of its format.
        StageError: If there is no page.
    """
    sample, seen = Sample(), set[str]()
    share = -(-number // len(sources))
    turns = [_pages_of(source, number, share, sample) for source in sources]
    with quiet():
        while turns and len(sample.pages) < number:
            page = next(turn := turns.pop(0), None)
            if page is None:
                continue
            turns.append(turn)
            if page.page_id not in seen:
                seen.add(page.page_id)
                sample.pages.append(page)
    if not sample.pages:
        reasons = (
            ", ".join(f"{reason} {count:,}" for reason, count in sample.lost.most_common()) or "all files are empty"
        )
        raise StageError(
            f"no page could be read from segments.sources ({reasons}); `humpback check RECIPE` looks at them"
        )
    return sample


def _pages_of(source: CorpusSource, number: int, share: int, sample: Sample) -> Iterator[Page]:
    files = sorted(list_inputs([source]), key=lambda item: stable_id("preview", item.name))
    sample.files += len(files)
    each = -(-share // len(files))
    opened = files[: number * _FILES_A_PAGE]
    taken = [_first_pages(item, each, sample) for item in opened[:share]]
    for at in range(each):
        yield from (pages[at] for pages in taken if at < len(pages))
    rest = (page for item in opened[share:] for page in _first_pages(item, 1, sample))
    yield from rest if len(files) > share else _more_pages(files, each, number, sample)


def _first_pages(item: Input, number: int, sample: Sample) -> list[Page]:
    """Some of the first pages of a file, by the hashes of their ids."""
    pages = []
    for found in islice(read_pages([item], Shard()), number * WINDOW):
        if isinstance(found, Loss):
            sample.lost[found.reason] += 1
        else:
            pages.append(found)
    return nsmallest(number, pages, key=lambda page: stable_id("preview", page.page_id))


def _more_pages(files: list[Input], taken: int, number: int, sample: Sample) -> Iterator[Page]:
    """All that the first pages of few files still have, for sources beside which others have nothing."""
    for item in files:
        yield from _first_pages(item, number, Sample())[taken:]
