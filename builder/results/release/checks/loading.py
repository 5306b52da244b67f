"""Check by loading: what a user gets from `load_dataset` is what the files hold."""

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.paths import files_inside
from builder.data.storage import READ_BYTES, open_parquet
from builder.results.release.checks.card import declared_files, read_front_matter
from builder.results.release.checks.plain import is_dataset_file

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 10_000


def check_loading(dataset: Path) -> Iterator[str]:
    """Every config loads from an empty cache and has the rows of its files, in their order, in all columns."""
    import pyarrow as pa
    from datasets import load_dataset

    if any(not is_dataset_file(name) for name in files_inside(dataset, "the dataset") if not name.endswith(".parquet")):
        yield "is not loaded, as it holds files that loaders may obey"
        return
    pa.default_memory_pool().release_unused()  # what was written and read before; loading takes most of all
    for name, splits in declared_files(dataset, read_front_matter(dataset / "README.md")).items():
        with tempfile.TemporaryDirectory() as cache, _no_progress_bars():
            loaded = load_dataset(str(dataset), name, cache_dir=cache, **_in_pieces())
            for split, (_, files) in splits.items():
                if difference := _difference(loaded[split], files):
                    yield f"{name}: load_dataset gives in split {split} {difference}"
            del loaded


def _in_pieces() -> dict[str, Any]:
    """Options with which files are read in pieces, instead of whole; the rows are the same."""
    from pyarrow.dataset import ParquetFragmentScanOptions

    scan = ParquetFragmentScanOptions(use_buffered_stream=True, buffer_size=READ_BYTES, pre_buffer=False)
    return {"batch_size": BATCH_ROWS, "fragment_scan_options": scan}


def _difference(loaded: Any, files: list[Path]) -> str | None:
    """The first difference between the rows of a loaded split and those of its files."""
    import pyarrow as pa

    # Opened anew for every batch: what has been read of a mapped file would stay in memory, in the end all of it.
    rows, mapped = 0, pickle.dumps(loaded.with_format("arrow"))
    for file in files:
        with open_parquet(file) as parquet:
            for batch in parquet.iter_batches(BATCH_ROWS):
                expected = pa.Table.from_batches([batch])
                if len(loaded) < rows + len(expected):
                    return f"{len(loaded):,} rows, fewer than its files hold"
                if changed := _changed(pickle.loads(mapped)[rows : rows + len(expected)], expected):
                    return changed
                rows += len(expected)
    return f"{len(loaded):,} rows, its files hold {rows:,}" if len(loaded) != rows else None


def _changed(got: "pa.Table", expected: "pa.Table") -> str | None:
    """Which column of which row differs, if any."""
    if set(got.column_names) != set(expected.column_names):
        return f"the columns {', '.join(got.column_names)}, its files have {', '.join(expected.column_names)}"
    for name in expected.column_names:
        left, right = got[name], expected[name]
        if not left.cast(right.type).equals(right):
            pairs = zip(got["id"].to_pylist(), left.to_pylist(), right.to_pylist(), strict=True)
            row = next((key for key, one, other in pairs if one != other), "of another type")
            return f"another {name} in row {row} than its files hold"
    return None


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            enable_progress_bar()
