"""Pages in tables: JSON lines (packed or not) and Parquet files with a column of HTML."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

from builder.data.inputs import open_binary
from builder.errors import RecipeError
from builder.method.corpus.reading.crawl import Columns, Input, Loss, Record
from builder.method.corpus.reading.decode import MAX_PAGE_BYTES
from builder.method.corpus.reading.inflate import Break, Piece, RawFile, is_packed, pieces

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MAX_LINE_BYTES = 2 * MAX_PAGE_BYTES
"""Room for the escapes of JSON and the other keys of a line."""
_BATCH = 8
PLAIN_JSON = re.compile(rb"\A\s*\{")


def read_jsonl(item: Input) -> Iterator[Record | Loss]:
    """Yield the rows of a JSON Lines file; a row's offset is that of its line in the unpacked file."""
    with ExitStack() as stack:
        for offset, line in _lines(_open_lines(item, stack)):
            identity = f"{item.name}@{offset}"
            if isinstance(line, Break):
                reason = "corrupt" if item.name.endswith(".zst") else line.reason
                yield Loss("records", identity, reason, failed=True)
            elif line is None:
                yield Record(identity, None, offset)
            elif line.strip():
                row = _row(line)
                yield (
                    _record(row, item.columns, identity, offset)
                    if row is not None
                    else Loss("records", identity, "corrupt", failed=True)
                )


def read_parquet(item: Input) -> Iterator[Record | Loss]:
    """Yield the rows of a Parquet file; a row's offset is its number. A damaged row group loses its own rows only."""
    with open_binary(item.location) as handle:
        try:
            file = _open_parquet(handle)
        except Exception:  # Arrow's own, those of the file system, and what damage makes of types
            yield Loss("records", item.name, "corrupt", failed=True)
            return
        wanted = [name for name in _wanted(item.columns) if name in file.schema_arrow.names]
        end = 0
        for group in range(file.num_row_groups):
            number, end = end, end + file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(_BATCH, row_groups=[group], columns=wanted):
                    for row in batch.to_pylist():
                        yield _record(row, item.columns, f"{item.name}@{number}", number)
                        number += 1
            except Exception:
                pass  # the rows that did not come are lost
            for lost in range(number, end):
                yield Loss("records", f"{item.name}@{lost}", "corrupt", failed=True)


def check_columns(item: Input) -> None:
    """See whether a table has the columns that the recipe names.

    Raises:
        RecipeError: If it lacks one; a file that cannot be read passes.
    """
    names: list[str] | None = None
    if item.format == "jsonl":
        with ExitStack() as stack:
            line = next(_lines(_open_lines(item, stack)), (0, None))[1]
            row = _row(line) if isinstance(line, bytes) else None
            names = None if row is None else list(row)
    else:
        with open_binary(item.location) as handle:
            try:
                names = _open_parquet(handle).schema_arrow.names
            except Exception:
                return
    optional = Columns().url
    missing = [name for name in _wanted(item.columns) if names is not None and name not in names and name != optional]
    if missing:
        raise RecipeError(
            f"{item.location}: there is no column {missing[0]!r}; it has {', '.join(map(str, names or []))}. Name the "
            "right ones in segments.sources (keys html, url, id and language)"
        )


def _wanted(columns: Columns) -> list[str]:
    return [name for name in (columns.html, columns.url, columns.id, columns.language) if name]


def _record(row: dict[str, Any], columns: Columns, identity: str, offset: int) -> Record:
    body = row.get(columns.html)
    size = len(body) if isinstance(body, str | bytes) else 0
    own_id = row.get(columns.id) if columns.id else None
    return Record(
        page_id=identity if own_id is None else str(own_id),
        body=None if size > MAX_PAGE_BYTES else body if isinstance(body, str | bytes) else b"",
        offset=offset,
        url=_text(row.get(columns.url)),
        language=_text(row.get(columns.language)) if columns.language else "",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _open_lines(item: Input, stack: ExitStack) -> Iterator[Piece | Break]:
    handle: IO[bytes] = stack.enter_context(open_binary(item.location))
    if item.name.endswith(".zst"):
        import pyarrow as pa

        handle = stack.enter_context(pa.CompressedInputStream(pa.PythonFile(handle, mode="r"), "zstd"))
    raw = RawFile(handle)
    return pieces(raw, b"{", packed=is_packed(raw, item.name, PLAIN_JSON))


def _lines(source: Iterator[Piece | Break]) -> Iterator[tuple[int, bytes | Break | None]]:
    """Lines with their offsets; None for one that is too long, and what ends in damage is part of the damage."""
    line, offset, large = bytearray(), 0, False
    for piece in source:
        if isinstance(piece, Break):
            yield offset, piece
            offset, large = offset + len(line), False
            line.clear()
            continue
        *whole, rest = piece.data.split(b"\n")
        for end in whole:
            line += end
            yield offset, None if large or len(line) > MAX_LINE_BYTES else bytes(line)
            offset, large = offset + len(line) + 1, False
            line.clear()
        line += rest
        if len(line) > MAX_LINE_BYTES:
            large, offset = True, offset + len(line)
            line.clear()
    if line or large:
        yield offset, None if large else bytes(line)


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _open_parquet(handle: IO[bytes]) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    return pq.ParquetFile(handle, buffer_size=1 << 20, pre_buffer=False)
