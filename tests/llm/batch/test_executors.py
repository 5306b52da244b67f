"""Engines in several processes: on this machine, as tasks of a Slurm that is played here, and under Ray itself."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pyarrow as pa
import pytest
import yaml
from support.variables import OWN

from builder.data.accounting import Stats
from builder.data.storage import read_json, read_rows, write_rows
from builder.errors import StageError, TimeIsUp
from builder.llm.batch import executors, remote, slurm_cluster
from builder.llm.batch.block import AnswerRows
from builder.llm.batch.chunks import open_chunks
from builder.llm.batch.ray_cluster import RayCluster
from builder.llm.batch.runner import run_rows
from builder.recipe.sections.runtime import Runtime, Slurm
from builder.recipe.sections.section import Section
from builder.workspace import environment
from builder.workspace.child import run_child
from builder.workspace.limits.deadline import set_deadline

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])
ENVIRONMENT = pa.schema([("id", pa.string()), ("gpus", pa.string())])
AROUND = pa.schema([("id", pa.string()), ("own", pa.string()), ("safe_path", pa.bool_()), ("diagnose", pa.bool_())])
HERE = Slurm(partition="any", time="1:00:00", cpus_per_task=1, mem_per_cpu_gb=1)
COMMANDS = {
    "sbatch": """
        if [ "$1" = run ]; then
            export SLURM_ARRAY_TASK_ID=$2 RUN_OFFSET=0 SLURM_NODELIST=here
            while [ -e $SLURM_HERE/full ]; do sleep 0.1; done
            setsid bash $3 > $4 2>&1 & echo $! > $5.pid
            echo RUNNING > $5.new; mv $5.new $5.state
            wait; rm $5.*; exit
        fi
        script=$SLURM_HERE/$(date +%s%N).sh; cp "${@: -1}" $script; cat $script >> $SLURM_HERE/submitted
        name=$(sed -n 's/^#SBATCH --job-name=//p' $script)
        output=$(sed -n 's/^#SBATCH --output=//p' $script); output=${output//%A/7}
        for task in $(seq 0 $(sed -n 's/^#SBATCH --array=0-//p' $script)); do
            echo PENDING > $SLURM_HERE/$name.$task.state
            { export -p; echo "exec setsid $0 run $task $script ${output//%a/$task} $SLURM_HERE/$name.$task"; } \\
                > $SLURM_HERE/$name.$task.new
            mv $SLURM_HERE/$name.$task.new $SLURM_HERE/$name.$task.todo
        done; echo Submitted batch job 7""",
    "slurmd": """
        shopt -s nullglob
        while sleep 0.05; do
            for todo in $SLURM_HERE/*.todo; do
                mv $todo $todo.taken; bash $todo.taken > /dev/null 2>&1 &
            done
        done""",
    "squeue": """
        shopt -s nullglob
        for file in $SLURM_HERE/${2#--name=}.*.state; do
            task=${file%.state}; state=$(cat $file 2> /dev/null) && echo ${task##*.} $state
        done""",
    "scancel": """for file in $SLURM_HERE/${2#--name=}.*.pid; do kill -KILL -- -$(cat $file); done""",
    "scontrol": "echo here",
}


@pytest.fixture
def slurm_here(tmp_path, monkeypatch):
    """The commands of Slurm, and its daemon, which runs the tasks of a job here and is no child of a stage."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in COMMANDS.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("SLURM_HERE", str(folder))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), *sys.path]))
    monkeypatch.setattr(slurm_cluster, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(remote, "GRACE_SECONDS", 0.0)
    daemon = subprocess.Popen([str(folder / "slurmd")], start_new_session=True)
    yield folder
    os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


@dataclass
class OnlyEven:
    """Keeps the even numbers. At the number `at`, what `how` says happens, once in a folder."""

    folder: Path
    how: str = ""
    at: int = -1

    def answer(self, rows, rejects, tick):
        if self.at in [row["n"] for row in rows] and not (self.folder / "happened").exists():
            (self.folder / "happened").touch()
            getattr(self, self.how)()
        rejects.rows.extend({"id": row["id"], "reason": "odd", "text": None} for row in rows if row["n"] % 2)
        return [row for row in rows if row["n"] % 2 == 0]

    def give_up(self, row, reason, rejects):
        raise AssertionError("no row has cost two processes")

    def dies(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def waits(self):
        while not (self.folder / "go_on").exists():
            time.sleep(0.1)

    def cannot(self):
        raise StageError("the model is not where the recipe says")

    def breaks(self):
        raise ValueError("a defect of the code")


def source(folder, count=22):
    write_rows(folder / "source" / "0.parquet", [{"id": f"{n:03}", "n": n} for n in range(count)], SCHEMA)
    return folder / "source"


def written(out):
    files = [path for kind in ("data", "rejected") for path in sorted((out / kind).iterdir())]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def by_one(folder):
    """What one engine in this process writes."""
    run_rows(folder / "one", source(folder), OnlyEven(folder), SCHEMA, Runtime(chunk_rows=4))
    return written(folder / "one")


def under(executor, engines=2, **runtime):
    return Runtime(chunk_rows=4, engines=engines, executor=executor, slurm=HERE, **runtime)


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
    assert read_json(out / "logs/datatrove/ranks_to_run.json") == [1]
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


def test_a_command_that_is_missing_or_refuses_ends_the_stage(tmp_path, slurm_here):
    rows, work = source(tmp_path), OnlyEven(tmp_path)
    (tmp_path / "out" / "logs").mkdir(parents=True)
    (slurm_here / "sbatch").write_text("#!/bin/bash\nexit 1\n")
    with pytest.raises(StageError, match=r"sbatch refused the job of this stage; see .*child.log"):
        run_rows(tmp_path / "out", rows, work, SCHEMA, under("slurm"))
    (slurm_here / "squeue").unlink()
    with pytest.raises(StageError, match="executor is slurm, but squeue cannot be run: No such file"):
        run_rows(tmp_path / "out", rows, work, SCHEMA, under("slurm"))


class EvenStage(Section):
    """What a test stage does and where."""

    folder: Path
    how: str = ""
    at: int = -1


def even_stage(out: Path, config: EvenStage, rows: Path, *, runtime: Runtime) -> Stats:
    work = OnlyEven(config.folder, config.how, config.at)
    return Stats({"rows": run_rows(out, rows, work, SCHEMA, runtime)})


def request(rows, settings, **config):
    return {
        "function": f"{__name__}:even_stage",
        "config_type": f"{__name__}:EvenStage",
        "config": config,
        "inputs": [str(rows)],
        "runtime": settings.model_dump(mode="json"),
    }


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


@dataclass
class OnlyAsks(OnlyEven):
    """Asks a server, so that no model is loaded where it runs."""

    loads_model = False


@pytest.fixture
def ray_played(monkeypatch):
    """A Ray with one node of eight GPUs that runs nothing: what datatrove was told to ask of it."""
    asked = []

    def executor(pipeline, **options):
        asked.append(options)
        return SimpleNamespace(run=lambda: None)

    nodes = [{"Alive": True, "Resources": {"CPU": 1.0, "GPU": 8.0}}]
    ray = SimpleNamespace(init=lambda **_: None, shutdown=lambda: None, nodes=lambda: nodes)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "datatrove.executor.ray", SimpleNamespace(RayPipelineExecutor=executor))
    return asked


@pytest.mark.parametrize(("kind", "gpus"), [(OnlyEven, 2), (OnlyAsks, 0)])
def test_gpus_are_asked_for_where_a_model_is_loaded_and_not_where_a_server_is_asked(
    tmp_path, slurm_here, ray_played, kind, gpus
):
    stop = HERE.model_copy(update={"gpus_per_task": None, "env_command": "exit 3"})
    runtime = under("slurm", restarts=0, tensor_parallel=2).model_copy(update={"slurm": stop})
    with pytest.raises(StageError):
        run_rows(tmp_path / "out", source(tmp_path), kind(tmp_path), SCHEMA, runtime)
    asked = [line for line in (slurm_here / "submitted").read_text().splitlines() if "SBATCH --g" in line]
    assert [line.split("=")[1] for line in asked] == [str(gpus)] * bool(gpus)
    step = AnswerRows(open_chunks(tmp_path / "two", source(tmp_path), 4), kind(tmp_path), SCHEMA, 0.2)
    RayCluster(step, tmp_path, runtime, 2).run([])
    assert [job["gpus_per_task"] for job in ray_played] == [gpus]


@pytest.fixture
def ray_here(monkeypatch):
    """A Ray of this machine; its tasks can import this module."""
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), *sys.path]))
    monkeypatch.setattr(remote, "GRACE_SECONDS", 0.0)


@pytest.mark.full
def test_tasks_of_ray_write_what_one_engine_writes_although_one_dies(tmp_path, ray_here):
    rows, out = source(tmp_path), tmp_path / "out"
    run_rows(out, rows, OnlyEven(tmp_path, "dies", 5), SCHEMA, under("ray"))
    assert written(out) == by_one(tmp_path)
    assert read_json(out / "logs/deaths.json") == [[1, None]]


@pytest.mark.full
def test_what_a_task_of_ray_says_ends_the_stage_and_the_other_tasks(tmp_path, ray_here):
    rows, out = source(tmp_path), tmp_path / "out"
    with pytest.raises(StageError, match=r"^the model is not where the recipe says$"):
        run_rows(out, rows, TwoMinds(tmp_path), SCHEMA, under("ray"))
    assert not (out / "data" / "part-00000.parquet").exists()


@dataclass
class TwoMinds(OnlyEven):
    """Gives up at chunk 1 and never ends at chunk 0."""

    def answer(self, rows, rejects, tick):
        (self.cannot if rows[0]["n"] else self.waits)()


def test_a_ray_that_is_not_installed_or_not_there_ends_the_stage(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StageError, match=r"ray is not installed: pip install 'humpback-builder\[ray\]'"):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, under("ray"))


@dataclass
class Environment:
    """Writes which GPUs an engine may use."""

    def answer(self, rows, rejects, tick):
        return [{"id": row["id"], "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "unset")} for row in rows]

    def give_up(self, row, reason, rejects):
        raise AssertionError


@dataclass
class Around:
    """Writes the build's own variables as an engine has them, and what Python and loguru have made of two of them."""

    names: list[str]

    def answer(self, rows, rejects, tick):
        from loguru import _defaults

        own = json.dumps({name: os.environ.get(name) for name in self.names})
        flags = {"safe_path": sys.flags.safe_path, "diagnose": _defaults.LOGURU_DIAGNOSE}
        return [{"id": row["id"], "own": own, **flags} for row in rows]

    def give_up(self, row, reason, rejects):
        raise AssertionError


@pytest.fixture
def bare(monkeypatch):
    """This process has none of the build's own variables that a task could inherit, and a secret."""
    for name in (*OWN, "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN", "a-secret-of-ours")
    monkeypatch.setenv("HF_HOME", "/a cache")


def told_by(executor, tmp_path):
    settings = under(executor, engines=1, threads=3)
    run_rows(tmp_path / "out", source(tmp_path, 4), Around([*OWN, "HF_HOME"]), AROUND, settings)
    (told,) = {tuple(row.values())[1:] for row in read_rows(tmp_path / "out" / "data")}
    return json.loads(told[0]), *told[1:]


def test_a_task_of_slurm_has_the_environment_of_a_stage_from_its_script_alone(tmp_path, slurm_here, bare):
    assert told_by("slurm", tmp_path) == ({**OWN, "HF_HOME": "/a cache"}, True, False)
    written_down = [path.read_bytes() for path in (tmp_path / "out" / "logs").rglob("*") if path.is_file()]
    assert any(b"export PYTHONSAFEPATH=1 " in text for text in written_down)
    assert not any(b"a-secret-of-ours" in text for text in written_down)


@pytest.mark.full
def test_a_task_of_ray_has_the_environment_of_a_stage(tmp_path, ray_here, bare):
    assert told_by("ray", tmp_path) == ({**OWN, "HF_HOME": "/a cache"}, True, False)


def test_ray_is_told_the_environment_of_its_tasks_and_no_secret(tmp_path, monkeypatch, bare):
    told = {}

    def init(**options):
        told.update(options)
        raise ConnectionError("nobody there")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init, shutdown=lambda: None))
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    with pytest.raises(StageError, match="RAY_ADDRESS is elsewhere:6379, where no Ray can be used: nobody there"):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, under("ray", threads=3))
    assert told == {"address": "elsewhere:6379", "runtime_env": {"env_vars": {**OWN, "HF_HOME": "/a cache"}}}


UUIDS = "GPU-8f1c, GPU-02aa,MIG-77/1/0,GPU-9d,GPU-e5"


@pytest.mark.parametrize(
    ("given", "each", "seen"),
    [
        ("5,3,4", 1, ["5", "3"]),
        pytest.param(UUIDS, 2, ["GPU-8f1c,GPU-02aa", "MIG-77/1/0,GPU-9d"], marks=pytest.mark.full),
    ],
)
def test_each_engine_of_a_machine_sees_its_own_gpus(tmp_path, monkeypatch, given, each, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    settings = Runtime(chunk_rows=4, engines=2, tensor_parallel=each)
    run_rows(tmp_path / "out", source(tmp_path, 8), Environment(), ENVIRONMENT, settings)
    found = [row["gpus"] for row in read_rows(tmp_path / "out" / "data")]
    assert found == [seen[0]] * 4 + [seen[-1]] * 4


def test_gpus_are_those_of_the_machine_where_no_variable_names_them(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(environment, "DEVICES", tmp_path)
    (tmp_path / "null").touch()
    assert executors.gpus_of_engines(Runtime(tensor_parallel=2), 3) == []
    for name in ("nvidia0", "nvidia3", "nvidia5", "nvidia6", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert executors.gpus_of_engines(Runtime(tensor_parallel=2), 2) == ["0,1", "2,3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "NoDevFiles")
    assert executors.gpus_of_engines(Runtime(tensor_parallel=2), 2) == []


def test_too_few_gpus_end_the_stage_before_an_engine_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c")
    settings = Runtime(chunk_rows=4, engines=2, tensor_parallel=2)
    with pytest.raises(StageError, match=r"need 4 GPUs; there are only 3 \(GPU-a, GPU-b, GPU-c\)"):
        run_rows(tmp_path / "out", source(tmp_path, 8), Environment(), ENVIRONMENT, settings)
