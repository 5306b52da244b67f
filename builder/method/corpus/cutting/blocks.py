"""Blocks of text of a page, and how a choice of them reads as text."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.regions import Region

if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEM = re.compile(r"([•●▪■◦○‣∙·])\s*+(?=\S)|([-*])\s+(?=\S)|\(?(\d{1,3})[.)]\s+(?=\S)")
_CELL_LINES = 6
_CELL_CHARS = 200
"""A cell with more is no entry of a table, but part of a page that is laid out by one."""


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
        formulas: How many formulas are missing in it, since the page has no text of them.
        fence: For listings of code, the language that the page names, which may be empty; else None.
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
    formulas: int = 0
    fence: str | None = None


def lines_as_items(blocks: list[Block], lines: list[int]) -> None:
    """Make items of a list of lines that are parted by breaks alone and begin with bullets, or with numbers that count.

    Args:
        blocks: The page; changed in place.
        lines: Numbers of the blocks that only breaks part from the one before.
    """
    items: dict[int, re.Match[str]] = {}
    for number in lines:
        mark, above = _item(blocks[number]), _item(blocks[number - 1])
        if mark and above and _follows(above, mark):
            items[number - 1], items[number] = above, mark
    for number, mark in items.items():
        block = blocks[number]
        block.kind, block.mark = "item", f"{mark[0].strip()} " if mark[3] else "- "
        block.text = block.text[mark.end() :]
        block.linked = min(block.linked, len(block.text))


def _item(block: Block) -> "re.Match[str] | None":
    return _ITEM.match(block.text) if block.kind == "text" else None


def _follows(one: "re.Match[str]", other: "re.Match[str]") -> bool:
    if one[3] and other[3]:
        return int(other[3]) == int(one[3]) + 1
    return not one[3] and not other[3] and one[0].strip() == other[0].strip()


def plain_rows(blocks: list[Block], cells_of: list[int], mixed: set[int], lines: list[int]) -> list[Block]:
    """Take the row from blocks of layout tables: rows with headings, code, tables or several blocks in a cell.

    A few lines in a cell that only breaks part are one entry, if the row has another cell.
    """
    if not any(block.row >= 0 for block in blocks):
        return blocks
    in_cell: dict[int, list[Block]] = {}
    columns: dict[int, set[int]] = {}
    for block, cell in zip(blocks, cells_of, strict=True):
        in_cell.setdefault(cell, []).append(block)
        columns.setdefault(block.row, set()).add(block.column)
    broken = set(lines)

    def is_entry(inside: list[Block]) -> bool:
        if len(inside) == 1:
            return True
        few = len(inside) <= _CELL_LINES and sum(len(block.text) for block in inside) <= _CELL_CHARS
        return few and len(columns[inside[0].row]) > 1 and all(block.number in broken for block in inside[1:])

    layout = mixed | {
        block.row
        for block, cell in zip(blocks, cells_of, strict=True)
        if cell >= 0 and (block.kind in ("heading", "code") or not is_entry(in_cell[cell]))
    }
    for block in blocks:
        if block.row in layout:
            block.row = -1
    return blocks


def render(blocks: "Iterable[Block]") -> str:
    """The text of some blocks of a page: paragraphs, list items with marks, rows with " | ", code between fences."""
    parts: list[str] = []
    last: Block | None = None
    for block in blocks:
        same_row = last is not None and block.row >= 0 and block.row == last.row
        if last is not None and not same_row:
            parts.append(_separator(last, block))
        if block.row >= 0:  # an empty cell keeps its place
            bars = " | " * (block.column - (last.column if same_row and last is not None else 0))
            parts.append((bars or " ") if same_row else bars.lstrip())
        parts.append(block.mark + (block.text if block.fence is None else _fenced(block.text, block.fence)))
        last = block
    return "".join(parts)


def _fenced(code: str, language: str) -> str:
    """Code as Markdown has it; its fence is longer than any run of backticks in it."""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"


def _separator(last: Block, block: Block) -> str:
    adjacent = block.glued and block.number == last.number + 1
    listed = block.kind == last.kind and block.kind in ("item", "term", "cell")
    return "\n" if adjacent or listed else "\n\n"
