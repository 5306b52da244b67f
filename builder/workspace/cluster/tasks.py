"""The tasks of a datatrove pipeline, in processes of this machine or of a cluster."""

import copy
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import TimeIsUp
from builder.workspace.cluster.job import Job, Taken, rank_folder
from builder.workspace.layout import WORKERS
from builder.workspace.progress import Progress
from builder.workspace.workers import forks_end_with_us, watched_workers

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime


@dataclass(repr=False)  # datatrove would log it with all files of the input, for each worker
class Tasks:
    """The tasks of one pipeline; marks as datatrove sets them say which are done.

    Attributes:
        out: The stage folder.
        logs: Of datatrove; its marks of tasks that are done are there.
        blocks: The pipeline.
        count: How many tasks there are.
        around: What a process enters before its first task and leaves behind its last one.
    """

    out: Path
    logs: Path
    blocks: Sequence[Any]
    count: int
    around: Callable[[], AbstractContextManager[object]] = nullcontext

    def run(self, runtime: "Runtime") -> None:
        """Run those that are not done, in at most `runtime.workers` processes, each of which takes one after the other.

        Raises:
            StageError: If a cluster cannot be asked, or tasks fail there again and again.
            TimeIsUp: If the stage has to stop before all are done.
        """
        workers = min(runtime.workers, self.left())
        if not workers:
            return
        if runtime.executor == "local":
            from datatrove.executor.local import LocalPipelineExecutor

            self.free()
            logs = str(self.out / WORKERS)
            # The kernel can end forks with this process; the marks of tasks say what is done.
            executor = LocalPipelineExecutor(
                [self._work_here], workers, workers, logs, skip_completed=False, start_method="fork"
            )
            with forks_end_with_us(), watched_workers(self.out):
                executor.run()
            self.free()
            return
        from builder.workspace.cluster.running import run_on_cluster

        run_on_cluster(Job(self.out, self.work, self, runtime, called="worker", cpus=1), workers)
        if self.left():
            raise TimeIsUp("stopped between two tasks")
        self.free()

    def work(self, data: None, rank: int, world_size: int) -> None:
        """Run one task after the other that nobody else has; what a process of a cluster does."""
        progress = Progress(self.out, "tasks", folder=rank_folder(rank))
        self._work(rank, progress.advance)
        progress.finish()

    def _work_here(self, data: None, rank: int, world_size: int) -> None:
        """The same on this machine, where the stage itself tells how far it is."""
        self._work(rank, lambda: None)

    def _work(self, rank: int, advance: Callable[[], object]) -> None:
        # A child of a worker that is killed would hold the line to Ray open, which then takes the worker for alive.
        with forks_end_with_us(), self.around():
            for number in sorted(self._missing()):
                if not self._mark(number).is_file() and self._taken.take(number, rank):
                    self._run_task(number)
                    advance()

    def _run_task(self, number: int) -> None:
        """Pipe data through the blocks, as datatrove's executors do, but for logs and figures of each task.

        These take them longer than a small task does.
        """
        from datatrove.pipeline.base import PipelineStep

        data: Any = None
        for block in self.blocks:
            # Steps of datatrove add up what they have done, and some keep what they have seen.
            own = copy.deepcopy(block) if isinstance(block, PipelineStep) else block
            data = own(data, number, self.count)
        if data is not None:
            deque(data, maxlen=0)
        self._mark(number).parent.mkdir(parents=True, exist_ok=True)
        self._mark(number).touch()

    def left(self) -> int:
        """See `Parts`."""
        return len(self._missing())

    def free(self) -> None:
        """See `Parts`."""
        self._taken.free()

    def note_deaths(self) -> bool:
        """See `Parts`; nothing is kept of it, as a task that dies is only tried again."""
        lost = self._taken.parts() & self._missing()
        if lost:
            sys.stderr.write(f"not finished: {', '.join(f'task {number}' for number in sorted(lost))}\n")
        return bool(lost)

    def found(self) -> int:
        """See `Parts`."""
        return 0

    def _mark(self, number: int) -> Path:
        return self.logs / "completions" / f"{number:05d}"

    def _missing(self) -> set[int]:
        marks = self.logs / "completions"
        done = {int(mark.name) for mark in marks.iterdir()} if marks.is_dir() else set()
        return set(range(self.count)) - done

    @property
    def _taken(self) -> Taken:
        return Taken(self.logs / "taken")
