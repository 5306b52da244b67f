"""Arrow columns: put together, filled up, searched, measured, cut into chunks."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.seed.stage import char_lengths
from builder.results.release.content.columns import Lengths, column_of, in_chunks, naming, spool, with_constants


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(1, 7))
def test_lengths_that_pass_by_are_those_of_all_texts_together(texts: list[str], size: int) -> None:
    lengths = Lengths()
    for start in range(0, len(texts), size):
        lengths.add(pa.array(texts[start : start + size], pa.string()))
    assert lengths.summary() == char_lengths([len(text) for text in texts])


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 7))
def test_chunks_are_full_but_for_the_last(sizes: list[int], rows: int) -> None:
    numbers = list(range(sum(sizes)))
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    batches = [
        pa.record_batch({"n": pa.array(numbers[start : start + size], pa.int64())})
        for start, size in zip(starts, sizes, strict=True)
    ]
    chunks = [batch.column("n").to_pylist() for batch in in_chunks(batches, rows)]
    assert [number for chunk in chunks for number in chunk] == numbers
    assert [len(chunk) for chunk in chunks[:-1]] == [rows] * (len(chunks) - 1)
    assert not chunks or 0 < len(chunks[-1]) <= rows


def test_missing_columns_are_a_constant_or_null_and_others_are_left_out() -> None:
    schema = pa.schema([("source", pa.string()), ("id", pa.string()), ("score", pa.float64())])
    batch = pa.record_batch({"id": pa.array(["a", "b"]), "other": pa.array([1, 2])})
    rows = with_constants(batch, schema, {"source": "web"}).to_pylist()
    assert rows == [{"source": "web", "id": key, "score": None} for key in ("a", "b")]


def test_rows_are_named_by_any_column_and_a_null_names_nothing() -> None:
    batch = pa.record_batch({"id": pa.array(["a", "b", "c"]), "url": pa.array([None, "x", "y"])})
    wanted = pa.array(["c", "x"])
    assert [row["id"] for row in naming(batch, wanted)] == ["b", "c"]
    assert naming(batch, pa.array([], pa.string())) == []


@pytest.mark.parametrize("rows", [0, 3, 4, 7])
def test_rows_are_put_aside_chunk_by_chunk(tmp_path: Path, rows: int) -> None:
    schema = pa.schema([("n", pa.int64())])
    aside = spool(tmp_path / "rows", ({"n": number} for number in range(rows)), schema, batch=4)
    tables = list(aside.tables())
    assert [number for table in tables for number in table["n"].to_pylist()] == list(range(rows))
    assert max((table.num_rows for table in tables), default=0) <= 4
    assert (aside.rows, aside.memory_bytes) == (rows, sum(table.nbytes for table in tables))


def test_no_part_makes_an_empty_column() -> None:
    assert column_of([]).to_pylist() == []
