import hashlib
import json
import os
import time

import pytest

from builder.workspace.inputs.known import FileState, KnownInputs
from builder.workspace.inputs.while_read import noted
from builder.workspace.layout import READ


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(b"x" * 200_000)
    time.sleep(0.03)  # a file that was written a moment ago is not noted
    return path


def known_of(stage):
    return KnownInputs(stage.parent)


def test_a_file_that_is_read_to_its_end_is_noted(file, tmp_path):
    stage = tmp_path / "work" / "segments-0"
    with noted(file.open("rb"), file, stage) as handle:
        while handle.read(65_536):
            pass
        handle.read(1)
    (line,) = (stage / READ).read_text().splitlines()
    state = FileState.of(file.stat())
    assert json.loads(line) == {"state": list(state), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert known_of(stage).knows(state)


def test_a_file_of_which_a_part_is_read_is_not_noted(file, tmp_path):
    with noted(file.open("rb"), file, tmp_path / "segments-0") as handle:
        assert len(handle.read(100)) == 100
    assert not (tmp_path / "segments-0" / READ).exists()


def test_a_file_that_changes_while_it_is_read_is_not_noted(file, tmp_path):
    with noted(file.open("rb"), file, tmp_path / "segments-0") as handle:
        handle.read(100)
        os.utime(file, (1, 1))
        while handle.read(65_536):
            pass
    assert not (tmp_path / "segments-0" / READ).exists()
    assert noted(handle, file, None) is handle


def test_a_digest_is_of_the_state_that_was_asked_for(file):
    known = KnownInputs()
    state = FileState.of(file.stat())
    os.utime(file, (1, 1))
    assert known.digest(file, state) is None
    assert known.digest(file, FileState.of(file.stat())) == hashlib.sha256(file.read_bytes()).hexdigest()
    os.mkfifo(file.with_name("pipe"))
    assert known.digest(file.with_name("pipe"), FileState.of(file.with_name("pipe").stat())) is None
