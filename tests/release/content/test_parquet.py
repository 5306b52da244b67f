"""Rows that stream to files in their order give the same bytes as a table that is sorted and written whole."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.results.release.content.parquet import Rows, Source, by_id, write_config

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string()), ("score", pa.float64()), ("split", pa.string())])
ROWS = 1_500


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.results.release.content.parquet.SHARD_BYTES", 40_000)
    monkeypatch.setattr("builder.results.release.content.parquet.ROW_GROUP_BYTES", 9_000)
    monkeypatch.setattr("builder.data.row_groups.SPAN", 100)


def made() -> pa.Table:
    rng = random.Random(5)
    rows = [
        {
            "id": f"{rng.randrange(10**9):09d}-{number}",
            "text": "word " * rng.randrange(30),
            "score": None if number % 9 == 0 else rng.random(),
            "split": "test" if number % 5 == 0 else "train",
        }
        for number in range(ROWS)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def source(table: pa.Table) -> Source:
    def read() -> Iterator[tuple[int, pa.RecordBatch]]:
        start = 0
        for batch in table.to_batches(max_chunksize=70):
            yield start, batch
            start += batch.num_rows

    ids, splits = (table[name].combine_chunks() for name in ("id", "split"))
    return Source(SCHEMA, ids, splits, read)


def options() -> dict[str, Any]:
    return {"compression": "zstd", "use_content_defined_chunking": True, "write_page_index": True}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("left_out", [0, 1, ROWS // 2])
def test_files_are_those_of_the_sorted_table(tmp_path: Path, left_out: int) -> None:
    table = made()
    gone = table["id"].to_pylist()[:left_out]
    config = write_config(tmp_path, "pairs", by_id(source(table), gone))
    assert {split.name for split in config.splits} == {"train", "test"}
    for split in config.splits:
        rows = table.filter(pa.compute.equal(table["split"], split.name)).sort_by("id")
        rows = rows.filter(pa.compute.invert(pa.compute.is_in(rows["id"], pa.array(gone, pa.string()))))
        assert (split.rows, split.memory_bytes) == (rows.num_rows, rows.nbytes)
        assert len(split.files) == -(-rows.nbytes // 40_000)
        size = -(-rows.num_rows // len(split.files))
        for number, file in enumerate(split.files):
            part = rows.slice(number * size, size)
            pq.write_table(part, tmp_path / "whole", row_group_size=rows.num_rows * 9_000 // rows.nbytes, **options())
            assert file.read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs", "whole"]


def test_split_without_rows_is_left_out_but_for_train(tmp_path: Path) -> None:
    table = made()
    keys = {name: table.filter(pa.compute.equal(table["split"], name))["id"].to_pylist() for name in ("train", "test")}
    assert by_id(source(table), keys["test"]).splits == {"train": ROWS * 4 // 5}
    rows = by_id(source(table), [*keys["train"], *keys["test"]])
    assert rows.splits == {"train": 0}
    write_config(tmp_path, "pairs", rows)
    assert pq.read_table(tmp_path / "pairs" / "train-00000-of-00001.parquet").num_rows == 0


def test_source_with_more_rows_than_it_said_is_an_error(tmp_path: Path) -> None:
    table = made()
    rows = Rows(SCHEMA, {"train": ROWS - 1}, lambda _: ({"train": table.nbytes}, [table, table]))
    with pytest.raises(ValueError, match="more than the config has"):
        write_config(tmp_path, "pairs", rows)
