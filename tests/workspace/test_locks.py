"""The lock of a stage folder: it lasts as long as anything writes there."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.stages import Words, write_words

from builder.errors import StageError
from builder.recipe.sections.runtime import Runtime
from builder.workspace import locks
from builder.workspace.layout import LOCK
from builder.workspace.locks import locked, only_writer, running_in
from builder.workspace.workspace import Workspace

HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from builder.workspace.locks import only_writer
with only_writer(Path(sys.argv[1]), "words") as lock:
    lock.name_holder(os.getpid())
    kept = [lock.file] if sys.argv[2] == "hands it on" else []
    sleeper = subprocess.Popen(["sleep", sys.argv[3]], pass_fds=kept, stdout=subprocess.DEVNULL)
    print(sleeper.pid, flush=True)
    if sys.argv[2] != "ends":
        time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def held():
    """Starts a process that takes the lock of a folder, with a program below it; gives both process ids."""
    started = []

    def start(folder, how, seconds=60):
        command = [sys.executable, "-c", HOLDER, str(folder), how, str(seconds)]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        sleeper = int(holder.stdout.readline())
        started.append((holder, sleeper))
        return holder, sleeper

    yield start
    for holder, sleeper in started:
        holder.kill()
        holder.wait()
        subprocess.run(["kill", "-9", str(sleeper)], check=False, stderr=subprocess.DEVNULL)


def test_a_stage_that_something_still_writes_is_refused_with_its_name_and_nothing_is_run(tmp_path, held, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.3)
    workspace = Workspace(tmp_path, Runtime(), dry_run=True)
    folder = workspace.run("words", write_words, Words()).path
    holder, sleeper = held(folder, "hands it on")
    holder.kill()
    holder.wait()
    with pytest.raises(StageError) as refused:
        Workspace(tmp_path, Runtime()).run("words", write_words, Words())
    assert str(refused.value) == (
        f"words: {folder} is still written by an earlier run (process {sleeper}); wait until that has ended or end it "
        f"(kill -9 {sleeper}), and run the same command again"
    )
    assert not (folder / "data").exists()


def test_where_the_system_does_not_tell_the_lock_itself_names_its_holder(tmp_path, held, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(locks, "PROCESSES", Path("/nowhere"))
    holder, _ = held(tmp_path, "keeps it")
    with (
        pytest.raises(StageError, match=rf"process {holder.pid}@\S+\); .*\(on the machine where it runs\)"),
        only_writer(tmp_path, "words"),
    ):
        pass


def test_what_is_about_to_end_is_waited_for(tmp_path, held):
    held(tmp_path, "keeps it", seconds=2)
    with only_writer(tmp_path, "words"):
        assert (tmp_path / LOCK).is_file()


@pytest.mark.parametrize("how", ["keeps it", "ends"])
def test_a_holder_that_is_gone_holds_nothing_although_a_program_of_it_goes_on(tmp_path, held, monkeypatch, how):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.3)
    holder, sleeper = held(tmp_path, how)
    holder.kill()
    holder.wait()
    with only_writer(tmp_path, "words"):
        assert Path(f"/proc/{sleeper}").exists()


def test_who_asks_is_told_which_build_runs_and_leaves_it_alone(tmp_path):
    assert running_in(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path):
        assert running_in(tmp_path).process == str(os.getpid())
        assert str(running_in(tmp_path)).startswith(f"process {os.getpid()}, since 20")
    assert running_in(tmp_path) is None
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo, os.mkdir])
def test_what_stands_in_the_place_of_a_lock_is_not_waited_for(tmp_path, make):
    make(tmp_path / ".lock")
    assert running_in(tmp_path) is None


def test_a_lock_that_names_no_process_is_held_by_an_unknown_one(tmp_path):
    with (tmp_path / ".lock").open("w") as file:
        file.write("\x1b[2J")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert running_in(tmp_path).process == "unknown"


def test_a_lock_whose_folder_was_removed_while_it_was_waited_for_is_taken_anew(tmp_path, monkeypatch):
    """A scratch folder is removed by whoever holds its lock; the file that others have open then keeps nobody out."""
    folder, holder = tmp_path / ".preview", locked(tmp_path / ".preview")
    holder.__enter__()

    def while_waiting(seconds):
        shutil.rmtree(folder)
        holder.__exit__(None, None, None)

    monkeypatch.setattr(locks.time, "sleep", while_waiting)
    with locked(folder):
        assert running_in(folder).process == str(os.getpid())
    assert running_in(folder) is None
