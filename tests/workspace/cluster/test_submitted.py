"""What `plan` says of the tasks that a stage would submit."""

from pathlib import Path

import pytest
from support.output_schema import answered
from support.recipe_changes import write_small_recipe

from builder.cli.plan import plan_stages
from builder.cli.project import open_project
from builder.workspace.cluster.submitted import as_line, submitted
from builder.workspace.stage_names import AUGMENT, DEDUP, SEED, SEGMENTS, curate, score

SLURM = "runtime.slurm={partition: gpus, cpu_partition: cores, time: '1:00:00', cpus_per_task: 8}"
SIZES = ("runtime.workers=5", "runtime.engines=1", "runtime.tensor_parallel=2", "runtime.threads=3")


def lines(folder: Path, *settings: str) -> list[str]:
    recipe = open_project(write_small_recipe(folder), overrides=(*SIZES, *settings)).recipe
    stages = (SEED, SEGMENTS, DEDUP, AUGMENT, score(1, "likelihood"), curate(1))
    return [as_line(job) if (job := submitted(name, recipe)) else "" for name in stages]


def test_stages_that_share_their_work_say_what_they_submit(tmp_path: Path) -> None:
    workers = "submits at most 5 tasks to Slurm (cores, 1:00:00), each with 1 core"
    engines = "submits at most 1 task to Slurm (gpus, 1:00:00), each with 8 cores and 2 GPUs"
    asked = ("runtime.executor=slurm", SLURM)
    assert lines(tmp_path, *asked) == ["", workers, workers, engines, engines, ""]
    on_ray = "submits at most 1 task to Ray, each with 3 cores and 2 GPUs"
    assert lines(tmp_path, "runtime.executor=ray")[3] == on_ray
    assert lines(tmp_path) == [""] * 6


def test_engines_that_ask_a_server_have_no_gpus(tmp_path: Path) -> None:
    server = ("engine.kind=openai", "runtime.endpoint=http://localhost:1/v1")
    said = lines(tmp_path, "runtime.executor=slurm", SLURM, *server)[3]
    assert said == "submits at most 1 task to Slurm (cores, 1:00:00), each with 8 cores"


@pytest.mark.parametrize("executor", ["local", "slurm"])
def test_a_plan_has_it_beside_what_would_run(tmp_path: Path, executor: str) -> None:
    settings = ("runtime.executor=slurm", SLURM) if executor == "slurm" else ()
    answer = plan_stages(open_project(write_small_recipe(tmp_path), overrides=settings))
    stages = {entry["stage"]: entry for entry in answered("plan", answer.value)}
    assert ("submits" in stages["segments"]) == (executor == "slurm")
    assert "submits" not in stages["seed"]
    assert ("submits at most" in answer.text()) == (executor == "slurm")
