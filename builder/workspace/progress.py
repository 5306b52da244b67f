"""What a running stage tells its parent: how far it is, and at once what the user should know of it."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from builder.data.storage import read_json, write_json

PROGRESS_FILE = "progress.json"
NOTICES = "logs/notices.json"


class Progress:
    """Tells the parent how far a stage is; at most one write a second.

    The file survives any launcher between the two processes, and its changes are what the watchdog looks at.
    """

    def __init__(self, out: Path, unit: str, total: int | None = None, *, folder: str = "logs") -> None:
        self.path = out / folder / PROGRESS_FILE
        self.unit, self.total, self.done = unit, total, 0
        self._written = 0.0
        self._write()

    def advance(self, rows: int = 1) -> None:
        """Count `rows` more as done; nothing done is no sign of life."""
        self.done += rows
        if not rows:
            return
        if time.monotonic() - self._written >= 1 or self.done == self.total:
            self._write()

    def beat(self) -> None:
        """Tell that something moves, although no row is done yet."""
        if time.monotonic() - self._written >= 1:
            self._written = time.monotonic()
            with suppress(OSError):
                os.utime(self.path)

    def finish(self) -> None:
        """Tell that what is done is all there is to do."""
        self.total = self.done
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        temporary = self.path.with_name(f".{PROGRESS_FILE}.tmp")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        value = {"done": self.done, "total": self.total, "unit": self.unit}
        temporary.write_text(json.dumps(value), encoding="ascii")
        temporary.replace(self.path)


def beating(out: Path) -> Callable[[], None]:
    """What a stage calls while it reads its own files again, so that it does not seem to stand still.

    What the stage has told of its rows stays; before it has told anything, that nothing is done.

    Args:
        out: The stage folder.
    """
    told = time.monotonic()

    def beat() -> None:
        nonlocal told
        if time.monotonic() - told < 1:
            return
        told = time.monotonic()
        if read_progress(out) is None:
            Progress(out, "rows")
        else:
            with suppress(OSError):
                os.utime(out / "logs" / PROGRESS_FILE)

    return beat


class Seen(NamedTuple):
    """What a progress file says, and when it was written or touched last.

    Attributes:
        done: Rows done.
        total: Rows in all, if known.
        unit: What a row is.
        at: Time of the last sign of life, in nanoseconds.
    """

    done: int
    total: int | None
    unit: str
    at: int


def read_progress(out: Path, folder: str = "logs") -> Seen | None:
    """How far a stage is; None before it has said anything."""
    path = out / folder / PROGRESS_FILE
    try:
        value = json.loads(path.read_text(encoding="ascii"))
        return Seen(int(value["done"]), value["total"], str(value["unit"]), path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        return None


def notice(out: Path, text: str) -> None:
    """Tell the user something about a running stage: in its log, and in a file that its parent looks at.

    Args:
        out: The stage folder.
        text: One sentence; the same one is told once.
    """
    told = read_notices(out)
    if text not in told:
        print(f"warning: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the child's log
        write_json(out / NOTICES, [*told, text])


def read_notices(out: Path) -> list[str]:
    """What a stage has told so far, the first thing first."""
    path = out / NOTICES
    return list(read_json(path)) if path.is_file() else []


@contextmanager
def polled(look: Callable[[], None], seconds: float, *, name: str) -> Iterator[None]:
    """Call `look` every `seconds` from a thread, and once more when the block has ended without an error.

    Args:
        look: What to do; its errors are not caught.
        seconds: The time between two calls.
        name: Of the thread.
    """
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(seconds):
            look()

    thread = threading.Thread(target=watch, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    look()
