"""How rows look: named values, broken between words where a terminal ends, whole where nobody's terminal does."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.cells import cell_len

from builder.text.escape import escape, shortened

SHOWN_CHARS = 600
LEAST = 40
"""Columns that every terminal is taken to have."""
_FIRST = ("score", "outcome", "header", "instruction", "output")
"""What is read of a pair comes before what it is known by."""
_CLOSING = frozenset("、。，．：；！？）」』】〕〉》")
"""Marks that begin no line."""


def terminal_width() -> int | None:
    """The columns of the terminal that is written to; None for a pipe or a file, where every text stays whole."""
    return max(LEAST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def describe_row(row: Mapping[str, Any], width: int | None = None) -> str:
    """The values of a row, a name before each; texts first, empty values left out.

    Args:
        row: The row.
        width: Columns of the terminal, for which long texts are cut as well; None to break and cut nothing.
    """
    names = [*(name for name in _FIRST if name in row), *(name for name in row if name not in _FIRST)]
    values = {name: row[name] for name in names if row[name] not in (None, "")}
    return "\n".join(wrapped(f"{name}: {_shown(name, value, width)}", width, "  ") for name, value in values.items())


def _shown(name: str, value: Any, width: int | None) -> str:
    if name == "score" and isinstance(value, float):
        return f"{value:.4f}"
    return text_shown(value, width, SHOWN_CHARS)


def text_shown(value: Any, width: int | None, most: int) -> str:
    """A text of others, cut at `most` characters for a terminal; whole where there is none."""
    return escape(value, "terminal") if width is None else shortened(value, most)


def indented(text: str) -> str:
    """Lines as an item of a list."""
    first, *rest = text.splitlines()
    return "\n".join([f"  - {first}", *(f"    {line}".rstrip() for line in rest)])


def wrapped(text: str, width: int | None, indent: str = "") -> str:
    """Lines broken between words where they are longer than `width` cells; a word that alone is longer stays whole.

    Wide characters, as of Chinese, take two cells, and a line may end after each of them.

    Args:
        text: Lines of text.
        width: Cells of a line; None to break nothing.
        indent: Stands before what goes on from the line above.
    """
    lines = text.split("\n")
    return "\n".join(lines if width is None else [part for line in lines for part in _broken(line, width, indent)])


def _broken(line: str, width: int, indent: str) -> Iterator[str]:
    start, used = "", 0
    for piece in _pieces(line):
        cells, room = cell_len(piece), width - used
        if start.strip() and cells > room and cell_len(piece.rstrip()) > room:
            yield start.rstrip()
            start, used = indent, len(indent)
        start, used = start + piece, used + cells
    yield start.rstrip()


def _pieces(line: str) -> Iterator[str]:
    """What stays on one line: words with the blanks after them, and wide characters with the marks after them."""
    piece = ""
    for character in line:
        wide = not character.isspace() and cell_len(character) == 2
        after_wide = bool(piece) and cell_len(piece[-1]) == 2
        begins = not character.isspace() and bool(piece) and (wide or after_wide or piece[-1].isspace())
        if begins and character not in _CLOSING:
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece
