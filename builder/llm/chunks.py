"""Rows in chunks, each written whole: a kill loses at most one chunk, a re-run redoes only what is missing."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.progress import Progress
from builder.records import REJECTED_TEXTS_PER_REASON, Counts, Rejects, rejected_schema
from builder.storage import count_rows, read_json, read_rows, write_json, write_rows

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
Process = Callable[[list[Row], Rejects], list[Row]]


def run_in_chunks(
    out: Path, source: Path, process: Process, schema: "pa.Schema", *, chunk_rows: int, rows_per_input: int = 1
) -> Counts:
    """Put every row of `source` through `process` and write what it returns.

    The chunk size of the first run is kept for later ones of the same stage, so chunk n always means the same rows.

    Args:
        out: The stage folder; chunk n becomes `data/part-n.parquet` and `rejected/part-n.parquet`.
        source: Folder of Parquet files, read in sorted order.
        process: Takes the rows of a chunk and a collector for rejected rows, returns the rows that go on.
        schema: Of the rows it returns.
        chunk_rows: Rows of a chunk.
        rows_per_input: How many rows each input row stands for.
    """
    total = count_rows(source)
    chunk_rows = _settled(out / "logs" / "chunks.json", chunk_rows)
    limit = max(1, REJECTED_TEXTS_PER_REASON // max(1, -(-total // chunk_rows)))
    progress = Progress(out, "rows", total)
    for number, rows in enumerate(_chunks(read_rows(source), chunk_rows)):
        part = out / "data" / f"part-{number:05d}.parquet"
        if not part.is_file():
            rejects = Rejects(limit)
            kept = process(rows, rejects)
            write_rows(out / "rejected" / part.name, rejects.rows, rejected_schema())
            write_rows(part, kept, schema)
        progress.advance(len(rows))
    return _count(out, total * rows_per_input)


def _settled(path: Path, chunk_rows: int) -> int:
    if not path.is_file():
        write_json(path, {"chunk_rows": chunk_rows})
    return int(read_json(path)["chunk_rows"])


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rows = iter(rows)
    while chunk := list(islice(rows, size)):
        yield chunk


def _count(out: Path, rows_in: int) -> Counts:
    """Counts from the files, so that they are right whatever part of them this run wrote."""
    counts = Counts(rows_in=rows_in, kept=count_rows(out / "data"))
    counts.dropped.update(row["reason"] for row in read_rows(out / "rejected", ["reason"]))
    return counts
