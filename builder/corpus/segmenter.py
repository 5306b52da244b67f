"""Cut a page at its headers (paper section 2.1: "portions of text following an HTML header").

Two sources are laid over each other. trafilatura decides which text is main content, but it loses every heading
where it does not recognise the page's container; so headings, their levels and the order come from the page's own
DOM. A block of the DOM stays when its letters and digits are found in trafilatura's text.

Departure: the paper does not say where a segment ends. `tree` (default) runs to the next heading of the same or a
higher level where that fits `max_chars` and keeps the sub-headings inside as lines; where it does not fit, the text
right under the heading and the sections below it become segments of their own. `any` ends at the next heading.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from builder.corpus.walk import Block, render

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LONG_KEY = 30
"""Letters and digits from which a block is told apart from chance by its own text."""
REACH = 6
"""How many blocks a short block may be away from a long one of the main content."""
_OPEN_ENDED = frozenset({"item", "cell", "term", "code"})
_NOT_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A header and the text under it.

    Attributes:
        header: The heading, on one line.
        level: 1 to 6.
        path: The headings above it, outermost first.
        position: Ordinal of the heading among all headings of the page.
        text: The text, without the header itself.
        kept_blocks: Numbers of the blocks that make up `text`.
    """

    header: str
    level: int
    path: tuple[str, ...]
    position: int
    text: str
    kept_blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    heading: Block
    own: list[Block]
    path: tuple[str, ...]
    end: int  # index of the first later section that is not below this one


def main_content(tree: "HtmlElement") -> str:
    """The text of the main content in trafilatura's judgement; empty if it finds none."""
    from trafilatura import bare_extraction

    found = bare_extraction(tree, fast=True, include_comments=False, with_metadata=False)
    return "" if found is None else "".join(found.body.itertext())


def cut(blocks: list[Block], content: str, *, boundary: Literal["tree", "any"], max_chars: int) -> list[Segment]:
    """Cut a page into segments; every block ends up in at most one of them.

    Args:
        blocks: The page, as `walk` gives it.
        content: Text of its main content.
        boundary: Where a segment ends; see the module.
        max_chars: Longest text that `tree` keeps together.
    """
    long, short = choose_blocks(blocks, content)
    sections = _sections(blocks, long, short)
    segments, index = [], 0
    while index < len(sections):
        section = sections[index]
        whole = _together(sections[index : section.end]) if boundary == "tree" else []
        segment = _segment(section, whole) if whole else None
        if segment and len(segment.text) <= max_chars:
            segments.append(segment)
            index = section.end
            continue
        if section.own and (lead := _segment(section, section.own)):
            segments.append(lead)
        index += 1
    return segments


def choose_blocks(blocks: list[Block], content: str) -> tuple[set[int], set[int]]:
    """Numbers of the blocks that belong to the main content: long ones by their text, short ones by their place.

    A short block ("Share", "Comments", a date) is found in most texts by accident. It stays when it is near long
    blocks that stay, on both sides (one side for list items, table cells, definitions and code), and outside of
    nav, footer and aside. Code between blocks that stay always does: extractors mangle it.
    """
    mask = _key(content)
    keys = {block.number: _key(block.text) for block in blocks if block.kind != "heading"}
    long = {number for number, key in keys.items() if len(key) >= LONG_KEY and key in mask}
    places = sorted(long)
    short: set[int] = set()
    for block in blocks:
        key = keys.get(block.number, "")
        if not key or block.number in long or block.margin or not places:
            continue
        if len(key) < LONG_KEY and key in mask:
            before, after = _distances(places, block.number)
            near = before <= REACH and (after <= REACH or block.kind in _OPEN_ENDED)
        else:
            near = block.kind == "code" and places[0] < block.number <= places[-1] + 2
        if near:
            short.add(block.number)
    return long, short


def _key(text: str) -> str:
    return _NOT_WORD.sub("", text).casefold()


def _distances(places: list[int], number: int) -> tuple[int, int]:
    """How far the nearest of the sorted `places` are before and after `number`."""
    index, far = bisect_left(places, number), REACH + 1
    before = number - places[index - 1] if index else far
    after = places[index] - number if index < len(places) else far
    return before, after


def _sections(blocks: list[Block], long: set[int], short: set[int]) -> list[_Section]:
    """All headings with the text of their own that stays; it stays only if a long block is part of it."""
    headings = [block for block in blocks if block.kind == "heading"]
    bounds = [heading.number for heading in headings] + [len(blocks)]
    ends = _ends([heading.level for heading in headings])
    sections: list[_Section] = []
    above: list[Block] = []
    for index, heading in enumerate(headings):
        while above and above[-1].level >= heading.level:
            above.pop()
        under = blocks[heading.number + 1 : bounds[index + 1]]
        own = [block for block in under if block.number in long or block.number in short]
        alive = any(block.number in long for block in own)
        path = tuple(block.text for block in above)
        sections.append(_Section(heading, own if alive else [], path, ends[index]))
        above.append(heading)
    return sections


def _ends(levels: list[int]) -> list[int]:
    """For each heading the index of the next one of the same or a higher level."""
    ends = [len(levels)] * len(levels)
    waiting: list[int] = []
    for index, level in enumerate(levels):
        while waiting and levels[waiting[-1]] >= level:
            ends[waiting.pop()] = index
        waiting.append(index)
    return ends


def _together(sections: list[_Section]) -> list[Block]:
    """Text of a section and of those below it, sub-headings included where they head any text."""
    blocks = list(sections[0].own)
    for offset, section in enumerate(sections[1:], start=1):
        below = section.end - sections[0].end + len(sections)
        if any(item.own for item in sections[offset:below]):
            blocks += [section.heading, *section.own]
    return blocks if any(block.kind != "heading" for block in blocks) else []


def _segment(section: _Section, blocks: list[Block]) -> Segment | None:
    """A segment of the given blocks, without a repeat of the header at its start; None if nothing is left."""
    heading = section.heading
    if blocks and _key(blocks[0].text) == _key(heading.text):
        blocks = blocks[1:]
    if not any(block.kind != "heading" for block in blocks):
        return None
    numbers = tuple(block.number for block in blocks)
    return Segment(heading.text, heading.level, section.path, heading.ordinal, render(blocks), numbers)
