"""Rows of files of tables: JSON Lines, JSON, Parquet, CSV and TSV."""

import codecs
import errno
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from builder.data.inputs import NO_ACCESS, NotAFileError, files_below, refuse_special
from builder.data.storage import read_rows
from builder.data.tables.spreadsheets import SUFFIXES as SPREADSHEETS
from builder.data.tables.spreadsheets import spreadsheet_rows
from builder.errors import RecipeError

SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".json", ".json.gz", *SPREADSHEETS)
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""What UTF-16 begins with."""
PlacedRow = tuple[str, Any]
"""Where a row is, as `name:line`, and what it is; None for what is no row."""


def table_files(path: Path, what: str) -> list[Path]:
    """A file, or the files of a folder that hold rows.

    Args:
        path: The file or folder.
        what: What it is to be, with its article, for the message.

    Raises:
        RecipeError: If there is none.
    """
    if not path.is_dir():
        files = [path] if path.name.endswith(SUFFIXES) else []
    else:
        files = [file for file in files_below(path) if file.name.endswith(SUFFIXES) and file.name[0] != "."]
    if not files:
        raise RecipeError(f"{path}: no file of rows; {what} is a file or a folder of {', '.join(SUFFIXES)}")
    return files


def file_rows(file: Path) -> Iterator[PlacedRow]:
    """Rows of one file with their places (`name:line`); None for a line that is not JSON.

    Raises:
        RecipeError: If the file cannot be read.
    """
    with read_failures(file):
        refuse_special(file)
        for number, row in enumerate(_rows(file), start=1):
            yield f"{file.name}:{number}", row


@contextmanager
def read_failures(file: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a RecipeError that names it."""
    import pyarrow as pa

    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise RecipeError(f"{file}: cannot be read {_remedy(error)}") from error


def _rows(file: Path) -> Iterator[Any]:
    if file.suffix == ".parquet":
        yield from read_rows(file)
        return
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
        handle = cast("IO[bytes]", opened)
        yield from spreadsheet_rows(handle, str(file)) if file.suffix in SPREADSHEETS else json_rows(handle, file)


def _remedy(error: Exception) -> str:
    """What the system or the format says of a file, and what to do."""
    number = getattr(error, "errno", None)  # none where it is what the file holds that is wrong
    if number is None:
        return f"({error}); it may be cut short, fetch it again"
    said = f"({os.strerror(number)})"
    if number in NO_ACCESS:
        return f"{said}; give this user access to it"
    if isinstance(error, NotAFileError):
        return f"({error.strerror})"
    if number == errno.ENOENT:
        return f"{said}; put it there, or name another file in the recipe"
    return f"{said}; see whether it can be copied to another disk"


def json_rows(handle: IO[bytes], file: Path) -> Iterator[Any]:
    """Objects of a JSON list, or of JSON Lines whatever the file's name; None for a line that is not JSON.

    Raises:
        RecipeError: If the text is UTF-16, as the PowerShell of Windows writes it.
    """
    start = handle.readline()
    if start.startswith(WIDE):
        raise RecipeError(f"{file}: is JSON in UTF-16, by its first bytes; save it in UTF-8")
    start = start.removeprefix(codecs.BOM_UTF8)
    while start and not start.strip():
        start = handle.readline()
    if start.lstrip().startswith(b"[") and ".json" in file.suffixes:
        rows = _parsed(start + handle.read())
        yield from rows if isinstance(rows, list) else [rows]
        return
    if start:
        yield _parsed(start)
    for line in handle:
        if line.strip():
            yield _parsed(line)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
