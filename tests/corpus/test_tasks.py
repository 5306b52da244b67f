"""What becomes of tasks of the segments stage that were damaged while it was not done."""

import json
import os

import pyarrow as pa
import pytest

from builder.data.accounting import Counts
from builder.data.storage import read_json, write_json, write_rows
from builder.method.corpus.tasks import TaskFiles

SCHEMA = pa.schema([("id", pa.string())])


@pytest.fixture
def files(tmp_path):
    """Two tasks, both whole."""
    made = TaskFiles(tmp_path, "mark", 2)
    for rank in range(2):
        for path in (made.data(rank), made.rejected(rank)):
            write_rows(path, [{"id": f"{rank}{path.parent.name}"}], SCHEMA)
        made.finish(rank, {"pages": Counts(1, 1)}, {"chars": 1})
    return made


def change_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def edit(path, **changes):
    write_json(path, read_json(path) | changes)


DAMAGES = {
    "cut": lambda files: os.truncate(files.data(1), 30),
    "one bit": lambda files: change_byte(files.data(1)),
    "rejected rows of another task": lambda files: files.rejected(1).write_bytes(files.rejected(0).read_bytes()),
    "rejected rows gone": lambda files: files.rejected(1).unlink(),
    "counts cut": lambda files: os.truncate(files.counts(1), 9),
    "counts of other types": lambda files: files.counts(1).write_text(json.dumps(["mark"])),
    "counts of another run": lambda files: edit(files.counts(1), mark="other"),
    "files of other types": lambda files: edit(files.counts(1), files=["data"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_task_that_is_not_as_it_was_written_is_run_again(files, damage):
    assert files.prepare() == []
    DAMAGES[damage](files)
    assert files.prepare() == [1]


def test_a_task_of_before_stays_if_its_files_can_be_opened(files):
    for rank in range(2):
        write_json(files.counts(rank), {key: read_json(files.counts(rank))[key] for key in ("mark", "counts")})
    assert files.prepare() == []
    os.truncate(files.data(1), 30)
    assert files.prepare() == [1]
