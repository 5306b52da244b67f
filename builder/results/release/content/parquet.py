"""Parquet files of a config: the order of the rows, shards, row groups, and what the card says of them."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.row_groups import reorder
from builder.data.storage import whole_file
from builder.results.release.content.columns import Spool
from builder.results.release.content.memory import MemorySize

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Mask = np.ndarray[Any, np.dtype[np.bool_]]
    Batches = Iterator[tuple[int, pa.RecordBatch]]

SHARD_BYTES = 400 * 1024**2
ROW_GROUP_BYTES = 100 * 1024**2
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Split:
    """One split of a config: its files, rows, and size in memory."""

    name: str
    files: list[Path]
    rows: int
    memory_bytes: int


@dataclass(frozen=True)
class Config:
    """One config of the dataset as written."""

    name: str
    schema: "pa.Schema"
    splits: list[Split]

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return sum(split.rows for split in self.splits)

    @property
    def file_bytes(self) -> int:
        """Size of all files."""
        return sum(file.stat().st_size for split in self.splits for file in split.files)

    @property
    def memory_bytes(self) -> int:
        """Size of all splits in memory."""
        return sum(split.memory_bytes for split in self.splits)


@dataclass(frozen=True)
class Rows:
    """The rows of a config before they are written, split after split.

    Attributes:
        schema: Their columns.
        splits: How many there are of each split, in the order in which they are read.
        read: Called with a folder for scratch files; gives the size in memory by split, and all rows in their order.
        chunked: Whether a row group keeps the chunks that the rows come in; else it is one.
    """

    schema: "pa.Schema"
    splits: dict[str, int]
    read: "Callable[[Path], tuple[dict[str, int], Iterable[pa.Table]]]"
    chunked: bool = False

    @classmethod
    def of_spools(cls, spools: "dict[str, Spool]") -> "Rows":
        """Rows that wait in files."""
        splits = {name: spool.rows for name, spool in spools.items()}
        memory = {name: spool.memory_bytes for name, spool in spools.items()}
        tables = itertools.chain.from_iterable(spool.tables() for spool in spools.values())
        return cls(next(iter(spools.values())).schema, splits, lambda _: (memory, tables), chunked=True)


@dataclass(frozen=True)
class Source:
    """The rows of a stage as a config has them, in the order of the stage.

    Attributes:
        schema: Their columns.
        ids: Their ids.
        splits: The split of each.
        read: Reads them, each batch with the place of its first row.
        taken: Whether their size is stated as that of a table that was sorted; see `MemorySize`.
    """

    schema: "pa.Schema"
    ids: "pa.Array"
    splits: "pa.Array"
    read: "Callable[[], Batches]"
    taken: bool = True


def by_id(source: Source, left_out: Iterable[str]) -> Rows:
    """The rows by split and id, so that two versions share most chunks of their files.

    A split without rows is left out, but for `train`.

    Args:
        source: The rows.
        left_out: Ids of rows that the release does not hold.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    order = pc.sort_indices(source.ids).to_numpy().astype(np.int64)
    gone = where_true(pc.is_in(source.ids, value_set=pa.array(sorted(left_out), pa.string())))
    masks = {name: where_true(pc.equal(source.splits, name)) for name in SPLITS}
    places = {name: order[(mask & ~gone)[order]] for name, mask in masks.items()}
    places = {name: rows for name, rows in places.items() if len(rows) or name == SPLITS[0]}

    def read(scratch: Path) -> "tuple[dict[str, int], Iterable[pa.Table]]":
        sizes = {name: MemorySize(taken=source.taken) for name in places}
        measured = _measured(source.read(), sizes, masks, gone)
        tables = reorder(measured, np.concatenate(list(places.values())), scratch)
        first = next(tables, None)  # every row has passed by when the first one comes out
        memory = {name: size.bytes for name, size in sizes.items()}
        return memory, () if first is None else itertools.chain([first], tables)

    return Rows(source.schema, {name: len(rows) for name, rows in places.items()}, read)


def _measured(batches: "Batches", sizes: dict[str, MemorySize], masks: "dict[str, Mask]", gone: "Mask") -> "Batches":
    """Pass rows on, and add up the size of each split."""
    for start, batch in batches:
        end = start + batch.num_rows
        left_out = gone[start:end]
        for name, size in sizes.items():
            rows = masks[name][start:end]
            size.add(_those(batch, rows & ~left_out))
            if left_out.any():
                size.add_left_out(_those(batch, rows & left_out))
        yield start, batch


def _those(batch: "pa.RecordBatch", rows: "Mask") -> "pa.RecordBatch":
    import pyarrow as pa

    return batch if rows.all() else batch.filter(pa.array(rows))


def where_true(values: "pa.Array") -> "Mask":
    """The rows that are true; a null is not."""
    import numpy as np

    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def write_config(folder: Path, name: str, rows: Rows) -> Config:
    """Write the rows of a config, by split, as `<name>/<split>-00000-of-00001.parquet`; a row group is in memory."""
    memory, tables = rows.read(folder / f".{name}.rows")
    feed = _Feed(rows, iter(tables))
    splits = [
        _write_split(folder / name, Split(split, [], number, memory[split]), feed)
        for split, number in rows.splits.items()
    ]
    feed.end()
    return Config(name, rows.schema, splits)


def _write_split(folder: Path, split: Split, feed: "_Feed") -> Split:
    import pyarrow.parquet as pq

    shards = max(1, -(-split.memory_bytes // SHARD_BYTES))
    group = max(1, split.rows * ROW_GROUP_BYTES // max(1, split.memory_bytes))
    size = -(-split.rows // shards)
    for number in range(shards):
        split.files.append(folder / f"{split.name}-{number:05d}-of-{shards:05d}.parquet")
        left = max(0, min(size, split.rows - number * size))
        # Content-defined chunks let the Hub store only what changed between two versions.
        options = {"compression": "zstd", "use_content_defined_chunking": True, "write_page_index": True}
        with whole_file(split.files[-1]) as temporary, pq.ParquetWriter(temporary, feed.schema, **options) as writer:
            for start in range(0, max(left, 1), group):
                writer.write_table(feed.take(min(group, left - start)), row_group_size=group)
    return split


class _Feed:
    """Hands out as many of the next rows as are asked for."""

    def __init__(self, rows: Rows, tables: "Iterator[pa.Table]") -> None:
        self.schema, self._chunked, self._tables = rows.schema, rows.chunked, tables
        self._held = rows.schema.empty_table()

    def take(self, rows: int) -> "pa.Table":
        """The next rows as one table."""
        import pyarrow as pa

        parts = [self._held]
        while sum(part.num_rows for part in parts) < rows:
            parts.append(next(self._tables))
        table = pa.concat_tables(parts)
        self._held = table.slice(rows)
        table = table.slice(0, rows)
        return table if self._chunked else table.combine_chunks()

    def end(self) -> None:
        """Let the source of the rows put its scratch files away."""
        for table in self._tables:
            raise ValueError(f"{table.num_rows:,} rows more than the config has")
