"""Rows in chunks, each written whole: a kill loses at most one chunk, a re-run redoes only what is missing.

Beside each chunk stands what its files were when it was written, so that one that was torn or changed since is redone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.accounting import REJECTED_TEXTS_PER_REASON, Counts, Rejects
from builder.data.records import Row, rejected_schema
from builder.data.storage import count_rows, is_parquet, parquet_files, read_json, read_rows, write_json, write_rows
from builder.errors import StageError
from builder.workspace import journal
from builder.workspace.cluster.job import Taken
from builder.workspace.finished.inventory import file_state, is_unchanged
from builder.workspace.progress import beating, notice

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 2_000
ENGINE_FAILURE = "engine_"
"""What the reasons of rows begin with that failed in the engine, not by what was asked or answered."""


@dataclass(frozen=True)
class Chunks:
    """The chunks of one stage: chunk n is always the same rows, whoever works on it.

    Attributes:
        out: The stage folder; chunk n becomes `data/part-n.parquet` and `rejected/part-n.parquet`, and
            `logs/chunks/part-n.json` says what these are.
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

    def is_sound(self, number: int, beat: Callable[[], None] = lambda: None) -> bool:
        """Whether the files of a written chunk are what they were then; reads all of them.

        One that was written before files were noted, or killed before its note, is sound if it can be opened.
        """
        files = {path.parent.name: path for path in self._files(number)}
        if not self._note(number).is_file():
            return all(map(is_parquet, files.values()))
        try:
            noted = dict(read_json(self._note(number)))
        except (StageError, TypeError, ValueError):
            return False
        return all(is_unchanged(path, noted.get(name), beat) for name, path in files.items())

    def drop(self, number: int) -> None:
        """Remove a chunk, so that it is done again."""
        for path in (*self._files(number), self._note(number)):
            path.unlink(missing_ok=True)

    def size(self, number: int) -> int:
        """Rows of a chunk; the last one may have fewer."""
        return min(self.rows, self.total - number * self.rows)

    def missing(self, rank: int = 0) -> Iterator[tuple[int, list[Row]]]:
        """The chunks that are still to do and that no other engine has: their numbers and rows.

        Each is this engine's from when its first row comes, so that a fast engine does more of them than a slow one.
        """

        def wanted(number: int) -> bool:
            return not self.is_whole(number) and self._taken.take(number, rank)

        return read_chunks(self.source, self.rows, wanted)

    def free(self) -> None:
        """Let every chunk be taken; only for when no engine runs."""
        self._taken.free()

    def left(self) -> int:
        """How many are still to be written."""
        return sum(not self.is_whole(number) for number in range(self.count))

    def note_deaths(self) -> bool:
        """Note what engines that have ended had in hand; return whether there was anything."""
        return journal.note_deaths(self.out)

    def found(self) -> int:
        """How many parts and rows are known to be deadly."""
        return journal.found(self.out)

    @property
    def _taken(self) -> Taken:
        return Taken(self.out / "logs" / "taken")

    def rejects(self) -> Rejects:
        """A collector for the rejected rows of a chunk, which may keep its part of the texts."""
        return Rejects(max(1, REJECTED_TEXTS_PER_REASON // max(1, self.count)))

    def write(self, number: int, rows: list[Row], rejects: Rejects, schema: "pa.Schema") -> None:
        """Write what has become of the rows of a chunk."""
        kept, rejected = self._files(number)
        write_rows(rejected, rejects.rows, rejected_schema())
        write_rows(kept, rows, schema)
        write_json(self._note(number), {path.parent.name: file_state(path) for path in (kept, rejected)})

    def _files(self, number: int) -> tuple[Path, Path]:
        return self.out / "data" / self.name(number), self.out / "rejected" / self.name(number)

    def _note(self, number: int) -> Path:
        return self.out / "logs" / "chunks" / Path(self.name(number)).with_suffix(".json")

    def counts(self, rows_per_input: int) -> Counts:
        """Counts from the files, so that they are right whatever part of them this run wrote."""
        counts = Counts(rows_in=self.total * rows_per_input, kept=count_rows(self.out / "data"))
        for row in read_rows(self.out / "rejected", ["reason"]):
            kind = counts.failed if row["reason"].startswith(ENGINE_FAILURE) else counts.dropped
            kind[row["reason"]] += 1
        return counts


def open_chunks(out: Path, source: Path, rows: int) -> Chunks:
    """The chunks of a stage; their size is kept as soon as the first of them is written.

    Those that an earlier run has written and that are not as it left them are removed, and the user is told.

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
    beat = beating(out)
    for number in range(chunks.count):
        if chunks.is_whole(number) and not chunks.is_sound(number, beat):
            chunks.drop(number)
            notice(out, f"{out / 'data' / chunks.name(number)} is not as it was written; its rows are done again")
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
