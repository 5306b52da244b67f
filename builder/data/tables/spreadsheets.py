"""Rows of CSV and TSV files, as spreadsheets save them."""

import csv
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import chain
from typing import IO, Any

from builder.errors import RecipeError

SUFFIXES = (".csv", ".tsv")
MAX_CELL_CHARS = 1 << 24
"""More than any text has; a quotation mark that is never closed makes a cell of the rest of the file."""
_PARTS = (",", ";", "\t", "|")
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))


def spreadsheet_rows(handle: IO[bytes], name: str) -> Iterator[dict[str, Any] | None]:
    """Rows by the names of the header, the first row; None for one that has more cells than it.

    A row with fewer cells has only these. Text is UTF-8, or UTF-16 with its mark. What parts the cells of a `.csv` file
    is what the header has most of, since a comma is a semicolon where it marks decimals.

    Raises:
        RecipeError: If the text is in another encoding, a quotation does not end, or a column is there twice.
    """
    mark = handle.read(2)
    handle.seek(0)
    encoding = next(encoding for start, encoding in _MARKS if mark.startswith(start))
    before, number = csv.field_size_limit(MAX_CELL_CHARS), 0
    try:
        with TextIOWrapper(handle, encoding=encoding, newline="") as text:
            first = text.readline()
            part = "\t" if name.endswith(".tsv") else max(_PARTS, key=first.count)
            cells = csv.reader(chain([first], text), delimiter=part, strict=True)
            header = [column.strip() for column in next(cells, [])]
            _refuse_twice(header, name)
            for row in cells:
                number += 1
                if any(row):
                    yield None if len(row) > len(header) else dict(zip(header, row, strict=False))
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{name}: row {number + 1:,} or one soon after it is not {encoding.removesuffix('-sig').upper()} "
            f"({error.reason}); save the file as CSV in UTF-8"
        ) from error
    except csv.Error as error:
        raise RecipeError(
            f"{name}: row {number + 1:,} is no row of a table ({error}); see whether its quotation marks are doubled "
            "inside of cells, or give the rows as JSON lines"
        ) from error
    finally:
        csv.field_size_limit(before)


def _refuse_twice(header: list[str], name: str) -> None:
    times = Counter(header)
    twice = next((column for column in header if column and times[column] > 1), None)
    if twice is not None:
        raise RecipeError(f"{name}: the column {twice!r} is there twice; give each a name of its own")
