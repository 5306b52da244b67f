"""What a running stage tells its parent: how far it is, and at once what the user should know of it."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from builder.data.storage import read_json, write_json

PROGRESS_FILE = "progress.json"
NOTICES = "logs/notices.json"
STARTING = "starting the engine"
T = TypeVar("T")


class Progress:
    """Tells the parent how far a stage is; at most one write a second, but for a new phase.

    The file survives any launcher between the two processes, and its changes are what the watchdog looks at.

    Args:
        out: The stage folder.
        unit: What a row is.
        total: Rows in all, if known.
        folder: Where the file goes, below the stage folder.
        before: Rows that earlier runs have done; they count as done, and not for the rate of this run.
        phase: What goes on before the first row, such as the start of an engine.
    """

    def __init__(
        self, out: Path, unit: str, total: int | None = None, *, folder: str = "logs", before: int = 0, phase: str = ""
    ) -> None:
        self.path = out / folder / PROGRESS_FILE
        self.unit, self.total, self.done = unit, total, before
        self._told: dict[str, Any] = {"before": before, "phase": phase}
        self._hand, self._news = _InHand(), False
        self._written = 0.0
        self._write()

    def advance(self, rows: int = 1) -> None:
        """Count `rows` more as done; nothing done is no sign of life."""
        if not rows:
            return
        self.done += rows
        self._hand = _InHand()
        self._told |= {"phase": "", "doing": 0}
        if time.monotonic() - self._written >= 1 or self.done == self.total:
            self._write()

    def tell(self, **told: Any) -> None:
        """Say more of the stage: `phase`, `kept`, `failed`, `judged`, `doing`, `before`, `note`; see `Seen`."""
        changed = {key for key, value in told.items() if self._told.get(key) != value}
        self._told |= told
        self._news |= bool(changed)
        if "phase" in changed or (changed and time.monotonic() - self._written >= 1):
            self._write()

    def hold(self, rows: int) -> None:
        """Take `rows` in hand: they are done when `advance` says so, and as far as their requests are answered."""
        self._hand = _InHand(rows)
        self._told["doing"] = 0

    def asked(self, requests: int) -> None:
        """Count requests about the rows in hand; what comes before them, such as the start of an engine, is over."""
        self._hand.asked += requests
        self.tell(phase="")

    def answered(self, requests: int = 1) -> None:
        """Count requests about the rows in hand as answered."""
        self._hand.answered += requests
        self._news = True
        if time.monotonic() - self._written >= 1:
            self._write()

    def beat(self) -> None:
        """Tell that something moves, although no row is done yet."""
        if time.monotonic() - self._written < 1:
            return
        if self._news:
            self._write()
        else:
            self._written = time.monotonic()
            with suppress(OSError):
                os.utime(self.path)

    def finish(self) -> None:
        """Tell that what is done is all there is to do."""
        self.total = self.done
        self._told |= {"phase": "", "doing": 0}
        self._write()

    def _write(self) -> None:
        self._written, self._news = time.monotonic(), False
        if self._hand.rows:
            self._told["doing"] = self._hand.rows_done()
        temporary = self.path.with_name(f".{PROGRESS_FILE}.tmp")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        value = {"done": self.done, "total": self.total, "unit": self.unit, **self._told}
        temporary.write_text(json.dumps(value), encoding="ascii")
        temporary.replace(self.path)


@dataclass
class _InHand:
    """Rows that an engine works on, and how many of the requests about them are answered."""

    rows: int = 0
    asked: int = 0
    answered: int = 0
    _most: int = 0

    def rows_done(self) -> int:
        """As many as requests are answered, in proportion; never fewer than before, as more may be asked later."""
        share = min(1.0, self.answered / max(1, self.asked))
        self._most = max(self._most, int(self.rows * share))
        return self._most


_TELLING: ContextVar[Progress | None] = ContextVar("telling", default=None)


@contextmanager
def telling(progress: Progress) -> Iterator[None]:
    """Let whatever is called in here tell of phases and requests, without being handed the progress."""
    token = _TELLING.set(progress)
    try:
        yield
    finally:
        _TELLING.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Tell that a stage does something other than rows, such as `loading the model`, as long as the block runs."""
    announce(name)
    yield
    announce("")


def announce(name: str) -> None:
    """Tell that a stage does something other than rows until it tells something else, in another process too."""
    if (progress := _TELLING.get()) is not None:
        progress.tell(phase=name)


def asked(requests: int) -> None:
    """Tell that an engine is asked for so many answers about the rows in hand."""
    if (progress := _TELLING.get()) is not None:
        progress.asked(requests)


def answered(requests: int = 1) -> None:
    """Tell that so many of them are there."""
    if (progress := _TELLING.get()) is not None:
        progress.answered(requests)


def passing(items: Iterable[T]) -> Iterator[T]:
    """The items, each told of as a request that is answered when the next one is asked for."""
    every = list(items)
    asked(len(every))
    for item in every:
        yield item
        answered()


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
        before: Of the rows done, those of earlier runs.
        doing: Rows beyond these that are done and not written yet.
        kept: Of the `judged` ones, how many go on; None where it is not known yet.
        failed: How many could not be done.
        judged: Rows, or pairs, of which this run knows what becomes of them.
        phase: What goes on where it is no row, such as `loading the model`.
        note: What else there is to say, such as a loss.
    """

    done: int
    total: int | None
    unit: str
    at: int
    before: int = 0
    doing: int = 0
    kept: int | None = None
    failed: int = 0
    judged: int = 0
    phase: str = ""
    note: str = ""


_MORE = Seen._fields[4:]
"""What a file of an earlier version does not say."""


def read_progress(out: Path, folder: str = "logs") -> Seen | None:
    """How far a stage is; None before it has said anything."""
    path = out / folder / PROGRESS_FILE
    try:
        value = json.loads(path.read_text(encoding="ascii"))
        more = {key: value[key] for key in _MORE if key in value}
        return Seen(int(value["done"]), value["total"], str(value["unit"]), path.stat().st_mtime_ns, **more)
    except (OSError, ValueError, KeyError):
        return None


def forget_progress(out: Path) -> None:
    """Remove what an earlier run of a stage has told, so that nobody takes it for this one's."""
    (out / "logs" / PROGRESS_FILE).unlink(missing_ok=True)


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
