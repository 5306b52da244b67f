"""The first rows of seed sources: enough to tell their format and to say what is in them, whatever their size."""

import codecs
import json
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from builder.data.inputs import refuse_special
from builder.data.sampled import spread
from builder.data.storage import open_parquet
from builder.data.tables.file_rows import WIDE, PlacedRow, file_rows, json_rows, read_failures
from builder.data.tables.spreadsheets import SUFFIXES as SPREADSHEETS
from builder.data.tables.spreadsheets import spreadsheet_rows
from builder.errors import RecipeError
from builder.method.seed.files import hub_rows, source_files
from builder.recipe.sections.seed import SeedSource

DECIDING_ROWS = 20
"""So many rows decide on the format of a source."""
HEAD_FILES = 10
HEAD_BYTES = 1 << 20
"""So much of a file is read; a packed file may give eight times as much."""
_HEAD_ROWS = 1_000
"""So many rows of a Parquet file are read."""
_UNPACKED = 8


class Head(NamedTuple):
    """The first rows of one file.

    Attributes:
        file: The file.
        rows: Rows with their places; None for what is no row.
        whole: Whether these are all of them.
        total: How many rows the file has, by its size where these are not all.
    """

    file: Path
    rows: list[PlacedRow]
    whole: bool
    total: int


def first_rows(source: SeedSource) -> list[Any]:
    """Some rows of a source, spread over its files, that decide on its format; none where the recipe names it.

    Raises:
        RecipeError: If there is no file, or one cannot be read.
    """
    if source.format is not None:
        return []
    if source.path is None:
        return [row for _, row in islice(hub_rows(source), DECIDING_ROWS)]
    files = spread(source_files(source), HEAD_FILES)
    share = -(-DECIDING_ROWS // len(files))
    return [row for file in files for _, row in file_head(file).rows[:share]]


def file_head(file: Path) -> Head:
    """The first rows of a file.

    Raises:
        RecipeError: If the file cannot be read.
    """
    with read_failures(file):
        refuse_special(file)
        if file.suffix == ".parquet":
            return _of_parquet(file)
        size = file.stat().st_size
        if size <= HEAD_BYTES and file.suffix != ".gz":
            rows = list(file_rows(file))
            return Head(file, rows, whole=True, total=len(rows))
        with file.open("rb") as handle:
            raw = handle.read(HEAD_BYTES)
        data, used = _unpacked(raw, whole=len(raw) >= size) if file.suffix == ".gz" else (raw, len(raw))
    whole = used >= size
    values = enumerate(_rows(file, data, whole=whole), start=1)
    rows = [(f"{file.name}:{number}", value) for number, value in values]
    return Head(file, rows, whole=whole, total=len(rows) if whole else round(len(rows) * size / max(1, used)))


def _of_parquet(file: Path) -> Head:
    with open_parquet(file) as table:
        batches = table.iter_batches(_HEAD_ROWS)
        batch = next(batches, None)
        values = [] if batch is None else batch.to_pylist()
        total = table.metadata.num_rows
    rows: list[PlacedRow] = [(f"{file.name}:{number}", value) for number, value in enumerate(values, start=1)]
    return Head(file, rows, whole=len(rows) == total, total=total)


def _unpacked(raw: bytes, *, whole: bool) -> tuple[bytes, int]:
    """What the beginning of a gzip file holds, up to a bound, and how much of the beginning that is.

    Raises:
        EOFError: If that is the whole file, and it is cut.
        zlib.error: If that is the whole file, and it is none of gzip, or damaged.
    """
    data, rest, most = bytearray(), raw, _UNPACKED * HEAD_BYTES
    while rest and len(data) < most:
        stream = zlib.decompressobj(31)
        try:
            data += stream.decompress(rest, most - len(data))
        except zlib.error:
            if whole:
                raise
            break
        rest = stream.unused_data.lstrip(b"\0") or stream.unconsumed_tail  # zeros may fill a file, as on tapes
        if not stream.eof:
            if whole and len(data) < most:
                raise EOFError("it ends before its end mark")
            break
    return bytes(data), len(raw) - len(rest)


def _rows(file: Path, data: bytes, *, whole: bool) -> Iterator[Any]:
    data = data.removeprefix(codecs.BOM_UTF8)
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    if file.name.endswith(SPREADSHEETS):
        yield from _of_spreadsheet(file, data, whole=whole)
    elif not whole and data.lstrip().startswith(b"[") and ".json" in file.suffixes:
        yield from _of_list(data.decode("utf-8", "ignore"))
    else:
        yield from json_rows(BytesIO(data), file)


def _of_spreadsheet(file: Path, data: bytes, *, whole: bool) -> Iterator[Any]:
    """The rows but the last one, which may be cut; a quotation that goes on behind the end is one of them."""
    before: list[Any] = []
    try:
        for row in spreadsheet_rows(BytesIO(data[: len(data) & ~1] if data[:2] in WIDE else data), file.name):
            yield from before
            before = [row]
    except RecipeError:
        if not before:
            raise
        return
    if whole:
        yield from before


def _of_list(text: str) -> Iterator[Any]:
    """The values of a JSON list, up to one that is cut."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield value
