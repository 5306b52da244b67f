"""Rows in chunks, each written whole: a kill loses at most one chunk, a re-run redoes only what is missing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.accounting import REJECTED_TEXTS_PER_REASON, Counts, Rejects
from builder.data.records import Row, rejected_schema
from builder.data.storage import count_rows, parquet_files, read_json, read_rows, write_json, write_rows
from builder.errors import StageError

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 2_000
ENGINE_FAILURE = "engine_"
"""What the reasons of rows begin with that failed in the engine, not by what was asked or answered."""


@dataclass(frozen=True)
class Chunks:
    """The chunks of one stage: chunk n is always the same rows, whoever works on it.

    Attributes:
        out: The stage folder; chunk n becomes `data/part-n.parquet` and `rejected/part-n.parquet`.
        source: Folder of Parquet files, read in sorted order.
        rows: Of a chunk.
        total: Rows of the source.
    """

    out: Path
    source: Path
    rows: int
    total: int

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return -(-self.total // self.rows)

    def name(self, number: int) -> str:
        """File name of a chunk."""
        return f"part-{number:05d}.parquet"

    def is_whole(self, number: int) -> bool:
        """Whether a chunk has been written; the rows that go on are written last."""
        return (self.out / "data" / self.name(number)).is_file()

    def size(self, number: int) -> int:
        """Rows of a chunk; the last one may have fewer."""
        return min(self.rows, self.total - number * self.rows)

    def missing(self, rank: int = 0, world_size: int = 1) -> Iterator[tuple[int, list[Row]]]:
        """The chunks of one engine among several that are still to do: their numbers and rows."""
        return read_chunks(
            self.source, self.rows, lambda number: number % world_size == rank and not self.is_whole(number)
        )

    def rejects(self) -> Rejects:
        """A collector for the rejected rows of a chunk, which may keep its part of the texts."""
        return Rejects(max(1, REJECTED_TEXTS_PER_REASON // max(1, self.count)))

    def write(self, number: int, rows: list[Row], rejects: Rejects, schema: "pa.Schema") -> None:
        """Write what has become of the rows of a chunk."""
        write_rows(self.out / "rejected" / self.name(number), rejects.rows, rejected_schema())
        write_rows(self.out / "data" / self.name(number), rows, schema)

    def counts(self, rows_per_input: int) -> Counts:
        """Counts from the files, so that they are right whatever part of them this run wrote."""
        counts = Counts(rows_in=self.total * rows_per_input, kept=count_rows(self.out / "data"))
        for row in read_rows(self.out / "rejected", ["reason"]):
            kind = counts.failed if row["reason"].startswith(ENGINE_FAILURE) else counts.dropped
            kind[row["reason"]] += 1
        return counts


def open_chunks(out: Path, source: Path, rows: int) -> Chunks:
    """The chunks of a stage; their size is kept as soon as the first of them is written.

    Raises:
        StageError: If the stage folder holds parts that no chunk has.
    """
    settled = out / "logs" / "chunks.json"
    if not settled.is_file() or not ((out / "data").is_dir() and parquet_files(out / "data")):
        write_json(settled, {"chunk_rows": rows})
    chunks = Chunks(out, source, int(read_json(settled)["chunk_rows"]), count_rows(source))
    known = {chunks.name(number) for number in range(chunks.count)}
    for path in parquet_files(out / "data"):
        if path.name not in known:
            raise StageError(f"{path}: does not belong to the stage's input; delete {out} and build again")
    return chunks


def read_chunks(folder: Path, rows: int, wanted: Callable[[int], bool]) -> Iterator[tuple[int, list[Row]]]:
    """Yield the wanted chunks, in order, as their number and their rows.

    The others are passed over without being turned into rows; nothing but one chunk is ever in memory.

    Args:
        folder: Of Parquet files, read in sorted order.
        rows: Of a chunk.
        wanted: Asked once for each chunk, when its first row comes.
    """
    import pyarrow.parquet as pq

    at, taken, chunk = 0, False, list[Row]()
    for path in parquet_files(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH):
                start = 0
                while start < batch.num_rows:
                    number, place = divmod(at, rows)
                    if place == 0:
                        taken, chunk = wanted(number), []
                    size = min(rows - place, batch.num_rows - start)
                    if taken:
                        chunk += batch.slice(start, size).to_pylist()
                    at, start = at + size, start + size
                    if taken and place + size == rows:
                        yield number, chunk
                        chunk = []
    if taken and chunk:
        yield at // rows, chunk
