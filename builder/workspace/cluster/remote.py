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

from builder.data.redaction import redact_output, redact_task_logs, redacted, trace
from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.workspace.cluster.job import WAITING, Job, rank_folder
from builder.workspace.environment import remote_environment
from builder.workspace.failures import died, explain
from builder.workspace.processes import die_with_parent
from builder.workspace.progress import PROGRESS_FILE, read_progress

ENDED = "ended.json"
"""What a process that did not reach its end says, in its own folder below the stage's logs."""
FAILED = "logs/engines/failed"
"""Is there once one of them has said that the stage cannot go on: thousands may ask for it every second."""
_LOOK_SECONDS = 1.0


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
            (self.out / FAILED).touch()
            raise


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
    return (out / FAILED).is_file()


def errors_of(out: Path) -> list[str]:
    """What processes say that cannot go on."""
    return [note["error"] for note in notes_of(out).values() if "error" in note]


def notes_of(out: Path) -> dict[int, dict[str, str]]:
    """Of each process that did not reach its end the note of how it ended."""
    notes = sorted((out / "logs" / "engines").glob(f"*/{ENDED}"))
    return {int(path.parent.name): read_json(path) for path in notes}


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
