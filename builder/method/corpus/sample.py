"""Some pages of a corpus, cut as a build would cut them: what a build will find, before it runs.

Whatever the size of a corpus, so many files are opened, and of each so many bytes read. Which ones depends on their
names alone. Each part of the corpus is reckoned by its own pages.
"""

import signal
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts
from builder.data.sampled import spread
from builder.method.corpus.extent import Tried, in_all, measured_parts, quiet
from builder.method.corpus.reading.crawl import Input, Loss, Page
from builder.method.corpus.writer import tally

if TYPE_CHECKING:
    from builder.method.corpus.cutting.page import CutPage
    from builder.recipe.sections.corpus import Segments

PAGES = 20
_IN_ANOTHER = "language:"


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
        segments: About how many segments the corpus gives before duplicates go; None if that cannot be said.
    """

    files: int
    pages: int | None
    exact: bool
    counts: dict[str, Counts]
    languages: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    segments: int | None = None

    @property
    def looked_at(self) -> int:
        """How many pages were cut."""
        return self.counts["pages"].rows_in


def sample_pages(inputs: list[Input], config: "Segments") -> PageSample:
    """Cut some pages of a corpus.

    Args:
        inputs: Its files, at least one.
        config: How pages are cut.
    """
    from builder.method.corpus.sandbox import CutPages

    with quiet():
        parts, share = measured_parts(inputs, PAGES)
        chosen = [spread(part.pages, share) for part in parts]
        cut = CutPages(partial(_cut, config=config), config.page_seconds, config.page_memory_mb)
        outcomes = list(cut([page for pages in chosen for page in pages], 0, 1))
    languages = Counter(
        outcome.reason.removeprefix(_IN_ANOTHER)
        for outcome in outcomes
        if isinstance(outcome, Loss) and outcome.reason.startswith(_IN_ANOTHER)
    )
    counts = {"records": Counts(), "pages": Counts(), "segments": Counts()}
    rows, tried, left = list[dict[str, Any]](), list[Tried](), iter(outcomes)
    for part, pages in zip(parts, chosen, strict=True):
        own, kept = tally(config, map(_plain, islice(left, len(pages))))
        for kind, value in own.items():
            counts[kind].add(value)
        rows += kept
        tried.append(Tried(part.total, len(pages), len(kept)))
    pages_of, segments = in_all(Tried(each.total, 1, 1) for each in tried), in_all(tried)
    return PageSample(
        files=len(inputs),
        pages=None if pages_of is None else round(pages_of),
        exact=all(part.exact for part in parts),
        counts=counts,
        languages=languages,
        rows=rows,
        lost=sum((part.lost for part in parts), Counter[str]()),
        segments=None if segments is None else round(segments),
    )


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
