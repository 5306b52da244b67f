"""The batch runner: rows go through a model in chunks, on one engine or on several, and none is lost on the way."""

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts
from builder.errors import TimeIsUp
from builder.llm.batch.chunks import Chunks, open_chunks
from builder.llm.batch.work import Work
from builder.workspace import journal
from builder.workspace.cluster.job import WAITING, rank_folder
from builder.workspace.failures import EXIT_AGAIN
from builder.workspace.limits.deadline import is_over, stop_by_itself
from builder.workspace.progress import PROGRESS_FILE, STARTING, Progress, Seen, polled, read_progress

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.recipe.sections.runtime import Runtime

_POLL_SECONDS = 0.5
_ADDED = ("done", "kept", "failed", "judged")
"""What is added up over engines."""
_WAITS = "waiting for a machine"


def run_rows(
    out: Path, source: Path, work: Work, schema: "pa.Schema", runtime: "Runtime", *, rows_per_input: int = 1
) -> Counts:
    """Put every row of `source` through `work` and write what it returns.

    Args:
        out: The stage folder; `data/` and `rejected/` get a file a chunk.
        source: Folder of Parquet files with a column `id`, read in sorted order.
        work: What is done to the rows.
        schema: Of the rows it returns.
        runtime: How many engines, where they run, and the rows of a chunk.
        rows_per_input: How many rows each input row stands for.

    Raises:
        StageError: If too many rows of a chunk fail, or an engine cannot be started.
        TimeIsUp: If the stage has to stop before all chunks are written.
    """
    chunks = open_chunks(out, source, runtime.chunk_rows)
    missing = [number for number in range(chunks.count) if not chunks.is_whole(number)]
    if missing:
        from builder.llm.batch.block import AnswerRows
        from builder.llm.batch.executors import run_engines

        stop_by_itself(out)
        engines = min(runtime.engines, len(missing))
        watch = _Watch(chunks, engines, 60 * runtime.stall_minutes)
        with polled(watch.look, _POLL_SECONDS, name="engines"):
            run_engines(AnswerRows(chunks, work, schema, runtime.max_failed), out, runtime, engines)
        if is_over(out) and not all(map(chunks.is_whole, range(chunks.count))):
            raise TimeIsUp("stopped between two chunks")
        chunks.free()
    return chunks.counts(rows_per_input)


class _Watch:
    """Adds up what the engines have done; ends this process when one of several has stood still for too long.

    A single engine needs no second watcher: what it does not do, the stage does not do.
    """

    def __init__(self, chunks: Chunks, engines: int, limit: float) -> None:
        self._out, self._engines, self._limit = chunks.out, engines, limit
        done = sum(chunks.size(number) for number in range(chunks.count) if chunks.is_whole(number))
        self._progress = Progress(chunks.out, "rows", chunks.total, before=done, phase=STARTING)
        self._gone: Counter[str] = Counter(done=done)
        """What engines have done that were started again, and earlier runs."""
        self._moved = {rank: time.monotonic() for rank in range(engines)}
        self._seen: dict[int, Seen | None] = {}
        for rank in range(engines):
            (self._out / rank_folder(rank) / PROGRESS_FILE).unlink(missing_ok=True)

    def look(self) -> None:
        """Look at all engines once."""
        moved = False
        for rank in range(self._engines):
            seen = read_progress(self._out, rank_folder(rank))
            old = self._seen.get(rank)
            if old and seen and seen.done < old.done:  # it was started again and counts from nothing
                self._gone.update({key: getattr(old, key) or 0 for key in _ADDED})
            if seen != old:
                self._seen[rank], self._moved[rank], moved = seen, time.monotonic(), True
            finished = seen is not None and seen.done == seen.total
            if self._engines > 1 and not finished and time.monotonic() - self._moved[rank] > self._limit:
                journal.keep_only(self._out, rank=rank)
                os._exit(EXIT_AGAIN)
        self._tell([seen for seen in self._seen.values() if seen], moved)

    def _tell(self, seen: list[Seen], moved: bool) -> None:
        sums = {key: self._gone[key] + sum(getattr(one, key) or 0 for one in seen) for key in _ADDED}
        rows = sums.pop("done")
        if sums["judged"]:
            self._progress.tell(**sums)
        self._progress.advance(rows - self._progress.done)
        told: dict[str, Any] = {"doing": sum(one.doing for one in seen)}
        if seen:  # one that works is enough
            waits = [_WAITS if one.unit == WAITING else one.phase for one in seen]
            told["phase"] = waits[0] if all(waits) else ""
        self._progress.tell(**told)
        if moved:
            self._progress.beat()
