"""Parquet files of a config: shards, row groups, and what the card says of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.storage import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_BYTES = 400 * 1024**2
ROW_GROUP_BYTES = 100 * 1024**2


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


def write_config(folder: Path, name: str, tables: dict[str, "pa.Table"]) -> Config:
    """Write the tables of a config, by split, as `<name>/<split>-00000-of-00001.parquet`."""
    splits = [_write_split(folder / name, split, table) for split, table in tables.items()]
    return Config(name, next(iter(tables.values())).schema, splits)


def _write_split(folder: Path, name: str, table: "pa.Table") -> Split:
    import pyarrow.parquet as pq

    shards = max(1, -(-table.nbytes // SHARD_BYTES))
    group = max(1, table.num_rows * ROW_GROUP_BYTES // max(1, table.nbytes))
    files = []
    for number, part in enumerate(_parts(table, shards)):
        files.append(folder / f"{name}-{number:05d}-of-{shards:05d}.parquet")
        with whole_file(files[-1]) as temporary:
            # Content-defined chunks let the Hub store only what changed between two versions.
            pq.write_table(
                part,
                temporary,
                compression="zstd",
                row_group_size=group,
                use_content_defined_chunking=True,
                write_page_index=True,
            )
    return Split(name, files, table.num_rows, table.nbytes)


def _parts(table: "pa.Table", shards: int) -> Iterator["pa.Table"]:
    size = -(-table.num_rows // shards)
    for number in range(shards):
        yield table.slice(number * size, size)
