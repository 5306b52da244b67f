import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.chunks import run_in_chunks
from builder.storage import read_rows, write_rows

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])


def source(folder, count):
    write_rows(folder / "source" / "rows.parquet", [{"id": str(n), "n": n} for n in range(count)], SCHEMA)
    return folder / "source"


def only_even(seen):
    def process(rows, rejects):
        seen.append([row["n"] for row in rows])
        for row in rows:
            if row["n"] % 2:
                rejects.add(row["id"], "odd", text=str(row["n"]))
        return [row for row in rows if row["n"] % 2 == 0]

    return process


@given(st.integers(0, 40), st.integers(1, 15))
def test_every_row_is_kept_or_rejected_whatever_the_chunk_size(tmp_path_factory, count, size):
    folder = tmp_path_factory.mktemp("chunks")
    counts = run_in_chunks(folder / "out", source(folder, count), only_even([]), SCHEMA, chunk_rows=size)
    counts.check("chunks")
    assert [row["n"] for row in read_rows(folder / "out" / "data")] == list(range(0, count, 2))
    assert counts.dropped["odd"] == count // 2


def test_a_second_run_redoes_only_the_missing_chunk_with_the_first_chunk_size(tmp_path):
    rows = source(tmp_path, 10)
    seen = []
    first = run_in_chunks(tmp_path / "out", rows, only_even(seen), SCHEMA, chunk_rows=4)
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    before = {path.name: path.read_bytes() for path in (tmp_path / "out" / "data").iterdir()}
    (tmp_path / "out" / "data" / "part-00001.parquet").unlink()
    seen.clear()
    assert run_in_chunks(tmp_path / "out", rows, only_even(seen), SCHEMA, chunk_rows=99) == first
    assert seen == [[4, 5, 6, 7]]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "data").iterdir()} == before


def test_a_chunk_that_fails_leaves_no_file_under_its_name(tmp_path):
    def fail(rows, rejects):
        raise RuntimeError("engine died")

    with pytest.raises(RuntimeError):
        run_in_chunks(tmp_path / "out", source(tmp_path, 3), fail, SCHEMA, chunk_rows=2)
    assert list((tmp_path / "out").glob("data/*")) == []
