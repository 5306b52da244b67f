"""Cut a page at its headers (paper section 2.1: "portions of text following an HTML header").

Which blocks of the page are main content is decided in `mask`; headings, their levels and the order come from the
page's own DOM.

Departure: the paper does not say where a segment ends. `tree` (default) runs to the next heading of the same or a
higher level where that fits `max_chars` and keeps the sub-headings inside as lines; where it does not fit, the text
right under the heading and the sections below it become segments of their own. `any` ends at the next heading. Under
both, a text that is too short by itself takes in the sections below it, up to the first that is long enough: together
they may be, and one by one all of them would be lost.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

from builder.method.corpus.cutting.around.boxes import boxed
from builder.method.corpus.cutting.around.tails import Trimmed
from builder.method.corpus.cutting.blocks import Block, render
from builder.method.corpus.cutting.composition import UNCOUNTED, Composition, composition
from builder.method.corpus.cutting.declared import Declared
from builder.text.scripts import size

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
        made_of: How much of the text is links, table, list or code.
        truncated: Whether its end is missing since the page's is.
        lead: Whether text below its heading is left out: it stands before sections that are segments of their own.
        post: Whether its heading names who wrote the text, as in a forum.
        front: Whether its page is the front page of a site.
        declared: What its page declares itself to be.
        site: The name of its site, by the address.
        sells: Whether its address names a shop, a service or a course.
        trimmed: How many blocks were taken away as what.
        trimmed_chars: Their characters.
    """

    header: str
    level: int
    path: tuple[str, ...]
    position: int
    text: str
    kept_blocks: tuple[int, ...]
    made_of: Composition = UNCOUNTED
    truncated: bool = False
    lead: bool = False
    post: bool = False
    front: bool = False
    declared: Declared = ""
    site: str = ""
    sells: bool = False
    trimmed: tuple[tuple[str, int], ...] = ()
    trimmed_chars: int = 0


@dataclass(frozen=True, slots=True)
class _Section:
    heading: Block
    own: list[Block]
    path: tuple[str, ...]
    end: int  # index of the first later section that is not below this one


Trim = Callable[[list[Block]], Trimmed]


def cut(
    blocks: list[Block],
    kept: Collection[int],
    *,
    boundary: Literal["tree", "any"],
    max_chars: int,
    min_chars: int = 1,
    length: Callable[[str], int] = size,
    truncated: bool = False,
    trim: Trim = Trimmed,
) -> list[Segment]:
    """Cut a page into segments; every block ends up in at most one of them.

    Args:
        blocks: The page, as `walk` gives it.
        kept: Numbers of the blocks that are main content.
        boundary: Where a segment ends; see the module.
        max_chars: Longest text that is kept together.
        min_chars: Characters from which the text of a section is long enough to be a segment.
        length: How long a text is.
        truncated: Whether the end of the page is missing. Its last section is then a `truncated` segment of its own,
            and the sections above it end before it.
        trim: What takes furniture away from the blocks of a segment; the default takes nothing.
    """
    sections = _sections(blocks, kept)
    last = _take_last(sections) if truncated else None
    segments, index = [], 0
    while index < len(sections):
        section = sections[index]
        whole = _together(sections[index : section.end]) if boundary == "tree" else []
        segment = _segment(section, whole, trim) if whole else None
        if segment and length(segment.text) <= max_chars:
            segments.append(segment)
            index = section.end
            continue
        lead, index = _lead(sections, index, min_chars, max_chars, length, trim)
        if lead is not None:
            below = any(later.own for later in sections[index : section.end])
            segments.append(replace(lead, lead=True) if below else lead)
    return segments if last is None else [*segments, last]


def _take_last(sections: list[_Section]) -> Segment | None:
    """Take the last section out and make it a segment of its own; None if it has no text."""
    if not sections:
        return None
    last = sections.pop()
    sections[:] = [replace(section, end=min(section.end, len(sections))) for section in sections]
    segment = _segment(last, last.own, Trimmed)
    return None if segment is None else replace(segment, truncated=True)


def _lead(
    sections: list[_Section],
    index: int,
    min_chars: int,
    max_chars: int,
    length: Callable[[str], int],
    trim: Trim,
) -> tuple[Segment | None, int]:
    """A section's own text; if that is too short, with the short sections that follow below it.

    Returns:
        The segment, None if there is no text for one, and the index of the first section that is not in it.
    """
    section, after = sections[index], index + 1
    lead = _segment(section, section.own, trim)
    so_far = length(lead.text) if lead is not None else 0
    if so_far >= min_chars:
        return lead, after
    blocks = list(section.own)
    while after < section.end:
        below = sections[after]
        if under := _together(sections[after : below.end]):
            chars = _size(under, min_chars, length)
            so_far += chars + length(below.heading.text) + 4  # two blank lines
            if chars >= min_chars or so_far > max_chars:
                break
            blocks += [below.heading, *under]
        after = below.end
    return _segment(section, blocks, trim), after


def _size(blocks: list[Block], enough: int, length: Callable[[str], int]) -> int:
    """Length of the text of some blocks; `enough` where it is that long, for long texts take time to render."""
    if sum(len(block.text) for block in blocks) >= enough:
        return enough
    return min(length(render(blocks)), enough)


def _sections(blocks: list[Block], kept: Collection[int]) -> list[_Section]:
    """All headings with the text of their own that stays; those of boxes in the middle of a text are left out."""
    passed = boxed(blocks, kept)
    headings = [block for block in blocks if block.kind == "heading" and block.number not in passed]
    bounds = [heading.number for heading in headings] + [len(blocks)]
    ends = _ends([heading.level for heading in headings])
    sections: list[_Section] = []
    above: list[Block] = []
    for index, heading in enumerate(headings):
        while above and above[-1].level >= heading.level:
            above.pop()
        under = blocks[heading.number + 1 : bounds[index + 1]]
        own = [block for block in under if block.number in kept and block.number not in passed]
        path = tuple(block.text for block in above)
        sections.append(_Section(heading, own, path, ends[index]))
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


def _segment(section: _Section, blocks: list[Block], trim: Trim) -> Segment | None:
    """A segment of the given blocks, without a repeat of the header at its start; None if nothing is left."""
    heading = section.heading
    if blocks and _letters(blocks[0].text) == _letters(heading.text):
        blocks = blocks[1:]
    if not any(block.kind != "heading" for block in blocks):
        return None
    trimmed = trim(blocks)
    blocks = trimmed.blocks
    return Segment(
        heading.text,
        heading.level,
        section.path,
        heading.ordinal,
        render(blocks),
        tuple(block.number for block in blocks),
        composition(blocks, heading),
        trimmed=trimmed.kinds,
        trimmed_chars=trimmed.chars,
    )


def _letters(text: str) -> str:
    return _NOT_WORD.sub("", text).casefold()
