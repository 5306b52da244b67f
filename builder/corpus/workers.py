"""Worker processes of a stage that die: a pool waits for ever for what a killed worker had in hand."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builder.child import RESULT
from builder.failures import EXIT_UNWRITABLE, died
from builder.storage import write_json

_POLL_SECONDS = 0.2
_ENDED_BY_THE_POOL = (0, -15)


@contextmanager
def watched_workers(out: Path) -> Iterator[None]:
    """End this process, with its reason in the result file, as soon as a process that it has forked dies.

    What the other workers have finished stays; the same command goes on from there.
    """
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(out, stop), name="workers", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _watch(out: Path, stop: threading.Event) -> None:
    from multiprocess import active_children  # datatrove's fork of multiprocessing

    known: dict[int, Any] = {}
    while not stop.wait(_POLL_SECONDS):
        codes = [process.exitcode for process in known.values()]
        killed = next((code for code in codes if code is not None and code not in _ENDED_BY_THE_POOL), None)
        if killed is not None:
            message = died(killed).replace("the child process", "a worker process")
            try:
                write_json(out / RESULT, {"error": f"{message}; fewer runtime.workers need less", "exit_code": 1})
            except OSError:
                os._exit(EXIT_UNWRITABLE)
            finally:
                os._exit(1)
        known |= {process.pid: process for process in active_children()}
