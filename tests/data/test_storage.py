import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.storage import (
    count_rows,
    dump_json,
    open_parquet,
    parquet_files,
    read_json,
    read_rows,
    whole_file,
    write_bytes,
    write_json,
    write_rows,
)
from builder.errors import StageError


def test_a_failed_write_leaves_neither_the_file_nor_a_trace(tmp_path):
    def write():
        with whole_file(tmp_path / "data.bin") as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_file_that_was_there(tmp_path):
    schema = pa.schema([("n", pa.int32())])
    write_rows(tmp_path / "a.parquet", [{"n": 1}], schema)
    with pytest.raises(pa.ArrowInvalid):
        write_rows(tmp_path / "a.parquet", [{"n": "x"}], schema)
    assert list(read_rows(tmp_path)) == [{"n": 1}]


def test_equal_bytes_leave_the_file_untouched(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"same")
    before = path.stat().st_mtime_ns
    write_bytes(path, b"same")
    assert path.stat().st_mtime_ns == before
    write_bytes(path, b"more")
    assert path.read_bytes() == b"more"


def test_unfinished_files_are_not_read(tmp_path):
    schema = pa.schema([("n", pa.int32())])
    write_rows(tmp_path / "part-1.parquet", [{"n": 1}, {"n": 2}], schema)
    (tmp_path / ".part-2.parquet.tmp").write_bytes(b"torn")
    (tmp_path / ".part-2.parquet").write_bytes(b"torn")
    assert [path.name for path in parquet_files(tmp_path)] == ["part-1.parquet"]
    assert count_rows(tmp_path) == 2


@given(st.lists(st.fixed_dictionaries({"n": st.integers(-(2**31), 2**31 - 1), "s": st.none() | st.text()})))
def test_rows_come_back_as_written(tmp_path_factory, rows):
    rows = [row for row in rows if row["s"] is None or not any("\ud800" <= char <= "\udfff" for char in row["s"])]
    folder = tmp_path_factory.mktemp("rows")
    assert write_rows(folder / "a.parquet", rows, pa.schema([("n", pa.int32()), ("s", pa.string())])) == len(rows)
    assert list(read_rows(folder)) == rows


def test_json_errors_name_the_file_and_what_to_do(tmp_path):
    with pytest.raises(StageError, match="missing; run the stage"):
        read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(StageError, match=r"bad\.json: not valid JSON .*; delete it"):
        read_json(tmp_path / "bad.json")
    write_json(tmp_path / "good.json", {"ä": 1})
    assert json.loads((tmp_path / "good.json").read_text()) == {"ä": 1}


def test_rows_can_be_added_to_one_file_and_leave_nothing_if_it_fails(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from builder.data.storage import open_rows

    schema = pa.schema([("id", pa.string()), ("n", pa.int8())])
    with open_rows(tmp_path / "a.parquet", schema) as write:
        assert not (tmp_path / "a.parquet").exists()
        write([{"id": "x", "n": 1}])
        write([{"id": "y"}])
    assert list(read_rows(tmp_path / "a.parquet")) == [{"id": "x", "n": 1}, {"id": "y", "n": None}]
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 2
    with open_rows(tmp_path / "none.parquet", schema):
        pass
    assert pq.read_schema(tmp_path / "none.parquet").equals(schema)
    with pytest.raises(pa.ArrowInvalid), open_rows(tmp_path / "b.parquet", schema) as write:
        write([{"id": "x"}, {"n": "no number"}])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "none.parquet"]


def test_json_has_no_number_that_json_has_not(tmp_path):
    value = {"a": [float("nan"), 1.5], "b": (float("inf"), "\u202e")}
    assert json.loads(dump_json(value)) == {"a": [None, 1.5], "b": [None, "\u202e"]}
    assert "\\u202e" in dump_json(value)
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json")["a"] == [None, 1.5]


def test_what_has_been_read_of_a_file_does_not_stay_in_memory(tmp_path):
    text = pa.array([f"{number:0900d}" for number in range(40_000)])
    pa.parquet.write_table(pa.table({"text": text}), tmp_path / "a.parquet", row_group_size=2_000, compression="none")
    del text
    before, held = pa.total_allocated_bytes(), []
    with open_parquet(tmp_path / "a.parquet") as file:
        for batch in file.iter_batches(1_000):
            held.append(pa.total_allocated_bytes() - before)
            del batch
    assert len(held) == 40
    assert max(held) < (tmp_path / "a.parquet").stat().st_size / 3
