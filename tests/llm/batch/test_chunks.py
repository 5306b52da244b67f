"""What becomes of chunks that were damaged while their stage was not done."""

import os

import pyarrow as pa
import pytest

from builder.data.storage import read_rows, write_rows
from builder.llm.batch.chunks import open_chunks
from builder.workspace.progress import read_notices

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])


@pytest.fixture
def out(tmp_path):
    """A stage folder with two of three chunks."""
    rows = [{"id": str(n), "n": n} for n in range(5)]
    write_rows(tmp_path / "source" / "rows.parquet", rows, SCHEMA)
    chunks = open_chunks(tmp_path / "out", tmp_path / "source", 2)
    for number, part in chunks.missing():
        if number < 2:
            chunks.write(number, part, chunks.rejects(), SCHEMA)
    return tmp_path / "out"


def missing(out):
    return [number for number, _ in open_chunks(out, out.parent / "source", 2).missing()]


def change_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def other_rows(path):
    rows = [row | {"n": 7} for row in read_rows(path)]
    write_rows(path, rows, SCHEMA)


DATA, REJECTED, NOTE = (f"{folder}/part-00001" for folder in ("data", "rejected", "logs/chunks"))
DAMAGES = {
    "cut": lambda out: os.truncate(out / f"{DATA}.parquet", 30),
    "emptied": lambda out: os.truncate(out / f"{DATA}.parquet", 0),
    "one bit": lambda out: change_byte(out / f"{DATA}.parquet"),
    "other rows": lambda out: other_rows(out / f"{DATA}.parquet"),
    "a copy of another chunk": lambda out: (out / f"{DATA}.parquet").write_bytes(
        (out / "data" / "part-00000.parquet").read_bytes()
    ),
    "rejected rows cut": lambda out: os.truncate(out / f"{REJECTED}.parquet", 30),
    "rejected rows gone": lambda out: (out / f"{REJECTED}.parquet").unlink(),
    "rejected rows are a link": lambda out: (
        (out / f"{REJECTED}.parquet").rename(out / "r"),
        (out / f"{REJECTED}.parquet").symlink_to(out / "r"),
    ),
    "note cut": lambda out: os.truncate(out / f"{NOTE}.json", 10),
    "note of other types": lambda out: (out / f"{NOTE}.json").write_text('["data"]'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_chunk_that_is_not_as_it_was_written_is_done_again_and_said(out, damage):
    assert missing(out) == [2]
    DAMAGES[damage](out)
    assert missing(out) == [1, 2]
    (said,) = read_notices(out)
    assert "data/part-00001.parquet is not as it was written; its rows are done again" in said


def test_a_chunk_without_a_note_stays_if_it_can_be_opened(out):
    for note in (out / "logs" / "chunks").iterdir():
        note.unlink()
    assert missing(out) == [2]
    os.truncate(out / f"{DATA}.parquet", 30)
    assert missing(out) == [1, 2]


def test_a_chunk_is_that_engines_whose_turn_comes_first_and_stays_it(tmp_path):
    write_rows(tmp_path / "source" / "rows.parquet", [{"id": str(n), "n": n} for n in range(10)], SCHEMA)
    chunks = open_chunks(tmp_path / "out", tmp_path / "source", 2)
    fast, slow = chunks.missing(0), chunks.missing(1)
    assert [next(engine)[0] for engine in (fast, slow, fast, fast)] == [0, 1, 2, 3]
    assert [number for number, _ in slow] == [4]
    assert list(fast) == []
    assert [number for number, _ in chunks.missing(1)] == [1, 4]  # it was started again
    chunks.free()
    assert [number for number, _ in chunks.missing(1)] == [0, 1, 2, 3, 4]
