"""The rows of a stage by their places: read in one fixed order, taken out again in any other, in bounded memory.

A place is the number of a row in the order of files, row groups and rows.
"""

import hashlib
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.storage import parquet_files

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Places = np.ndarray[Any, np.dtype[np.int64]]

BATCH = 2_000
SPAN, MAX_SPANS = 20_000, 256
"""So many rows, or a multiple, are held when rows are taken out in another order; each such span is a scratch file."""


class Group(NamedTuple):
    """A row group of a file and the place of its first row."""

    path: Path
    number: int
    start: int
    rows: int


def row_groups(data: Path) -> list[Group]:
    """All row groups below a folder, in order."""
    import pyarrow.parquet as pq

    groups, start = [], 0
    for path in parquet_files(data):
        metadata = pq.read_metadata(path)
        for number in range(metadata.num_row_groups):
            groups.append(Group(path, number, start, metadata.row_group(number).num_rows))
            start += groups[-1].rows
    return groups


def read_batches(groups: list[Group], columns: list[str]) -> "Iterator[tuple[int, pa.RecordBatch]]":
    """The rows of some row groups as batches, each with the place of its first row."""
    import pyarrow.parquet as pq

    for group in groups:
        start = group.start
        with pq.ParquetFile(group.path) as file:
            for batch in file.iter_batches(BATCH, row_groups=[group.number], columns=columns):
                yield start, batch
                start += batch.num_rows


@dataclass
class Index:
    """What is known of every row; sorted by id, then by origin, so that the order of the input is no matter.

    Attributes:
        ids: Row ids.
        places: Where the rows are.
        digests: blake2b-128 of each normalised text, as two numbers; shape (rows, 2).
    """

    ids: "pa.Array"
    places: "Places"
    digests: "np.ndarray[Any, np.dtype[np.uint64]]"

    def __len__(self) -> int:
        return len(self.places)

    def id(self, row: int) -> str:
        """The id of one row."""
        return str(self.ids[row].as_py())


def read_index(groups: list[Group]) -> Index:
    """Read ids, origins and text digests of all rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = pa.schema([("id", pa.string()), ("source_file", pa.string()), ("record_offset", pa.int64())])
    batches, digests = [], bytearray()
    for _, batch in read_batches(groups, [*schema.names, "text"]):
        batches.append(batch.select(schema.names))
        for text in batch.column("text").to_pylist():
            digests += text_digest(text)
    table = pa.Table.from_batches(batches, schema=schema)
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in schema.names]).to_numpy()
    found = np.frombuffer(bytes(digests), dtype="<u8").reshape(-1, 2)
    return Index(table.column("id").combine_chunks().take(pa.array(order)), order.astype(np.int64), found[order])


def text_digest(text: str) -> bytes:
    """The blake2b-128 of a text that looks the same however it is spaced, composed or capitalised."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def take_rows(groups: list[Group], columns: list[str], places: "Places", scratch: Path) -> "Iterator[pa.Table]":
    """Yield the rows at some places, in the order of the places, as tables of `SPAN` rows or a multiple.

    One pass over the input deals the rows out to scratch files, one a span, which are then sorted one by one.
    """
    import numpy as np
    import pyarrow as pa

    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    size = SPAN * max(1, -(-len(places) // (SPAN * MAX_SPANS)))
    order = np.argsort(places, kind="stable")
    wanted = places[order]
    files: dict[int, pa.ipc.RecordBatchFileWriter] = {}
    try:
        for start, batch in read_batches(groups, columns):
            low, high = np.searchsorted(wanted, (start, start + batch.num_rows))
            targets, rows = order[low:high], wanted[low:high] - start
            for span in np.unique(targets // size):
                chosen = targets // size == span
                part = batch.take(pa.array(rows[chosen])).append_column("target", pa.array(targets[chosen]))
                if span not in files:
                    files[span] = pa.ipc.new_file(scratch / f"{span}.arrow", part.schema)
                files[span].write_batch(part)
        for file in files.values():
            file.close()
        for span in sorted(files):
            with pa.ipc.open_file(scratch / f"{span}.arrow") as file:
                yield file.read_all().sort_by("target").drop_columns("target")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
