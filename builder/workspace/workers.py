"""Workers of a stage or a command: none outlives it, none dies unseen, as a pool waits for ever for a killed one."""

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar, cast

from builder.data.storage import write_json
from builder.workspace.failures import EXIT_AGAIN, EXIT_UNWRITABLE, died
from builder.workspace.layout import RESULT
from builder.workspace.processes import die_with_parent
from builder.workspace.progress import polled

T = TypeVar("T")
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5.0
"""So long a process may take to end when it is told to, before it is killed."""
_MANAGER = "SyncManager"
"""What the name of the process begins with that holds the queues of a pool, and is the last of it to end."""
_forking = {"tied": False, "parent": 0}


class WorkerDiedError(Exception):
    """A process has ended before its work was done, as one does that the system kills for want of memory."""


def in_own_process(work: Callable[[], T]) -> T:
    """Do some work in a fork, which leaves no memory behind, and ends when this process does or is interrupted.

    Raises:
        WorkerDiedError: If the process has died. What the work itself raises is raised here.
    """
    with beside(work) as answer:
        return answer()


@contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Do some work in a fork while this process goes on; see `in_own_process`.

    Yields:
        What waits for the work, and gives what it gives. Without being asked, the fork is ended.
    """
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send_what_comes, args=(work, theirs, os.getpid()))
    process.start()
    theirs.close()
    answered = False

    def answer() -> T:
        nonlocal answered
        try:
            found, error = pickle.loads(ours.recv_bytes())
        except EOFError as ended:
            raise WorkerDiedError("a process has died") from ended
        answered = True
        if error is not None:
            raise error
        return cast("T", found)

    try:
        yield answer
    finally:
        ours.close()
        if not answered:
            process.terminate()
        process.join(_GRACE_SECONDS)
        process.kill()
        process.join()


def _send_what_comes(work: Callable[[], Any], pipe: Connection, parent: int) -> None:
    """What the fork does; an interrupt is its parent's to tell."""
    die_with_parent(parent)
    with suppress(KeyboardInterrupt, BrokenPipeError), pipe:
        try:
            with forks_end_with_us():
                answer = pickle.dumps((work(), None))
        except Exception as error:
            error.add_note(traceback.format_exc())
            answer = _packed(error)
        pipe.send_bytes(answer)


def _packed(error: Exception) -> bytes:
    """An error to be raised elsewhere; one that cannot be made anew there is told in words."""
    try:
        pickle.loads(packed := pickle.dumps((None, error)))
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
    return packed


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
    before, _forking["tied"] = _forking["tied"], True
    try:
        yield
    finally:
        _forking["tied"] = before


@lru_cache(maxsize=1)
def _tie_forks() -> None:
    def note_parent() -> None:
        _forking["parent"] = os.getpid()

    def tie() -> None:
        if _forking["tied"]:
            die_with_parent(_forking["parent"])

    os.register_at_fork(before=note_parent, after_in_child=tie)
