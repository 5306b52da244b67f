import errno
import os
from types import SimpleNamespace

import pytest

from builder.errors import RecipeError
from builder.workspace.failures import died, explain


def wrapped(inner, outer):
    try:
        try:
            raise inner
        except Exception as error:
            raise outer from error
    except Exception as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/build/data/x"),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/build/data/x"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
        wrapped(OSError(errno.ENOSPC, "No space left on device"), ValueError("could not write the table")),
    ],
)
def test_a_full_disk_is_called_one(error):
    assert explain(error).startswith("the disk is full (")
    assert explain(error).endswith("free some space, or use another --work-dir, and run the same command again")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_exhausted_memory_says_what_to_lower(error):
    assert explain(error).startswith("memory ran out (")
    assert "runtime.chunk_rows" in explain(error)


def test_a_place_without_access_is_named():
    error = PermissionError(errno.EROFS, "Read-only file system", "/build/seed-1/data")
    assert explain(error) == (
        "/build/seed-1/data: Read-only file system; give this user access to it, or use another --work-dir"
    )


def test_our_own_errors_speak_for_themselves():
    assert explain(RecipeError("x is 7")) == "x is 7"


def test_a_defect_has_no_explanation():
    assert explain(ValueError("boom")) is None
    assert explain(wrapped(FileNotFoundError(2, "No such file", "x"), KeyError("boom"))) is None


def test_a_killed_child_was_most_likely_short_of_memory():
    assert "memory ran out" in died(-9)
    assert "SIGSEGV" in died(-11)
    assert died(3) == "the child process ended with exit code 3"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/build/data/x"),
        OSError(errno.ENFILE, os.strerror(errno.ENFILE)),
        wrapped(OSError(errno.EMFILE, "Too many open files"), ValueError("could not read the table")),
        RuntimeError("unable to open file: Too many open files (24)"),
    ],
)
def test_too_many_open_files_say_which_limit_to_raise(error):
    assert explain(error).startswith("too many files are open (")
    assert "`ulimit -n 4096`" in explain(error)


@pytest.mark.parametrize(
    ("error", "room"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), False),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), False),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/dev/shm/sem.x"), True),
        (RuntimeError("unable to write to file </torch_12_34_5>: No space left on device (28)"), True),
        (RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: Read-only file system (30)"), True),
    ],
)
def test_shared_memory_is_told_from_a_disk(error, room, monkeypatch, tmp_path):
    told = explain(error)
    if not room:
        assert "shared memory" not in told
        monkeypatch.setattr("builder.workspace.failures.SHARED_MEMORY", str(tmp_path))
        monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(total=1, used=1, free=0))
        told = explain(error)
    assert told.startswith("shared memory cannot be used (")
    assert "64 MB free" in told


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_system_without_shared_memory_is_not_short_of_it(code, monkeypatch, tmp_path):
    monkeypatch.setattr("builder.workspace.failures.SHARED_MEMORY", str(tmp_path / "gone"))
    assert "shared memory" not in explain(OSError(code, os.strerror(code)))


def test_a_process_that_died_at_a_page_of_memory_says_where_memory_may_be_short():
    assert "SIGBUS, most likely because /dev/shm or a disk is full" in died(-7)
