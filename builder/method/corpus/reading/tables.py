"""Pages in tables: JSON lines (packed or not) and Parquet files with a column of HTML."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

from builder.data.inputs import open_binary
from builder.errors import RecipeError
from builder.method.corpus.memory import bounded_memory
from builder.method.corpus.reading.crawl import Columns, Input, Loss, Record
from builder.method.corpus.reading.decode import MAX_PAGE_BYTES
from builder.method.corpus.reading.files.unpacked import unpacked
from builder.method.corpus.reading.inflate import Break, Piece, RawFile
from builder.text.escape import shortened
from builder.workspace.inputs.while_read import noted

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MAX_LINE_BYTES = 2 * MAX_PAGE_BYTES
"""Room for the escapes of JSON and the other keys of a line."""
_BATCH = 8
MEMORY_MB = 2_000
"""So much may be taken to unpack one page of a Parquet file: a thousand large pages of HTML have room in it."""
MOST_LOST = 100_000
MOST_PARTS = 1_000_000
"""A line of JSON with more lists and objects is no row of a crawl."""
MAX_ID_CHARS = 2_000
"""A longer id, or none, is no id: it would stand in every row of the page."""
PLAIN_JSON = re.compile(rb"\A\s*\{")


def read_jsonl(item: Input) -> Iterator[Record | Loss]:
    """Yield the rows of a JSON Lines file; a row's offset is that of its line in the unpacked file."""
    with ExitStack() as stack:
        for offset, line in _lines(_open_lines(item, stack)):
            identity = f"{item.name}@{offset}"
            if isinstance(line, Break):
                yield Loss("records", identity, line.reason, failed=True)
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
    """Yield the rows of a Parquet file; a row's offset is its number. A damaged row group loses its own rows only.

    A page of a few kilobytes may unpack to gigabytes, and what the file says of its sizes may be wrong, so Arrow gets
    `MEMORY_MB` and no more. Only columns of plain values are read: a nested one holds no page.
    """
    import pyarrow.parquet  # noqa: F401  # libraries that are loaded within the limit may not stand it

    with open_binary(item.location) as handle:
        try:
            with bounded_memory(MEMORY_MB):
                file = _open_parquet(handle)
                types = _types(file)
        except Exception as error:  # Arrow's own, those of the file system, and what damage makes of types
            yield Loss("records", item.name, _why_lost(error), failed=True)
            return
        if item.columns.html in types and not holds_text(types[item.columns.html]):
            yield Loss("records", item.name, "not_text", failed=True)
            return
        wanted = [name for name in _wanted(item.columns) if name in types and not _is_nested(types[name])]
        end = 0
        for group in range(file.num_row_groups):
            number, end = end, end + file.metadata.row_group(group).num_rows
            reason = "corrupt"
            try:
                for row in _rows(file, group, wanted):
                    yield _record(row, item.columns, f"{item.name}@{number}", number)
                    number += 1
            except Exception as error:
                reason = _why_lost(error)  # for the rows that did not come
            yield from _lost(item.name, number, end, reason)


def _rows(file: "pq.ParquetFile", group: int, wanted: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of a row group; nobody else works within the limit of memory."""
    batches = file.iter_batches(_BATCH, row_groups=[group], columns=wanted)
    while True:
        with bounded_memory(MEMORY_MB):
            batch = next(batches, None)
            rows = [] if batch is None else batch.to_pylist()
        if batch is None:
            return
        yield from rows


def _lost(name: str, start: int, end: int, reason: str) -> Iterator[Loss]:
    """One loss a row; where a file claims more rows than anybody would count, one for all of them."""
    for number in range(start, end) if end - start <= MOST_LOST else (start,):
        yield Loss("records", f"{name}@{number}", reason, failed=True)


def _why_lost(error: Exception) -> str:
    return "memory" if isinstance(error, MemoryError) else "corrupt"


def _types(file: "pq.ParquetFile") -> dict[str, Any]:
    schema = file.schema_arrow
    return dict(zip(schema.names, schema.types, strict=True))


def holds_text(kind: Any) -> bool:
    """Whether a column of this Arrow type can hold pages; one without any value can."""
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    named = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "null")
    return str(kind) in named or pa.types.is_fixed_size_binary(kind)


def _is_nested(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_nested(kind.value_type if pa.types.is_dictionary(kind) else kind))


def check_columns(item: Input) -> None:
    """See whether a table has the columns that the recipe names.

    Raises:
        RecipeError: If it lacks one; a file that cannot be read passes.
    """
    names: list[str] | None = None
    fault = ""
    if item.format == "jsonl":
        with ExitStack() as stack:
            line = next(_lines(_open_lines(item, stack)), (0, None))[1]
            row = _row(line) if isinstance(line, bytes) else None
            names = None if row is None else list(row)
    else:
        with open_binary(item.location) as handle:
            try:
                with bounded_memory(MEMORY_MB):
                    types = _types(_open_parquet(handle))
            except Exception:
                return
        names, kind = list(types), types.get(item.columns.html)
        if kind is not None and not holds_text(kind):
            fault = f"the column {item.columns.html!r} holds {str(kind)[:100]} and no text"
    optional = Columns().url
    missing = [name for name in _wanted(item.columns) if names is not None and name not in names and name != optional]
    if missing:
        fault = f"there is no column {missing[0]!r}; it has {shortened(', '.join(map(str, names or [])), 1_000)}"
    if fault:
        raise RecipeError(
            f"{item.location}: {fault}. Name the right ones in segments.sources (keys html, url, id and language)"
        )


def count_rows(item: Input) -> int:
    """How many rows a Parquet file says that it has; 0 for one that cannot be read."""
    try:
        with open_binary(item.location) as handle, bounded_memory(MEMORY_MB):
            return int(_open_parquet(handle).metadata.num_rows)
    except Exception:  # whatever is wrong with the file, whoever reads it counts that
        return 0


def _wanted(columns: Columns) -> list[str]:
    return [name for name in (columns.html, columns.url, columns.id, columns.language) if name]


def _record(row: dict[str, Any], columns: Columns, identity: str, offset: int) -> Record | Loss:
    body = row.get(columns.html)
    if not isinstance(body, str | bytes | None):
        return Loss("records", identity, "not_text", failed=True)
    size = len(body) if body else 0
    own_id = str(value) if columns.id and (value := row.get(columns.id)) is not None else ""
    return Record(
        page_id=own_id if own_id and len(own_id) <= MAX_ID_CHARS else identity,
        body=None if size > MAX_PAGE_BYTES else body or b"",
        offset=offset,
        url=_text(row.get(columns.url)),
        language=_text(row.get(columns.language)) if columns.language else "",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _open_lines(item: Input, stack: ExitStack) -> Iterator[Piece | Break]:
    handle = stack.enter_context(noted(open_binary(item.location), item.location, item.stage))
    return unpacked(RawFile(handle), item.name, b"{", PLAIN_JSON)[0]


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
    if len(line) > MOST_PARTS and line.count(b"[") + line.count(b"{") > MOST_PARTS:
        return None  # as values in Python, they would take thirty times the memory of the line
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _open_parquet(handle: IO[bytes]) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    return pq.ParquetFile(handle, buffer_size=1 << 20, pre_buffer=False)
