"""Small things done with Arrow columns: put together, put aside, filled up, searched, measured, cut into chunks."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 5_000
"""Rows of a chunk in memory. Where chunks end shows in the bytes of a Parquet file."""


def column_of(parts: "Sequence[pa.Array]") -> "pa.Array":
    """Parts of a column as one; of none, an empty column of texts."""
    import pyarrow as pa

    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def with_constants(batch: "pa.RecordBatch", schema: "pa.Schema", constants: Mapping[str, Any]) -> "pa.RecordBatch":
    """Rows with exactly the columns of a schema: their own, else a constant, else null."""
    import pyarrow as pa

    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.repeat(pa.scalar(constants.get(field.name), field.type), batch.num_rows)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@dataclass(frozen=True)
class Spool:
    """Rows in a file of Arrow's, in chunks that memory holds one at a time.

    Attributes:
        file: Where they are.
        schema: Their columns.
        rows: How many there are.
        memory_bytes: What they would take in memory as one table.
    """

    file: Path
    schema: "pa.Schema"
    rows: int
    memory_bytes: int

    def tables(self) -> "Iterator[pa.Table]":
        """The rows, a chunk at a time."""
        import pyarrow as pa

        with pa.OSFile(str(self.file)) as source, pa.ipc.open_file(source) as reader:
            for number in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(number)])


def spool(file: Path, rows: "Iterable[dict[str, Any]]", schema: "pa.Schema", batch: int = CHUNK) -> Spool:
    """Put rows aside, batch by batch, for until it is known how many there are."""
    import pyarrow as pa

    left, number, size = iter(rows), 0, 0
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        while waiting := list(islice(left, batch)):
            chunk = pa.RecordBatch.from_pylist(waiting, schema=schema)
            writer.write_batch(chunk)
            number, size = number + len(waiting), size + chunk.nbytes
    return Spool(file, schema, number, size)


def with_column(batch: "pa.RecordBatch", name: str, values: "pa.Array") -> "pa.RecordBatch":
    """The same rows with other values in a column."""
    return batch.set_column(batch.schema.get_field_index(name), name, values)


def mapped(texts: "pa.Array", function: Callable[[str], str | None]) -> "pa.Array":
    """What a function makes of each text; null of null."""
    import pyarrow as pa

    return pa.array([None if text is None else function(text) for text in texts.to_pylist()], pa.string())


def naming(batch: "pa.RecordBatch", wanted: "pa.Array") -> list[dict[str, Any]]:
    """The rows of which any column has one of the wanted values."""
    import pyarrow.compute as pc

    if not len(wanted):
        return []
    masks = [pc.is_in(column, value_set=wanted) for column in batch.columns]
    return list(batch.filter(functools.reduce(pc.or_, masks)).to_pylist())


def in_chunks(batches: "Iterable[pa.RecordBatch]", rows: int) -> "Iterator[pa.RecordBatch]":
    """The same rows in batches of exactly so many; the last one may have fewer."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        while batch.num_rows:
            held.append(batch.slice(0, rows - sum(part.num_rows for part in held)))
            batch = batch.slice(held[-1].num_rows)
            if sum(part.num_rows for part in held) == rows:
                yield pa.concat_batches(held)
                held = []
    if held:
        yield pa.concat_batches(held)


@dataclass
class Lengths:
    """How many texts there were, and the sums of their lengths in characters and of the squares of these."""

    rows: int = 0
    total: int = 0
    squares: int = 0

    def add(self, texts: "pa.Array") -> None:
        """Add the lengths of some texts."""
        import numpy as np
        import pyarrow.compute as pc

        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
        self.rows += len(lengths)
        self.total += int(lengths.sum())
        self.squares += int(np.dot(lengths, lengths))

    def summary(self) -> dict[str, float]:
        """The same as `builder.seed.char_lengths` says of them: mean and sample standard deviation."""
        if not self.rows:
            return {"mean": 0.0, "sd": 0.0}
        deviations = Fraction(self.rows * self.squares - self.total**2, self.rows * max(1, self.rows - 1))
        return {"mean": round(self.total / self.rows, 1), "sd": round(math.sqrt(deviations), 1)}
