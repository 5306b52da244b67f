"""What a stage that would run submits to a cluster."""

from typing import Any

from builder.recipe.recipe import Recipe
from builder.text.counted import counted
from builder.workspace.stage_names import AUGMENT, DEDUP, SCORE, SEGMENTS, StageName

_WORKERS, _ENGINES = (SEGMENTS.kind, DEDUP.kind), (AUGMENT.kind, SCORE)


def submitted(name: StageName, recipe: Recipe) -> dict[str, Any] | None:
    """The tasks of a stage, as JSON has them; None of one that runs on this machine.

    Returns:
        `executor`; `tasks`, at most; `cores` and `gpus` of each; under Slurm `partition` and `time`.
    """
    runtime = recipe.runtime
    if runtime.executor == "local" or name.kind not in (*_WORKERS, *_ENGINES):
        return None
    engines = name.kind in _ENGINES
    loads = engines and recipe.engine.kind != "openai"
    job: dict[str, Any] = {
        "executor": runtime.executor,
        "tasks": runtime.engines if engines else runtime.workers,
        "cores": runtime.threads if engines else 1,
        "gpus": runtime.tensor_parallel if loads else 0,
    }
    if runtime.slurm is not None and runtime.executor == "slurm":
        slurm = runtime.slurm
        job["cores"] = slurm.cpus_per_task if engines else 1
        job["gpus"] = slurm.gpus_per_task if loads and slurm.gpus_per_task is not None else job["gpus"]
        job["partition"] = (None if loads else slurm.cpu_partition) or slurm.partition
        job["time"] = slurm.time
    return job


def as_line(job: dict[str, Any]) -> str:
    """The same for a reader."""
    where = f"Slurm ({job['partition']}, {job['time']})" if "partition" in job else "Ray"
    each = counted(job["cores"], "cores") + (f" and {counted(job['gpus'], 'GPUs')}" if job["gpus"] else "")
    return f"submits at most {counted(job['tasks'], 'tasks')} to {where}, each with {each}"
