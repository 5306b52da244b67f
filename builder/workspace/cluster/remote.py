"""Work in processes that the stage has not started itself: the tasks of Ray and of Slurm.

Neither of the two says reliably what has become of a task, so the files of the stage do: a part that is written, what
a process says of its end, and what it had in hand.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from builder.data.redaction import redact_output, redact_task_logs, redacted, trace
from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.workspace.cluster.job import WAITING, Job, rank_folder
from builder.workspace.environment import remote_environment
from builder.workspace.failures import died, explain
from builder.workspace.limits.deadline import is_over
from builder.workspace.processes import die_with_parent, last_words
from builder.workspace.progress import PROGRESS_FILE, Progress, read_progress

ENDED = "ended.json"
"""What a process that did not reach its end says, in its own folder below the stage's logs."""
GRACE_SECONDS = 30.0
"""How long a shared file system may take to show what another machine has written."""
_LOOK_SECONDS = 1.0


class Cluster(Protocol):
    """Where the processes run."""

    def run(self, ranks: list[int]) -> None:
        """Run these processes and return when all of them have ended, however they ended."""

    def log(self, rank: int) -> Path:
        """Where the output of a process is."""


class RemoteWork:
    """The block that holds the work of a process, and leaves a note of how it ended where it did not finish.

    Args:
        job: What it works on.
        apart: Whether the work gets a process of its own, because whoever started this one would not see it die.
    """

    def __init__(self, job: Job, *, apart: bool) -> None:
        self.work, self.out, self.called = job.work, job.out, job.called
        self.apart, self.folder = apart, str(Path.cwd())
        self.environment = remote_environment(job.runtime)

    def __call__(self, data: object, rank: int, world_size: int) -> None:
        """Do the work of one process."""
        out = self.out
        if not out.is_dir():
            raise StageError(f"{out} is not there on {os.uname().nodename}; all machines must share the work directory")
        redact_output()
        redact_task_logs()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        note = out / rank_folder(rank) / ENDED
        if not self.apart:
            self._work(note, rank, world_size)
            return
        die_with_parent()
        code = _in_own_process(lambda: self._work(note, rank, world_size), stop=lambda: has_failed(out))
        if code < 0 and not note.is_file():
            write_json(note, {"died": died(code).replace("the child process", "its process")})
        if code:
            raise RuntimeError(f"{self.called} {rank} has ended with {code}")

    def _work(self, note: Path, rank: int, world_size: int) -> None:
        try:
            self.work(None, rank, world_size)
        except Exception as error:
            write_json(note, {"error": explain(error) or redacted(f"{type(error).__name__}: {error}")})
            raise


def run_on_cluster(job: Job, processes: int) -> None:
    """Run processes until every part is done, or the stage has to stop; those that die are started again.

    Raises:
        StageError: If a process says that it cannot go on, or processes die again and again and nothing gets done.
    """
    cluster, deaths = cluster_of(job), 0
    while before := job.parts.left():
        ranks, known = list(range(min(processes, before))), job.parts.found()
        job.parts.free()
        _announce(job.out, ranks, processes)
        cluster.run(ranks)
        _await_files(job, ranks)
        if errors := _errors(job.out):
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
    from builder.workspace.cluster.ray_cluster import RayCluster
    from builder.workspace.cluster.slurm_cluster import SlurmCluster

    return RayCluster(job) if job.runtime.executor == "ray" else SlurmCluster(job)


def keep_waiting(out: Path, waiting: Sequence[int], ranks: Sequence[int]) -> None:
    """Tell the watchdog that some of the processes stand still for no fault of their own, and if all do, the stage."""
    folders = [*map(rank_folder, waiting), *(["logs"] if len(waiting) == len(ranks) else [])]
    for folder in folders:
        with suppress(OSError):
            os.utime(out / folder / PROGRESS_FILE)


def has_begun(out: Path, rank: int) -> bool:
    """Whether a process has said anything since it was announced."""
    seen = read_progress(out, rank_folder(rank))
    return seen is not None and seen.unit != WAITING


def has_failed(out: Path) -> bool:
    """Whether a process has said that the stage cannot go on."""
    return bool(_errors(out))


def _announce(out: Path, ranks: list[int], processes: int) -> None:
    """Leave a progress file for every process: nobody but it writes it from now on."""
    for path in (out / "logs" / "engines").glob(f"*/{ENDED}"):
        path.unlink()
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
        died = _notes(out)
        if died and all(rank in died or _has_finished(out, rank) for rank in ranks):
            return
        time.sleep(_LOOK_SECONDS)


def _has_finished(out: Path, rank: int) -> bool:
    """Whether a process has found nothing more to do."""
    seen = read_progress(out, rank_folder(rank))
    return seen is not None and seen.unit != WAITING and seen.done == seen.total


def _errors(out: Path) -> list[str]:
    return [note["error"] for note in _notes(out).values() if "error" in note]


def _notes(out: Path) -> dict[int, dict[str, str]]:
    notes = sorted((out / "logs" / "engines").glob(f"*/{ENDED}"))
    return {int(path.parent.name): read_json(path) for path in notes}


def _last_seen(cluster: Cluster, job: Job, ranks: list[int]) -> str:
    """What is known of the first process that has not come to its end."""
    died = _notes(job.out)
    rank = next((rank for rank in ranks if rank in died or not _has_finished(job.out, rank)), ranks[0])
    how = died.get(rank, {}).get("died", "its task ended before its work was done")
    log = cluster.log(rank)
    return f"{job.called} {rank}: {how}; what is done stays. See {log}{last_words(log)}"


def _in_own_process(work: Callable[[], None], *, stop: Callable[[], bool]) -> int:
    """Run `work` in a fork, which ends with this process or when `stop` says so; return its exit code."""
    here, pid = os.getpid(), os.fork()
    if pid == 0:
        code = 1
        try:
            die_with_parent(here)
            work()
            code = 0
        except BaseException as error:
            sys.stderr.write(trace(error))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if stop():
            os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_SECONDS)
