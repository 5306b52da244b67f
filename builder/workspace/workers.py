"""Worker processes of a stage: none outlives it, and none dies unseen, as a pool waits for ever for a killed one."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from builder.data.storage import write_json
from builder.workspace.failures import EXIT_AGAIN, EXIT_UNWRITABLE, died
from builder.workspace.layout import RESULT
from builder.workspace.processes import die_with_parent
from builder.workspace.progress import polled

_POLL_SECONDS = 0.2
_MANAGER = "SyncManager"
"""What the name of the process begins with that holds the queues of a pool, and is the last of it to end."""
_forking = {"tied": False, "parent": 0}


def watched_workers(out: Path, *, again: Callable[[int], None] | None = None) -> AbstractContextManager[None]:
    """End this process as soon as a process that it has started dies, with the reason in the result file.

    What the other workers have finished stays; the same command goes on from there.

    Args:
        out: The stage folder.
        again: Called with the id of the process that died, before this one asks to be started again; without it, this
            process gives up.
    """
    known: dict[int, Any] = {}

    def look() -> None:
        from multiprocess import active_children  # datatrove's fork of multiprocessing

        before = len(known)
        known.update({process.pid: process for process in active_children()})
        # At its end a pool terminates its workers. One that has lost a worker before starts another in its place.
        replaced = bool(before) and len(known) > before
        working = any(process.exitcode is None for process in known.values())
        for pid, process in known.items():
            terminated = process.exitcode == -signal.SIGTERM
            expected = not replaced and not (working and process.name.startswith(_MANAGER))
            if not process.exitcode or (terminated and expected):
                continue
            if again is not None:
                again(pid)
                os._exit(EXIT_AGAIN)
            _end(out, process.exitcode)

    return polled(look, _POLL_SECONDS, name="workers")


def _end(out: Path, code: int) -> None:
    message = died(code).replace("the child process", "a worker process")
    advice = "; fewer runtime.workers need less" if code == -signal.SIGKILL else ""
    try:
        write_json(out / RESULT, {"error": message + advice, "exit_code": 1})
    except OSError:
        os._exit(EXIT_UNWRITABLE)
    finally:
        os._exit(1)


@contextmanager
def forks_end_with_us() -> Iterator[None]:
    """Let the kernel end what is forked in here when this process ends, however it does.

    datatrove's workers would otherwise go on with their task, in a folder where the next run writes as well.
    """
    _tie_forks()
    _forking["tied"] = True
    try:
        yield
    finally:
        _forking["tied"] = False


@lru_cache(maxsize=1)
def _tie_forks() -> None:
    def note_parent() -> None:
        _forking["parent"] = os.getpid()

    def tie() -> None:
        if _forking["tied"]:
            die_with_parent(_forking["parent"])

    os.register_at_fork(before=note_parent, after_in_child=tie)
