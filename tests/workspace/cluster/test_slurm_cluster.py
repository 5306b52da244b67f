"""Engines as tasks of a Slurm that is played here."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
import yaml
from support.even_numbers import HERE, SCHEMA, OnlyEven, by_one, request, source, told_by, under, written
from support.variables import OWN

from builder.data.storage import read_json
from builder.errors import StageError, TimeIsUp
from builder.llm.batch.runner import run_rows
from builder.recipe.sections.runtime import Runtime, Slurm
from builder.workspace.child import run_child
from builder.workspace.limits.deadline import set_deadline


def submitted(slurm_here):
    """How many tasks each job had that was submitted."""
    lines = (slurm_here / "submitted").read_text().splitlines()
    return [int(line.partition("--array=0-")[2]) + 1 for line in lines if "--array=" in line]


def test_tasks_of_slurm_write_what_one_engine_writes_and_a_killed_one_alone_is_submitted_again(tmp_path, slurm_here):
    rows, out = source(tmp_path), tmp_path / "out"
    counts = run_rows(out, rows, OnlyEven(tmp_path, "dies", 5), SCHEMA, under("slurm"))
    counts.check("rows")
    assert written(out) == by_one(tmp_path)
    assert submitted(slurm_here) == [2, 1]
    assert read_json(out / "logs/deaths.json") == [[1, None]]


@pytest.mark.full
def test_marks_of_an_earlier_job_keep_no_task_from_running(tmp_path, slurm_here):
    rows, out = source(tmp_path), tmp_path / "out"
    run_rows(out, rows, OnlyEven(tmp_path), SCHEMA, under("slurm"))
    before = written(out)
    for number in (0, 1, 3):
        (out / "data" / f"part-{number:05d}.parquet").unlink()
    run_rows(out, rows, OnlyEven(tmp_path), SCHEMA, under("slurm"))
    assert written(out) == before
    assert submitted(slurm_here) == [2, 2]


@pytest.mark.parametrize(
    ("how", "said"),
    [("cannot", "^the model is not where the recipe says$"), ("breaks", "^ValueError: a defect of the code$")],
)
def test_what_an_engine_says_before_it_gives_up_ends_the_stage(tmp_path, slurm_here, how, said):
    with pytest.raises(StageError, match=said):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path, how, 5), SCHEMA, under("slurm"))
    assert not list(slurm_here.glob("*.state"))


def test_a_job_asks_for_what_the_recipe_says_and_its_last_words_are_those_of_the_stage(tmp_path, slurm_here):
    options = {"account": "ours", "wait": ""}
    asked = {"gpus_per_task": 0, "qos": "high", "env_command": "echo no such module; exit 3", "sbatch_args": options}
    runtime = under("slurm", restarts=3).model_copy(update={"slurm": HERE.model_copy(update=asked)})
    with pytest.raises(
        StageError, match=r"engine 0: its task ended before .*slurm/7_0.out\n  \| (.*\n)*.*no such module"
    ):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, runtime)
    lines = (slurm_here / "submitted").read_text().splitlines()
    wanted = {"account=ours", "wait", "qos=high", "partition=any", "time=1:00:00", "cpus-per-task=1", "mem-per-cpu=1G"}
    assert {f"#SBATCH --{option}" for option in wanted} <= set(lines)
    assert not [line for line in lines if "gpus" in line]
    assert submitted(slurm_here) == [2]


@pytest.mark.parametrize("name", ["$(touch stolen)", "a b", "a;touch stolen", "a%j", "a\nb"])
def test_a_folder_whose_name_a_script_would_read_otherwise_is_refused(tmp_path, slurm_here, name):
    with pytest.raises(StageError, match=r"runtime.executor is slurm, whose scripts name this folder, and "):
        run_rows(tmp_path / name / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, under("slurm"))
    assert not (slurm_here / "submitted").exists()


def test_a_command_that_is_missing_or_refuses_ends_the_stage(tmp_path, slurm_here, monkeypatch):
    rows, work = source(tmp_path), OnlyEven(tmp_path)
    (tmp_path / "out" / "logs").mkdir(parents=True)
    (slurm_here / "sbatch").write_text("#!/bin/bash\nexit 1\n")
    with pytest.raises(StageError, match=r"sbatch refused the job of this stage; see .*child.log"):
        run_rows(tmp_path / "out", rows, work, SCHEMA, under("slurm"))
    (slurm_here / "squeue").unlink()
    monkeypatch.setenv("PATH", str(slurm_here))  # this machine may have a Slurm of its own
    with pytest.raises(StageError, match="executor is slurm, but squeue cannot be run: No such file"):
        run_rows(tmp_path / "out", rows, work, SCHEMA, under("slurm"))


@pytest.mark.full
def test_a_full_queue_is_no_engine_that_stands_still(tmp_path, slurm_here):
    (tmp_path / "out").mkdir()
    (slurm_here / "full").touch()
    settings = under("slurm", stall_minutes=0.3, restarts=0)
    opener = subprocess.Popen(["bash", "-c", f"sleep 25; rm {slurm_here / 'full'}"])
    asked = request(source(tmp_path), settings, folder=str(tmp_path))
    try:
        run_child(tmp_path / "out", asked, settings, lambda: None, stage="even")
    finally:
        opener.wait()
    assert written(tmp_path / "out") == by_one(tmp_path)
    assert submitted(slurm_here) == [2]


def test_a_stage_that_has_to_stop_does_not_wait_for_a_queue(tmp_path, slurm_here):
    for name, text in {
        "sbatch": "rm -f $SLURM_HERE/gone; echo Submitted batch job 7",
        "squeue": "[ -e $SLURM_HERE/gone ] || echo 0 PENDING",
        "scancel": "touch $SLURM_HERE/gone",
    }.items():
        (slurm_here / name).write_text(f"#!/bin/bash\n{text}\n")
    set_deadline(tmp_path / "out", time.time())
    with pytest.raises(TimeIsUp):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, under("slurm", engines=1))
    assert (slurm_here / "gone").exists()


@pytest.mark.full
def test_tasks_of_slurm_stop_after_the_chunk_in_hand_when_the_time_is_over(tmp_path, slurm_here):
    out, rows = tmp_path / "out", source(tmp_path)
    set_deadline(out, time.time() + 1_000)
    opener = Thread(target=lambda: open_when_it_waits(tmp_path, out))
    opener.start()
    with pytest.raises(TimeIsUp):
        run_rows(out, rows, OnlyEven(tmp_path, "waits", 5), SCHEMA, under("slurm", engines=1))
    opener.join()
    assert {name for name in written(out) if name.startswith("data")} == {
        "data/part-00000.parquet",
        "data/part-00001.parquet",
    }
    set_deadline(out, None)
    run_rows(out, rows, OnlyEven(tmp_path), SCHEMA, under("slurm", engines=1))
    assert written(out) == by_one(tmp_path)


def open_when_it_waits(folder, out):
    """Have the time of a stage over once its engine waits in a chunk, and let that go on."""
    while not (folder / "happened").exists():
        time.sleep(0.05)
    set_deadline(out, time.time())
    (folder / "go_on").touch()


@pytest.mark.full
def test_an_engine_that_stands_still_on_a_node_is_ended_and_started_again(tmp_path, slurm_here):
    (tmp_path / "out").mkdir()
    settings = under("slurm", stall_minutes=0.3, restarts=1)
    asked = request(source(tmp_path), settings, folder=str(tmp_path), how="waits", at=5)
    result = run_child(tmp_path / "out", asked, settings, lambda: None, stage="even")
    assert result["restarts"] == 1
    assert written(tmp_path / "out") == by_one(tmp_path)
    assert submitted(slurm_here) == [2, 1]


@pytest.mark.full
def test_a_second_build_ends_the_tasks_that_a_killed_one_has_left_before_it_submits_any(tmp_path, slurm_here):
    rows, out, settings = source(tmp_path), tmp_path / "out", under("slurm")
    (out / "logs").mkdir(parents=True)
    (out / "logs" / "request.json").write_text(
        json.dumps(request(rows, settings, folder=str(tmp_path), how="waits", at=5))
    )
    first = subprocess.Popen([sys.executable, "-m", "builder.workspace.child", str(out), str(os.getpid())])
    while not (tmp_path / "happened").exists() or not (out / "data" / "part-00004.parquet").is_file():
        assert first.poll() is None
        time.sleep(0.1)
    first.kill()
    first.wait()
    (left,) = slurm_here.glob("*.1.pid")
    left_over = Path("/proc", left.read_text().strip())
    assert left_over.exists()
    run_rows(out, rows, OnlyEven(tmp_path), SCHEMA, settings)
    assert not left_over.exists()
    assert written(out) == by_one(tmp_path)
    assert submitted(slurm_here) == [2, 1]


@pytest.mark.full
def test_a_stage_that_is_asked_to_end_leaves_nothing_in_the_queue(tmp_path, slurm_here):
    rows, out, settings = source(tmp_path), tmp_path / "out", under("slurm")
    (out / "logs").mkdir(parents=True)
    asked = request(rows, settings, folder=str(tmp_path), how="waits", at=5)
    (out / "logs" / "request.json").write_text(json.dumps(asked))
    stage = subprocess.Popen([sys.executable, "-m", "builder.workspace.child", str(out), str(os.getpid())])
    while not (tmp_path / "happened").exists():
        assert stage.poll() is None
        time.sleep(0.1)
    (running,) = slurm_here.glob("*.1.pid")
    task = Path("/proc", running.read_text().strip())
    assert task.exists()
    stage.terminate()
    assert stage.wait(60) == -signal.SIGTERM
    assert not task.exists()


def test_slurm_needs_a_section_and_a_time_in_quotes():
    with pytest.raises(ValueError, match="so slurm must say at least partition and time"):
        Runtime(executor="slurm")
    with pytest.raises(ValueError, match=r'is read as the number 72000; write it in quotes, as in "20:00:00"'):
        Slurm.model_validate(yaml.safe_load("{partition: gpu, time: 20:00:00}"))


def test_a_task_of_slurm_has_the_environment_of_a_stage_from_its_script_alone(tmp_path, slurm_here, bare):
    assert told_by("slurm", tmp_path) == ({**OWN, "HF_HOME": "/a cache"}, True, False)
    written_down = [path.read_bytes() for path in (tmp_path / "out" / "logs").rglob("*") if path.is_file()]
    assert any(b"export PYTHONSAFEPATH=1 " in text for text in written_down)
    assert not any(b"a-secret-of-ours" in text for text in written_down)
