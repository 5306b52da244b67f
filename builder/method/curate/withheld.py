"""Which pages are withheld from every model, so that a release has rows that its models have not seen.

Departure: the paper withholds nothing.

Pages have an order of their own, by a hash of their ids. From a place in it on all are withheld: by A_1, never by a
later selection, so that they are the same in all iterations.
"""

from collections import Counter
from collections.abc import Iterable

from builder.data.records import stable_id
from builder.recipe.sections.curate import Curate

END = 1.0
"""The place behind all pages."""


def page_place(page_id: str) -> float:
    """The place of a page among all, from 0 to below 1."""
    return int(stable_id("test", page_id)[:8], 16) / 2**32


def withheld_from(first: Iterable[str], config: Curate) -> float:
    """The place from which on pages are withheld.

    These are the last `test_share` of all pages; where A_1 has more than `test_rows` pairs of them, so many fewer that
    it has not.

    Args:
        first: The page of each pair of A_1.
        config: The curate section.
    """
    rows, room = Counter(map(page_place, first)), config.test_rows
    lowest = 1 - config.test_share if room else END
    start = END
    for place in sorted((place for place in rows if place >= lowest), reverse=True):
        room -= rows[place]
        if room < 0:
            return start
        start = place
    return lowest


def withheld_pages(pages: Iterable[str], first: Iterable[str], config: Curate) -> set[str]:
    """Those of some pages that are withheld from every model.

    Args:
        pages: The pages.
        first: The page of each pair of A_1.
        config: The curate section.
    """
    start = withheld_from(first, config)
    return {page for page in set(pages) if page_place(page) >= start}
