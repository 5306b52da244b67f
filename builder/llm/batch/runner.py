"""The batch runner: rows go through a model in chunks, on one engine or on several, and none is lost on the way."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.accounting import Counts
from builder.llm.batch.chunks import Chunks, open_chunks
from builder.llm.batch.work import Work, rank_folder
from builder.workspace import journal
from builder.workspace.failures import EXIT_AGAIN
from builder.workspace.progress import PROGRESS_FILE, Progress, Seen, polled, read_progress

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.recipe.sections.runtime import Runtime

_POLL_SECONDS = 0.5


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
    """
    chunks = open_chunks(out, source, runtime.chunk_rows)
    missing = [number for number in range(chunks.count) if not chunks.is_whole(number)]
    if missing:
        from builder.llm.batch.block import AnswerRows
        from builder.llm.batch.executors import run_engines

        engines = min(runtime.engines, len(missing))
        watch = _Watch(chunks, engines, 60 * runtime.stall_minutes)
        with polled(watch.look, _POLL_SECONDS, name="engines"):
            run_engines(AnswerRows(chunks, work, schema, runtime.max_failed), out, runtime, engines)
    return chunks.counts(rows_per_input)


class _Watch:
    """Adds up what the engines have done; ends this process when one of several has stood still for too long.

    A single engine needs no second watcher: what it does not do, the stage does not do.
    """

    def __init__(self, chunks: Chunks, engines: int, limit: float) -> None:
        self._out, self._engines, self._limit = chunks.out, engines, limit
        self._progress = Progress(chunks.out, "rows", chunks.total)
        done = sum(chunks.size(number) for number in range(chunks.count) if chunks.is_whole(number))
        self._before, self._moved = done, {rank: time.monotonic() for rank in range(engines)}
        self._seen: dict[int, Seen | None] = {}
        for rank in range(engines):
            (self._out / rank_folder(rank) / PROGRESS_FILE).unlink(missing_ok=True)

    def look(self) -> None:
        """Look at all engines once."""
        done, moved = 0, False
        for rank in range(self._engines):
            seen = read_progress(self._out, rank_folder(rank))
            old = self._seen.get(rank)
            if old and seen and seen.done < old.done:  # it was started again and counts from nothing
                self._before += old.done
            if seen != old:
                self._seen[rank], self._moved[rank], moved = seen, time.monotonic(), True
            done += seen.done if seen else 0
            finished = seen is not None and seen.done == seen.total
            if self._engines > 1 and not finished and time.monotonic() - self._moved[rank] > self._limit:
                journal.keep_only(self._out, rank=rank)
                os._exit(EXIT_AGAIN)
        self._progress.advance(self._before + done - self._progress.done)
        if moved:
            self._progress.beat()
