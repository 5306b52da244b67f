"""Where the engines of a stage run: in this process, in several on this machine, under Ray or under Slurm."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.redaction import redact_output, redact_task_logs
from builder.errors import StageError
from builder.workspace import journal
from builder.workspace.environment import visible_gpus
from builder.workspace.processes import die_with_parent
from builder.workspace.workers import forks_end_with_us, watched_workers

if TYPE_CHECKING:
    from builder.llm.batch.block import AnswerRows
    from builder.recipe.sections.runtime import Runtime


def run_engines(step: "AnswerRows", out: Path, runtime: "Runtime", engines: int) -> None:
    """Run a block on every engine and wait for all of them.

    Args:
        step: The block; it finds out by itself which rows are its own.
        out: The stage folder.
        runtime: Which executor, and how many GPUs an engine has.
        engines: How many there are.

    Raises:
        StageError: If an engine says that it cannot go on, or there are fewer GPUs than the engines need.
    """
    if runtime.executor == "local":
        step.chunks.free()
        _run_here(step, out, runtime, engines)
        return
    from builder.workspace.cluster.job import Job
    from builder.workspace.cluster.running import run_on_cluster

    run_on_cluster(Job(out, step.run, step.chunks, runtime, loads_model=step.loads_model), engines)


def _run_here(step: "AnswerRows", out: Path, runtime: "Runtime", engines: int) -> None:
    gpus = gpus_of_engines(runtime, engines) if step.loads_model else []
    if engines == 1:  # datatrove's executor would start a process beside it for nothing
        for _ in step.run(None):
            pass
        return
    from datatrove.executor.local import LocalPipelineExecutor

    executor: Any = LocalPipelineExecutor(
        [EndsWithStage(), *([OwnGpus(gpus)] if gpus else []), step],
        tasks=engines,
        workers=engines,
        logging_dir=str(out / "logs" / "datatrove"),
        skip_completed=False,  # the chunks know what is done
        start_method="spawn",  # CUDA cannot be used in a fork of a process that has used it
    )
    with forks_end_with_us(), watched_workers(out, again=lambda pid: journal.keep_only(out, pid=pid)):
        executor.run()


class EndsWithStage:
    """The block that comes first where several engines share a machine: none of them outlives the stage."""

    def __init__(self) -> None:
        self.stage = os.getpid()

    def __call__(self, data: object, rank: int, world_size: int) -> None:
        """Tie this engine to the process of the stage, which keeps secrets out of its logs as well."""
        redact_output()
        redact_task_logs()
        die_with_parent(self.stage)


class OwnGpus:
    """The block that comes next where they have GPUs: it leaves each engine only its own GPUs."""

    def __init__(self, gpus: list[str]) -> None:
        self.gpus = gpus

    def __call__(self, data: object, rank: int, world_size: int) -> None:
        """Set CUDA_VISIBLE_DEVICES before anything asks for a GPU."""
        os.environ["CUDA_VISIBLE_DEVICES"] = self.gpus[rank]


def gpus_of_engines(runtime: "Runtime", engines: int) -> list[str]:
    """What CUDA_VISIBLE_DEVICES is for each engine of this machine; nothing where it has no GPU.

    Raises:
        StageError: If there are fewer GPUs than the engines need.
    """
    names, each = visible_gpus(), runtime.tensor_parallel
    if not names:
        return []
    if len(names) < engines * each:
        raise StageError(
            f"runtime.engines {engines} with runtime.tensor_parallel {each} need {engines * each} GPUs; there are only "
            f"{len(names)} ({', '.join(names)}): set one of the two lower, or CUDA_VISIBLE_DEVICES to more"
        )
    return [",".join(names[rank * each : (rank + 1) * each]) for rank in range(engines)]
