"""Blocks of text of a page, and how a choice of them reads as text."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.regions import Region

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True, eq=False)
class Block:
    """A run of text between two block boundaries of the page.

    Attributes:
        number: Its place among all blocks of the page.
        kind: `heading`, `text`, `code`, or `item`, `cell`, `term` for the first block of a list item, table cell,
            definition.
        text: One line, or several for code.
        region: The container it is in.
        level: 1 to 6 for headings, else 0.
        ordinal: For headings, the how-many-th heading element of the page (from 0), empty ones counted.
        glued: Whether only a line break parts it from the block before.
        mark: What stands before a list item: "- ", or its number in a numbered list.
        unit: Number of the innermost list or table around it, 0 if there is none.
        row: Number of its table row where the row is one of plain cells, else -1.
        column: Place of its table cell in the row, from 0.
        linked: How many of its characters are in links that lead to other pages.
    """

    number: int
    kind: str
    text: str
    region: Region = field(default_factory=lambda: Region(None), repr=False)
    level: int = 0
    ordinal: int = -1
    glued: bool = False
    mark: str = ""
    unit: int = 0
    row: int = -1
    column: int = 0
    linked: int = 0


def plain_rows(blocks: list[Block], cells_of: list[int], mixed: set[int]) -> list[Block]:
    """Take the row from blocks of layout tables: rows with headings, code, tables or several blocks in a cell."""
    if not any(block.row >= 0 for block in blocks):
        return blocks
    in_cell: dict[int, int] = {}
    for cell in cells_of:
        in_cell[cell] = in_cell.get(cell, 0) + 1
    layout = mixed | {
        block.row
        for block, cell in zip(blocks, cells_of, strict=True)
        if cell >= 0 and (block.kind in ("heading", "code") or in_cell[cell] > 1)
    }
    for block in blocks:
        if block.row in layout:
            block.row = -1
    return blocks


def render(blocks: "Iterable[Block]") -> str:
    """The text of some blocks of a page: paragraphs, list items with marks, rows with " | ", code with its lines."""
    parts: list[str] = []
    last: Block | None = None
    for block in blocks:
        same_row = last is not None and block.row >= 0 and block.row == last.row
        if last is not None and not same_row:
            parts.append(_separator(last, block))
        if block.row >= 0:  # an empty cell keeps its place
            bars = " | " * (block.column - (last.column if same_row and last is not None else 0))
            parts.append(bars if same_row else bars.lstrip())
        parts.append(block.mark + block.text)
        last = block
    return "".join(parts)


def _separator(last: Block, block: Block) -> str:
    adjacent = block.glued and block.number == last.number + 1
    listed = block.kind == last.kind and block.kind in ("item", "term", "cell")
    return "\n" if adjacent or listed else "\n\n"
