"""What a segment is made of: how much of it is links, table, short items, code or prose, and how many cards."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.text.scripts import size as weighed
from builder.text.sentences import ends_unmarked, ends_with_mark

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

CARD_CHARS = 200
"""A section with less text than this (`scripts.size`) under a heading of its own may be a card of a listing."""
LINKED = 2
"""A line is a link for a good part where links are the half of it."""
STUB_CHARS = 40
"""A list item shorter than this says little by itself; longer ones are often the best of answers."""
PROSE_CHARS = 120
"""A line as long as this (`scripts.size`) is prose, also in scripts that end no sentence with a mark."""
_UNMARKED_CHARS = 40
"""In Thai and Lao a shorter line is no sentence."""
_SURE_MARKS = frozenset(".!?:")
_COLONS = (":", "：", ";")
_BRACES = re.compile(
    r"\{\{[^{}\n]{1,80}\}\}|\{%[^{}%\n]{1,80}%\}|\$\{[A-Za-z_][\w.]{0,60}\}|<%[=\-]?[^<>%\n]{0,80}%>"
    r"|\[\[[A-Za-z_][\w .\-]{0,40}\]\]|\*\|[A-Z_:]{2,30}\|\*"
)


@dataclass(frozen=True, slots=True)
class Composition:
    """Characters by kind, and sections inside a segment.

    Attributes:
        chars: Characters of all blocks, inner headings included.
        linked: Those inside links that lead to other pages.
        table: Those in the cells of data tables.
        stubs: Those in list items of less than `STUB_CHARS` characters.
        code: Those in code.
        sections: How many inner headings there are.
        cards: How many of them head less than `CARD_CHARS` characters.
        linked_cards: How many of those are links themselves.
        formulas: How many formulas are missing in it, its header included.
        lines: Blocks that are no heading, no code and in no table.
        fragments: Those of them that are a line of their own, in no list, short and no sentence.
        prose: Characters of those that end as sentences do or are as long as one.
        loose: Characters of all of them.
        braces: Fields of templates that nobody filled in, outside of code.
        code_braces: Those in code.
        links: How many of the lines are a link for a good part.
        holes: How many lines announce something that is not there: they end with a colon, and what followed was left
            out of the segment.
    """

    chars: int = 0
    linked: int = 0
    table: int = 0
    stubs: int = 0
    code: int = 0
    sections: int = 0
    cards: int = 0
    linked_cards: int = 0
    formulas: int = 0
    lines: int = 0
    fragments: int = 0
    prose: int = 0
    loose: int = 0
    braces: int = 0
    code_braces: int = 0
    links: int = 0
    holes: int = 0


UNCOUNTED = Composition()
"""The composition of a segment nobody has looked into; no rule speaks against it."""


def composition(blocks: "Iterable[Block]", heading: "Block | None" = None) -> Composition:
    """Count what some blocks of a page, in their order, are made of; `heading` stands above them."""
    chars = linked = table = stubs = code = lines = fragments = prose = loose = braces = code_braces = links = 0
    holes = 0
    last: Block | None = None
    formulas = heading.formulas if heading is not None else 0
    sections: list[list[int]] = []  # of each: whether its heading is a link, characters under it
    for block in blocks:
        text, size = block.text, len(block.text)
        chars += size
        if last is not None and last.text[-1:] in (":", "："):
            holes += _leaves_hole(last, block)
            fragments += block.kind == "text" and size < STUB_CHARS and _is_label(last)
        last = block
        formulas += block.formulas
        linked += block.linked
        if found := unfilled(text):
            code_braces += found if block.kind == "code" else 0
            braces += 0 if block.kind == "code" else found
        if block.kind == "code":
            code += size
        if block.kind == "heading":
            sections.append([2 * block.linked >= size, 0])
            continue
        if sections:
            sections[-1][1] += weighed(text)
        stubs += size if block.kind == "item" and size < STUB_CHARS and weighed(text) < STUB_CHARS else 0
        if block.row >= 0:
            table += size
        elif block.kind != "code":
            whole = _is_whole(text)
            lines, loose = lines + 1, loose + size
            prose += size if whole else 0
            fragments += not whole and block.kind == "text" and not block.glued
            links += LINKED * block.linked >= size
    cards = [by_link for by_link, under in sections if under < CARD_CHARS]
    return Composition(
        chars, linked, table, stubs, code, len(sections), len(cards), sum(cards), formulas,
        lines, fragments, prose, loose, braces, code_braces, links, holes,
    )  # fmt: skip


def _is_whole(text: str) -> bool:
    """Whether a line is as long as prose, or ends as a sentence or what announces one does."""
    end = text[-10:]
    if len(text) >= PROSE_CHARS or end[-1:] in _SURE_MARKS or weighed(text) >= PROSE_CHARS:
        return True
    if ends_with_mark(end) or end.rstrip().endswith(_COLONS):
        return True
    return len(text) >= _UNMARKED_CHARS and ends_unmarked(end)


def _leaves_hole(block: "Block", after: "Block") -> bool:
    """Whether a line announces what is not there: a list whose links went, a picture, a form."""
    if block.kind in ("heading", "code") or block.row >= 0 or not block.text.endswith((":", "：")):
        return False
    return after.number > block.number + 1 and after.kind == "text" and not after.glued


def _is_label(block: "Block") -> bool:
    """Whether a line is the label of something: "Seasons:"."""
    return block.kind == "text" and not block.glued and len(block.text) < STUB_CHARS and block.text.endswith(":")


def without_fields(text: str) -> str:
    """A text without such fields."""
    return _BRACES.sub(" ", text)


def unfilled(text: str) -> int:
    """How many fields of a template are in a text that nobody filled in."""
    if "{" in text or "[[" in text or "<%" in text or "*|" in text:
        return sum(1 for _ in _BRACES.finditer(text))
    return 0
