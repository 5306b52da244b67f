"""Progress of a stage, written by the child process into a small file that its parent watches."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROGRESS_FILE = "progress.json"


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
        temporary.write_text(json.dumps({"done": self.done, "total": self.total, "unit": self.unit}))
        temporary.replace(self.path)


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
        value = json.loads(path.read_text())
        return Seen(int(value["done"]), value["total"], str(value["unit"]), path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        return None
