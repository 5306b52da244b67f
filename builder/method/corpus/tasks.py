"""The files that one task of the segments stage leaves, and when they may be relied on.

datatrove marks a task as completed by an empty file that knows nothing of the settings, the input, or whether the
output is still there. Here a task is whole when its data, its rejected rows and its counts are, and the counts
carry the mark of this very run; datatrove's marks are set by that.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from builder.data.accounting import Counts
from builder.data.storage import is_parquet, parquet_files, read_json, write_json
from builder.errors import StageError
from builder.workspace.finished.inventory import file_state, is_unchanged
from builder.workspace.progress import Progress, beating, polled

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class TaskFiles:
    """Where the tasks of one run write.

    Attributes:
        out: Stage folder.
        mark: Fingerprint of settings and input, kept with the counts of every task.
        tasks: How many there are.
    """

    out: Path
    mark: str
    tasks: int

    @property
    def logs(self) -> Path:
        """The folder datatrove logs to."""
        return self.out / "logs" / "datatrove"

    def data(self, rank: int) -> Path:
        """Segments of a task."""
        return self.out / "data" / f"{rank:05d}.parquet"

    def rejected(self, rank: int) -> Path:
        """Rejected pages and segments of a task."""
        return self.out / "rejected" / f"{rank:05d}.parquet"

    def counts(self, rank: int) -> Path:
        """Counts of a task; written last."""
        return self.out / "logs" / "tasks" / f"{rank:05d}.json"

    def ticks(self, rank: int) -> Path:
        """How many pages a running task has done."""
        return self.out / "logs" / "tasks" / f"{rank:05d}.pages"

    def is_whole(self, rank: int, beat: Callable[[], None] = lambda: None) -> bool:
        """Whether a task has left all its files in a run with the same mark, and they still are what they were then.

        Of a task that was done before files were noted, they are looked at for whether they can be opened.
        """
        files = {"data": self.data(rank), "rejected": self.rejected(rank)}
        if not all(file.is_file() for file in (*files.values(), self.counts(rank))):
            return False
        try:
            left = dict(read_json(self.counts(rank)))
        except (StageError, TypeError, ValueError):
            return False
        if left.get("mark") != self.mark:
            return False
        if "files" not in left:
            return all(map(is_parquet, files.values()))
        noted = left["files"] if isinstance(left["files"], dict) else {}
        return all(is_unchanged(file, noted.get(name), beat) for name, file in files.items())

    def prepare(self) -> list[int]:
        """Make datatrove's marks and the folder agree with what is whole; return the tasks still to do."""
        own = {self.data(rank) for rank in range(self.tasks)} | {self.rejected(rank) for rank in range(self.tasks)}
        for stale in {*parquet_files(self.out / "data"), *parquet_files(self.out / "rejected")} - own:
            stale.unlink()
        beat = beating(self.out)
        missing = [rank for rank in range(self.tasks) if not self.is_whole(rank, beat)]
        completions = self.logs / "completions"
        completions.mkdir(parents=True, exist_ok=True)
        for rank in range(self.tasks):
            completed = completions / f"{rank:05d}"
            if rank in missing:
                completed.unlink(missing_ok=True)
                self.ticks(rank).unlink(missing_ok=True)
            else:
                completed.touch()
        return missing

    def finish(self, rank: int, counts: dict[str, Counts], details: dict[str, Any]) -> None:
        """Write the counts of a task and what its files are, which makes it whole."""
        value = {kind: item.as_dict() for kind, item in counts.items()}
        files = {"data": file_state(self.data(rank)), "rejected": file_state(self.rejected(rank))}
        write_json(self.counts(rank), {"mark": self.mark, "counts": value, "details": details, "files": files})

    def results(self) -> Iterator[dict[str, Any]]:
        """What `finish` has written, task by task."""
        for rank in range(self.tasks):
            yield read_json(self.counts(rank))

    def ticked(self) -> Callable[[], "Ticked"]:
        """What gives what all tasks have done so far, with those of earlier runs that are whole.

        It is asked twice a second: files of tasks that are done are read once.
        """
        final = dict[str, Ticked]()

        def total() -> Ticked:
            done = self._completed()
            names = {path.stem for path in self.ticks(0).parent.glob("*.pages")}
            running = {name: self._ticks(name) for name in names - final.keys()}
            final.update({name: ticks for name, ticks in running.items() if name in done})
            return Ticked(*map(sum, zip(*(final | running).values(), strict=True))) if names else Ticked(0)

        return total

    def _ticks(self, name: str) -> "Ticked":
        text = self.ticks(int(name)).read_text(encoding="ascii")
        return Ticked(*map(int, text.split()))  # files of earlier versions have the pages alone

    def tasks_done(self) -> int:
        """How many tasks are done."""
        return len(self._completed())

    def _completed(self) -> set[str]:
        completions = self.logs / "completions"
        return {mark.name for mark in completions.iterdir()} if completions.is_dir() else set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Tell the progress of the workers to whoever watches the stage."""
        ticked = self.ticked()
        progress = Progress(self.out, "pages", before=ticked().pages)

        def look() -> None:
            pages, *others = ticked()
            told = dict(zip(Ticked._fields[1:], others, strict=True)) if pages > progress.done else {}
            progress.tell(**told, note=f"{self.tasks_done():,} of {self.tasks:,} tasks")
            progress.advance(pages - progress.done)

        with polled(look, _POLL_SECONDS, name="progress"):
            yield
        progress.finish()


class Ticked(NamedTuple):
    """How far a task is: pages, segments that stay, of how many segments, and pages that could not be read."""

    pages: int
    kept: int = 0
    judged: int = 0
    failed: int = 0


class Ticker:
    """Writes what a task has done to a file, at most once a second."""

    def __init__(self, path: Path) -> None:
        self.path, self.done, self._written = path, Ticked(0), time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)

    def tick(self, kept: int = 0, judged: int = 0, failed: int = 0) -> None:
        """Count one page, and say what the task has come to with it; see `Ticked`."""
        self.done = Ticked(self.done.pages + 1, kept, judged, failed)
        if time.monotonic() - self._written >= 1:
            self.flush()

    def flush(self) -> None:
        """Write the number now."""
        self._written = time.monotonic()
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(" ".join(map(str, self.done)), encoding="ascii")
        temporary.replace(self.path)
