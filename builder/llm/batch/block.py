"""The datatrove block of the batch runner: an engine and the chunks that are its own."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datatrove.pipeline.base import PipelineStep

from builder.data.accounting import Rejects
from builder.data.records import Row
from builder.errors import StageError
from builder.llm.batch.chunks import ENGINE_FAILURE, Chunks
from builder.llm.batch.work import Work
from builder.llm.engines.retrying import EngineBrokenError
from builder.workspace.cluster.job import rank_folder
from builder.workspace.failures import EXIT_AGAIN
from builder.workspace.journal import CHUNK_LIVES, Journal, Part, parts
from builder.workspace.limits.deadline import is_over
from builder.workspace.progress import STARTING, Progress, telling

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 20
"""So many of the latest rows may fail whatever their share."""
WINDOW = 1_000
"""Rows, to the next whole chunk, over which the share of failed ones is looked at."""


@dataclass
class _Tally:
    """What has become of the rows of the chunks so far."""

    kept: int = 0
    failed: int = 0
    judged: int = 0

    def add(self, kept: list[Row], rejects: Rejects) -> None:
        self.kept += sum(not row.get("reason") for row in kept)
        self.failed += len(_failures(kept, rejects))
        self.judged += len(kept) + len(rejects.rows)


def _failures(kept: list[Row], rejects: Rejects) -> list[str]:
    """The reasons of the rows that the engine could not do."""
    reasons = [row["reason"] for row in kept if row.get("reason")] + [row["reason"] for row in rejects.rows]
    return [reason for reason in reasons if reason.startswith(ENGINE_FAILURE)]


@dataclass(repr=False)
class AnswerRows(PipelineStep):  # type: ignore[misc]  # datatrove has no types
    """The datatrove block of an engine: it takes one missing chunk after the other that no other engine has.

    What a chunk becomes depends on its rows alone, so the number of engines may differ from run to run.
    """

    name = "🐋 rows through a model"
    type = "🧠 - ENGINE"

    chunks: Chunks
    work: Work
    schema: "pa.Schema"
    max_failed: float
    recent: list[tuple[int, int]] = field(default_factory=list)
    """Rows and failed rows of the latest chunks of this run."""
    stats: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        PipelineStep.__init__(self)

    @property
    def loads_model(self) -> bool:
        """Whether its work loads a model, and does not only ask a server."""
        return bool(getattr(self.work, "loads_model", True))

    def run(self, data: object, rank: int = 0, world_size: int = 1) -> Iterable[object]:
        """Answer this engine's chunks; `data` is not used, and nothing goes on to a next block."""
        progress = Progress(self.chunks.out, "rows", folder=rank_folder(rank), phase=STARTING)
        with telling(progress):
            self._run(progress, rank)
        progress.finish()
        return ()

    def _run(self, progress: Progress, rank: int) -> None:
        journal, tally = Journal(self.chunks.out, rank), _Tally()
        for number, rows in self.chunks.missing(rank):
            if is_over(self.chunks.out):
                break
            rejects = self.chunks.rejects()
            try:
                kept = self._answer(number, rows, rejects, journal, progress)
            except EngineBrokenError as error:  # a new process may do better; what was in hand is noted
                sys.stderr.write(f"{error}\n")
                sys.stderr.flush()
                os._exit(EXIT_AGAIN)
            self._check(number, rows, kept, rejects)
            self.chunks.write(number, kept, rejects, self.schema)
            journal.clear()
            tally.add(kept, rejects)
            progress.tell(**vars(tally))
            progress.advance(len(rows))
            self.stat_update("rows", value=len(rows))

    def _answer(
        self, number: int, rows: list[Row], rejects: Rejects, journal: Journal, progress: Progress
    ) -> list[Row]:
        whole, kept = (0, len(rows)), list[Row]()
        for row in rows:
            if journal.is_deadly(row["id"]):
                kept += self.work.give_up(row, f"{ENGINE_FAILURE}died", rejects)
        suspect = journal.suspect(number, len(rows))
        if suspect is not None:  # for nothing but whether the engine survives it
            progress.hold(len(rows))
            for batch in self._parts(number, rows, suspect, journal):
                self.work.answer(batch, Rejects(), progress.beat)
        progress.hold(len(rows))
        if journal.deaths(number) >= 2 * CHUNK_LIVES:
            batches = self._parts(number, rows, whole, journal)
        else:  # all rows at once again: batches of other sizes round otherwise
            journal.take(number)
            batches = iter([self._safe(rows, journal)])
        for batch in batches:
            kept += self.work.answer(batch, rejects, progress.beat)
        return kept

    def _safe(self, rows: list[Row], journal: Journal) -> list[Row]:
        return [row for row in rows if not journal.is_deadly(row["id"])]

    def _parts(self, number: int, rows: list[Row], of: Part, journal: Journal) -> Iterator[list[Row]]:
        """The rows of each part that are not known to be deadly, noted as in hand."""
        for part in parts(of):
            safe = self._safe(rows[slice(*part)], journal)
            if safe:
                journal.take(number, safe[0]["id"] if len(safe) == 1 else part)
                yield safe

    def _check(self, number: int, rows: list[Row], kept: list[Row], rejects: Rejects) -> None:
        """Refuse to write a chunk when too much fails: it would count as done."""
        failed = _failures(kept, rejects)
        self.recent.append((len(rows), len(failed)))
        while sum(size for size, _ in self.recent[1:]) >= WINDOW:
            del self.recent[0]
        size, lost = (sum(column) for column in zip(*self.recent, strict=True))
        if failed and lost > max(FEW, self.max_failed * size):
            commonest = max(sorted(set(failed)), key=failed.count)
            said = [
                row.get("message") or row.get("text")
                for row in [*kept, *rejects.rows]
                if row.get("reason") == commonest
            ]
            example = next((f" ({text})" for text in said if text), "")
            raise StageError(
                f"{lost:,} of the last {size:,} rows failed, in chunk {number} most of them with {commonest}{example}; "
                "what is done stays. Find the reason, or raise runtime.max_failed, and run the same command again"
            )
