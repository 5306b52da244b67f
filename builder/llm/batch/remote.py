"""Engines in processes that the stage has not started itself: the tasks of Ray and of Slurm.

Neither of the two says reliably what has become of a task, so the files of the stage do: a chunk that is written, what
an engine says of its end, and what it had in hand.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from builder.data.redaction import redact_output, redact_task_logs, redacted, trace
from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.llm.batch.work import WAITING, rank_folder
from builder.workspace.environment import remote_environment
from builder.workspace.failures import died, explain
from builder.workspace.journal import found, note_deaths
from builder.workspace.limits.deadline import is_over
from builder.workspace.processes import die_with_parent, last_words
from builder.workspace.progress import PROGRESS_FILE, Progress, read_progress

if TYPE_CHECKING:
    from builder.llm.batch.block import AnswerRows
    from builder.llm.batch.chunks import Chunks
    from builder.recipe.sections.runtime import Runtime

ENDED = "ended.json"
"""What an engine that did not reach its end says, in its own folder below the stage's logs."""
GRACE_SECONDS = 30.0
"""How long a shared file system may take to show what another machine has written."""
_LOOK_SECONDS = 1.0


class Cluster(Protocol):
    """Where the engines run."""

    def run(self, ranks: list[int]) -> None:
        """Run these engines and return when all of them have ended, however they ended."""

    def log(self, rank: int) -> Path:
        """Where the engine's output is."""


class RemoteEngine:
    """The block that holds an engine on another machine, and leaves a note of how it ended where it did not finish.

    Args:
        step: The engine's own block.
        runtime: Threads of an engine.
        apart: Whether the engine gets a process of its own, because whoever started this one would not see it die.
    """

    def __init__(self, step: "AnswerRows", runtime: "Runtime", *, apart: bool) -> None:
        self.step, self.apart, self.folder = step, apart, str(Path.cwd())
        self.environment = remote_environment(runtime)

    def __call__(self, data: object, rank: int, world_size: int) -> None:
        """Run the engine of one task."""
        out = self.step.chunks.out
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
            raise RuntimeError(f"engine {rank} has ended with {code}")

    def _work(self, note: Path, rank: int, world_size: int) -> None:
        try:
            self.step.run(None, rank, world_size)
        except Exception as error:
            write_json(note, {"error": explain(error) or redacted(f"{type(error).__name__}: {error}")})
            raise


def run_on_cluster(cluster: Cluster, chunks: "Chunks", runtime: "Runtime", engines: int) -> None:
    """Run engines until every chunk is written, or the stage has to stop; those that die are started again.

    Raises:
        StageError: If an engine says that it cannot go on, or engines die again and again and nothing gets done.
    """
    deaths = 0
    while before := _left(chunks):
        ranks, known = list(range(min(engines, before))), found(chunks.out)
        chunks.free()
        _announce(chunks.out, ranks, engines)
        cluster.run(ranks)
        _await_files(chunks, ranks)
        if errors := _errors(chunks.out):
            raise StageError(errors[0])
        if is_over(chunks.out):
            return
        noted = note_deaths(chunks.out)
        left = _left(chunks)
        deaths = 0 if left < before or found(chunks.out) > known else deaths + 1
        if left and (deaths > runtime.restarts or (deaths and not noted)):
            raise StageError(_last_seen(cluster, chunks, ranks))
        if left:
            sys.stderr.write(f"{left} of {chunks.count} chunks are missing: the engines are started again\n")


def keep_waiting(out: Path, ranks: Iterable[int]) -> None:
    """Tell the watchdog that these engines stand still for no fault of their own."""
    for rank in ranks:
        with suppress(OSError):
            os.utime(out / rank_folder(rank) / PROGRESS_FILE)


def has_begun(out: Path, rank: int) -> bool:
    """Whether an engine has said anything since it was announced."""
    seen = read_progress(out, rank_folder(rank))
    return seen is not None and seen.unit != WAITING


def has_failed(out: Path) -> bool:
    """Whether an engine has said that the stage cannot go on."""
    return bool(_errors(out))


def _announce(out: Path, ranks: list[int], engines: int) -> None:
    """Leave a progress file for every engine: nobody but the engine writes it from now on."""
    for path in (out / "logs" / "engines").glob(f"*/{ENDED}"):
        path.unlink()
    for rank in range(engines):
        folder = rank_folder(rank)
        if rank in ranks:
            Progress(out, WAITING, folder=folder)
        elif read_progress(out, folder) is None:
            Progress(out, "rows", folder=folder).finish()


def _left(chunks: "Chunks") -> int:
    """How many chunks are still to be written."""
    return sum(not chunks.is_whole(number) for number in range(chunks.count))


def _await_files(chunks: "Chunks", ranks: list[int]) -> None:
    """Wait for what is written to be seen here, but not for what an engine that has died has left undone."""
    end = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < end and _left(chunks) and not has_failed(chunks.out) and not is_over(chunks.out):
        died = _notes(chunks.out)
        if died and all(rank in died or _has_finished(chunks.out, rank) for rank in ranks):
            return
        time.sleep(_LOOK_SECONDS)


def _has_finished(out: Path, rank: int) -> bool:
    """Whether an engine has found nothing more to do."""
    seen = read_progress(out, rank_folder(rank))
    return seen is not None and seen.unit != WAITING and seen.done == seen.total


def _errors(out: Path) -> list[str]:
    return [note["error"] for note in _notes(out).values() if "error" in note]


def _notes(out: Path) -> dict[int, dict[str, str]]:
    notes = sorted((out / "logs" / "engines").glob(f"*/{ENDED}"))
    return {int(path.parent.name): read_json(path) for path in notes}


def _last_seen(cluster: Cluster, chunks: "Chunks", ranks: list[int]) -> str:
    """What is known of the first engine that has not come to its end."""
    died = _notes(chunks.out)
    rank = next((rank for rank in ranks if rank in died or not _has_finished(chunks.out, rank)), ranks[0])
    how = died.get(rank, {}).get("died", "its task ended before its work was done")
    log = cluster.log(rank)
    return f"engine {rank}: {how}; what is done stays. See {log}{last_words(log)}"


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
