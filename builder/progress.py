"""Progress of a stage, written by the child process into a small file that its parent watches."""

import json
import time
from pathlib import Path

PROGRESS_FILE = "progress.json"


class Progress:
    """Tells the parent how far a stage is; at most one write a second.

    The file survives any launcher between the two processes, and its changes are what the watchdog looks at.
    """

    def __init__(self, out: Path, unit: str, total: int | None = None) -> None:
        self.path = out / "logs" / PROGRESS_FILE
        self.unit, self.total, self.done = unit, total, 0
        self._written = 0.0
        self._write()

    def advance(self, rows: int = 1) -> None:
        """Count `rows` more as done."""
        self.done += rows
        if time.monotonic() - self._written >= 1 or self.done == self.total:
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        temporary = self.path.with_name(f".{PROGRESS_FILE}.tmp")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"done": self.done, "total": self.total, "unit": self.unit}))
        temporary.replace(self.path)


def read_progress(out: Path) -> tuple[int, int | None, str] | None:
    """Rows done, rows in all if known, and their unit; None before the stage has said anything."""
    try:
        value = json.loads((out / "logs" / PROGRESS_FILE).read_text())
        return int(value["done"]), value["total"], str(value["unit"])
    except (OSError, ValueError, KeyError):
        return None
