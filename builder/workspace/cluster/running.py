"""Run the processes of a job on a cluster until every part is done, however often some of them die."""

import sys
import time
from pathlib import Path
from typing import Protocol

from builder.errors import StageError
from builder.workspace.cluster.job import WAITING, Job, rank_folder
from builder.workspace.cluster.ray_cluster import RayCluster
from builder.workspace.cluster.remote import ENDED, FAILED, errors_of, has_failed, notes_of
from builder.workspace.cluster.slurm_cluster import SlurmCluster
from builder.workspace.limits.deadline import is_over
from builder.workspace.processes import last_words
from builder.workspace.progress import Progress, read_progress

GRACE_SECONDS = 30.0
"""How long a shared file system may take to show what another machine has written."""
_LOOK_SECONDS = 1.0


class Cluster(Protocol):
    """Where the processes run."""

    def clear(self) -> None:
        """End what an earlier run of the stage has left there."""

    def run(self, ranks: list[int]) -> None:
        """Run these processes and return when all of them have ended, however they ended."""

    def log(self, rank: int) -> Path:
        """Where the output of a process is."""


def run_on_cluster(job: Job, processes: int) -> None:
    """Run processes until every part is done, or the stage has to stop; those that die are started again.

    Raises:
        StageError: If a process says that it cannot go on, or processes die again and again and nothing gets done.
    """
    cluster, deaths = cluster_of(job), 0
    cluster.clear()  # before anything is free for others to take
    while before := job.parts.left():
        ranks, known = list(range(min(processes, before))), job.parts.found()
        job.parts.free()
        _announce(job.out, ranks, processes)
        cluster.run(ranks)
        _await_files(job, ranks)
        if errors := errors_of(job.out):
            raise StageError(errors[0])
        if is_over(job.out):
            return
        noted = job.parts.note_deaths()
        left = job.parts.left()
        deaths = 0 if left < before or job.parts.found() > known else deaths + 1
        if left and (deaths > job.runtime.restarts or (deaths and not noted)):
            raise StageError(_last_seen(cluster, job, ranks))
        if left:
            sys.stderr.write(f"{left} parts are missing: {job.called}s are started again\n")


def cluster_of(job: Job) -> Cluster:
    """The cluster that `runtime.executor` names."""
    return RayCluster(job) if job.runtime.executor == "ray" else SlurmCluster(job)


def _announce(out: Path, ranks: list[int], processes: int) -> None:
    """Leave a progress file for every process: nobody but it writes it from now on."""
    for path in (out / "logs" / "engines").glob(f"*/{ENDED}"):
        path.unlink()
    (out / FAILED).unlink(missing_ok=True)
    for rank in range(processes):
        folder = rank_folder(rank)
        if rank in ranks:
            Progress(out, WAITING, folder=folder)
        elif read_progress(out, folder) is None:
            Progress(out, "rows", folder=folder).finish()


def _await_files(job: Job, ranks: list[int]) -> None:
    """Wait for what is written to be seen here, but not for what a process that has died has left undone."""
    end, out = time.monotonic() + GRACE_SECONDS, job.out
    while time.monotonic() < end and job.parts.left() and not has_failed(out) and not is_over(out):
        died = notes_of(out)
        if died and all(rank in died or _has_finished(out, rank) for rank in ranks):
            return
        time.sleep(_LOOK_SECONDS)


def _has_finished(out: Path, rank: int) -> bool:
    """Whether a process has found nothing more to do."""
    seen = read_progress(out, rank_folder(rank))
    return seen is not None and seen.unit != WAITING and seen.done == seen.total


def _last_seen(cluster: Cluster, job: Job, ranks: list[int]) -> str:
    """What is known of the first process that has not come to its end."""
    died = notes_of(job.out)
    rank = next((rank for rank in ranks if rank in died or not _has_finished(job.out, rank)), ranks[0])
    how = died.get(rank, {}).get("died", "its task ended before its work was done")
    if rank not in died and job.runtime.executor == "slurm":
        how += " (where memory ran out, runtime.slurm.mem_per_cpu_gb has to be more)"
    log = cluster.log(rank)
    return f"{job.called} {rank}: {how}; what is done stays. See {log}{last_words(log)}"
