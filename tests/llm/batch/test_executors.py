"""Which GPUs the engines of a build have, on this machine and under Slurm and Ray."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from support.even_numbers import HERE, SCHEMA, OnlyEven, source, under

from builder.data.storage import read_rows
from builder.errors import StageError
from builder.llm.batch import executors
from builder.llm.batch.block import AnswerRows
from builder.llm.batch.chunks import open_chunks
from builder.llm.batch.runner import run_rows
from builder.recipe.sections.runtime import Runtime
from builder.workspace import environment
from builder.workspace.cluster.job import Job
from builder.workspace.cluster.ray_cluster import RayCluster

ENVIRONMENT = pa.schema([("id", pa.string()), ("gpus", pa.string())])


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
    RayCluster(Job(tmp_path, step.run, step.chunks, runtime, loads_model=step.loads_model)).run([])
    assert [job["gpus_per_task"] for job in ray_played] == [gpus]


@dataclass
class Environment:
    """Writes which GPUs an engine may use, as soon as there are two engines."""

    folder: Path

    def answer(self, rows, rejects, tick):
        (self.folder / f"engine-{os.getpid()}").touch()
        while len(list(self.folder.glob("engine-*"))) < 2:
            time.sleep(0.05)
        return [{"id": row["id"], "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "unset")} for row in rows]

    def give_up(self, row, reason, rejects):
        raise AssertionError


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
    run_rows(tmp_path / "out", source(tmp_path, 8), Environment(tmp_path), ENVIRONMENT, settings)
    found = [row["gpus"] for row in read_rows(tmp_path / "out" / "data")]
    assert sorted(found) == sorted([seen[0]] * 4 + [seen[-1]] * 4)


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
        run_rows(tmp_path / "out", source(tmp_path, 8), Environment(tmp_path), ENVIRONMENT, settings)
