"""The tasks of a datatrove pipeline, in processes of this machine or of a cluster."""

import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import TimeIsUp
from builder.workspace.cluster.job import Job, Taken, rank_folder
from builder.workspace.progress import Progress
from builder.workspace.workers import forks_end_with_us, watched_workers

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime


def _nothing() -> None:
    pass


@dataclass
class Tasks:
    """The tasks of one pipeline; datatrove's marks say which are done.

    Attributes:
        out: The stage folder.
        logs: Of datatrove; its marks of tasks that are done are there.
        blocks: The pipeline.
        count: How many tasks there are.
        before: What a process does before its first task, such as imports that its children find done.
    """

    out: Path
    logs: Path
    blocks: Sequence[Any]
    count: int
    before: Callable[[], None] = _nothing

    def run(self, runtime: "Runtime") -> None:
        """Run those that are not done, in at most `runtime.workers` processes.

        Raises:
            StageError: If a cluster cannot be asked, or tasks fail there again and again.
            TimeIsUp: If the stage has to stop before all are done.
        """
        workers = min(runtime.workers, self.left())
        if not workers:
            return
        if runtime.executor == "local":
            self.before()
            executor = self._executor(workers, start_method="fork")  # the kernel can end forks with this process
            with forks_end_with_us(), watched_workers(self.out):
                executor.run()
            return
        from builder.workspace.cluster.running import run_on_cluster

        run_on_cluster(Job(self.out, self.work, self, runtime, called="worker", cpus=1), workers)
        if self.left():
            raise TimeIsUp("stopped between two tasks")

    def work(self, data: None, rank: int, world_size: int) -> None:
        """Run one task after the other that nobody else has; what a process of a cluster does."""
        progress = Progress(self.out, "tasks", folder=rank_folder(rank))
        self.before()
        for number in sorted(self._missing()):
            if number in self._missing() and self._taken.take(number, rank):
                # What datatrove's own executors call for each task; blocks keep figures of what they have done.
                self._executor(1)._run_for_rank(number)
                progress.advance()
        progress.finish()

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

    def _missing(self) -> set[int]:
        marks = self.logs / "completions"
        done = {int(mark.name) for mark in marks.iterdir()} if marks.is_dir() else set()
        return set(range(self.count)) - done

    @property
    def _taken(self) -> Taken:
        return Taken(self.logs / "taken")

    def _executor(self, workers: int, **options: Any) -> Any:
        from datatrove.executor.local import LocalPipelineExecutor

        blocks = copy.deepcopy(list(self.blocks))
        return LocalPipelineExecutor(blocks, tasks=self.count, workers=workers, logging_dir=str(self.logs), **options)
