"""Files stand under their final name only when they are whole: write beside, flush to disk, rename."""

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import StageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

READ_BYTES = 1024**2
"""So much of each column is read at a time."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it is flushed and renamed to `path`.

    The temporary name starts with a dot and is fixed, so a run that was killed leaves at most one such file,
    which the next run overwrites and no reader picks up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole; a file that already holds exactly `data` is left untouched."""
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON; see `write_bytes`."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:  # a name of a file that is no Unicode; JSON can escape it
        data = (dump_json(value) + "\n").encode("ascii")
    write_bytes(path, data)


def dump_json(value: object) -> str:
    """Indented JSON in ASCII, safe to print; numbers that JSON has not (nan, infinity) become null."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        StageError: If the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StageError(f"{path}: the file is missing; run the stage that writes it") from error
    except (ValueError, RecursionError) as error:
        raise StageError(f"{path}: not valid JSON ({error}); delete it and run the stage again") from error


def write_rows(path: Path, rows: Iterable[dict[str, Any]], schema: "pa.Schema", **options: Any) -> int:
    """Write rows as one Parquet file with exactly `schema`, whole; return how many there were.

    Args:
        path: The final name.
        rows: Dictionaries with the columns of `schema`; a missing key is null.
        schema: Column names and types; a value that does not fit is an error.
        options: Passed on to `pyarrow.parquet.write_table`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(list(rows), schema=schema)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, **{"compression": "zstd", **options})
    return int(table.num_rows)


@contextmanager
def open_rows(path: Path, schema: "pa.Schema") -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Yield a function that adds rows to one Parquet file, a row group a call; the file is whole at the end.

    For tables that need not fit into memory; see `write_rows`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with whole_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        yield lambda rows: writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of a build: unfinished, or one that systems and editors leave."""
    return name.startswith(".")


def parquet_files(folder: Path) -> list[Path]:
    """All whole Parquet files below `folder`, sorted by path; hidden ones are not finished."""
    found = folder.rglob("*.parquet")
    return sorted(path for path in found if not any(map(is_hidden, path.relative_to(folder).parts)))


def is_parquet(path: Path) -> bool:
    """Whether a file is a whole Parquet file, by its two ends."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return False
    return True


def open_parquet(path: Path) -> "pq.ParquetFile":
    """Open a Parquet file to read it from front to back; what has been read does not stay in memory."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES)


def read_rows(folder: Path, columns: list[str] | None = None, batch: int = 2_000) -> Iterator[dict[str, Any]]:
    """Yield the rows of all Parquet files below `folder` (or of one file), file by file in sorted order."""
    for path in [folder] if folder.is_file() else parquet_files(folder):
        with open_parquet(path) as file:
            for records in file.iter_batches(batch, columns=columns):
                yield from records.to_pylist()


def count_rows(folder: Path) -> int:
    """How many rows the Parquet files below `folder` (or one file) hold, from their footers."""
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in ([folder] if folder.is_file() else parquet_files(folder)))
