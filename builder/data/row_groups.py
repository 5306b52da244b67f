"""Rows by their places: read in one fixed order, taken out again in any other, in bounded memory.

A place is the number of a row in the order of files, row groups and rows.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.data.storage import open_parquet, parquet_files

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
    for group in groups:
        start = group.start
        with open_parquet(group.path) as file:
            for batch in file.iter_batches(BATCH, row_groups=[group.number], columns=columns):
                yield start, batch
                start += batch.num_rows


def take_rows(groups: list[Group], columns: list[str], places: "Places", scratch: Path) -> "Iterator[pa.Table]":
    """Yield the rows at some places, in the order of the places; see `reorder`."""
    return reorder(read_batches(groups, columns), places, scratch)


def reorder(batches: "Iterable[tuple[int, pa.RecordBatch]]", places: "Places", scratch: Path) -> "Iterator[pa.Table]":
    """Yield the rows at some places, in the order of the places, as tables of `SPAN` rows or a multiple.

    One pass over the input deals the rows out to scratch files, one a span, which are then sorted one by one. No row
    comes out before all are dealt.

    Args:
        batches: Rows, each batch with the place of its first row; places go up.
        places: Which rows are wanted.
        scratch: A folder for the scratch files, which is gone in the end.
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
        for start, batch in batches:
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
