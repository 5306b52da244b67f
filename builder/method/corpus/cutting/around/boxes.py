"""Headings of boxes that stand in the middle of a text: offers, newsletters, lists of other articles."""

from collections.abc import Collection, Iterator

from builder.method.corpus.cutting.blocks import Block
from builder.method.corpus.cutting.regions import Region

_LEAST = 20
"""Characters of text in a box. A title in a container of its own has no more beside it than a label."""
_IN_FLOW = frozenset(
    {"ul", "ol", "dl", "table", "tbody", "thead", "tfoot", "tr", "td", "th", "blockquote", "figure", "pre", "li", "dd"}
)
"""Containers that are a part of the text around them."""


def boxed(blocks: list[Block], kept: Collection[int]) -> frozenset[int]:
    """Numbers of the headings that head nothing outside of their box.

    A text goes on behind a box of which nothing is main content: what stands there has the heading that it had before
    the box. The text before and the text behind are in one container, and the heading and the text that is left out
    are in another one within it, so that a title with its byline, and titles of cards, are no boxes.
    """
    found: set[int] = set()
    above: Block | None = None
    """The text before, if it stands under a heading."""
    between: list[Block] = []
    """Headings since."""
    for block in blocks:
        if block.level:
            between.append(block)
        elif block.number in kept:
            if above is not None and len(between) == 1 and _is_box(blocks, above, between[0], block):
                found.add(between[0].number)
            above = block if above is not None or between else None
            between = []
    return frozenset(found)


def _is_box(blocks: list[Block], above: Block, heading: Block, below: Block) -> bool:
    flow = _flow(below.region)
    if heading.level == 1 or _flow(above.region) is not flow:
        return False
    box: Region | None = None
    for region in _around(heading.region):
        if region is flow:
            break
        box = region
    else:
        return False
    if box is None:
        return False
    left_out = (block for block in blocks[heading.number + 1 : below.number] if box in _around(block.region))
    return sum(len(block.text) for block in left_out) >= _LEAST


def _flow(region: Region) -> Region:
    """The container whose text a block is a part of."""
    while region.tag in _IN_FLOW and region.parent is not None:
        region = region.parent
    return region


def _around(region: Region) -> Iterator[Region]:
    at: Region | None = region
    while at is not None:
        yield at
        at = at.parent
