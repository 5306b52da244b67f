"""Run a command of the package and count how often it reads the rows of each folder, in full passes.

A pass is as many rows read from the Parquet files of a folder as they hold, in however few columns; footers are none.

Usage: `python scripts/count_passes.py OUT.json WORK_DIR -- release RECIPE ...`
"""

import json
import runpy
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq


class Passes:
    """Rows read and held, by file."""

    def __init__(self) -> None:
        self.read: Counter[Path] = Counter()
        self.held: dict[Path, int] = {}

    def add(self, path: Path, rows: int, held: int) -> None:
        """Take note of rows read from a file, and of how many it holds."""
        self.read[path.resolve()] += rows
        self.held[path.resolve()] = held

    def below(self, root: Path) -> dict[str, float]:
        """Passes over each folder below `root` with files that were read; of several files, over all of them."""
        read, held = Counter[str](), Counter[str]()
        for path, rows in self.read.items():
            if path.is_relative_to(root.resolve()):
                name = path.parent.relative_to(root.resolve()).as_posix()
                read[name] += rows
                held[name] += self.held[path]
        return {name: round(read[name] / max(1, held[name]), 2) for name in sorted(read)}


@contextmanager
def counting() -> Iterator[Passes]:
    """Count what is read through `pyarrow.parquet` in this process."""
    passes, opened, batches = Passes(), pq.ParquetFile.__init__, pq.ParquetFile.iter_batches

    def open_file(file: Any, source: Any, *args: Any, **options: Any) -> None:
        file.counted = Path(source) if isinstance(source, str | Path) else None
        opened(file, source, *args, **options)

    def note(file: Any, rows: int) -> None:
        if file.counted is not None:
            passes.add(file.counted, rows, file.metadata.num_rows)

    def iter_batches(file: Any, *args: Any, **options: Any) -> Iterator[Any]:
        for batch in batches(file, *args, **options):
            note(file, batch.num_rows)
            yield batch

    def whole(function: Any) -> Any:
        def read(file: Any, *args: Any, **options: Any) -> Any:
            table = function(file, *args, **options)
            note(file, table.num_rows)
            return table

        return read

    with (
        patch.object(pq.ParquetFile, "__init__", open_file),
        patch.object(pq.ParquetFile, "iter_batches", iter_batches),
        patch.object(pq.ParquetFile, "read_row_groups", whole(pq.ParquetFile.read_row_groups)),
        patch.object(pq.ParquetFile, "read_row_group", whole(pq.ParquetFile.read_row_group)),
        patch.object(pq.ParquetFile, "read", whole(pq.ParquetFile.read)),
    ):
        yield passes


def main() -> None:
    """Run the command and write the passes over the folders of a work directory."""
    out, work, _, *command = sys.argv[1:]
    sys.argv = ["humpback", *command]
    with counting() as passes:
        try:
            runpy.run_module("builder", run_name="__main__")
        finally:  # the command ends with an exit
            Path(out).write_text(json.dumps(passes.below(Path(work))))


if __name__ == "__main__":
    main()
