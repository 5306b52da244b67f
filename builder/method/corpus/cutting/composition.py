"""What a segment is made of: how much of it is links, table, short items or code, and how many cards are in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.text.scripts import size as weighed

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

CARD_CHARS = 200
"""A section with less text than this (`scripts.size`) under a heading of its own may be a card of a listing."""
STUB_CHARS = 40
"""A list item shorter than this says little by itself; longer ones are often the best of answers."""


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


UNCOUNTED = Composition()
"""The composition of a segment nobody has looked into; no rule speaks against it."""


def composition(blocks: "Iterable[Block]", heading: "Block | None" = None) -> Composition:
    """Count what some blocks of a page, in their order, are made of; `heading` stands above them."""
    chars = linked = table = stubs = code = 0
    formulas = heading.formulas if heading is not None else 0
    sections: list[list[int]] = []  # of each: whether its heading is a link, characters under it
    for block in blocks:
        size = len(block.text)
        chars += size
        formulas += block.formulas
        linked += block.linked
        table += size if block.row >= 0 else 0
        stubs += size if block.kind == "item" and weighed(block.text) < STUB_CHARS else 0
        code += size if block.kind == "code" else 0
        if block.kind == "heading":
            sections.append([2 * block.linked >= size, 0])
        elif sections:
            sections[-1][1] += weighed(block.text)
    cards = [by_link for by_link, under in sections if under < CARD_CHARS]
    return Composition(chars, linked, table, stubs, code, len(sections), len(cards), sum(cards), formulas)
