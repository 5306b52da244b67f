"""The last block of the segments stage: rules, rows, rejected rows and counts of one task."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.control_tokens import find_control_token
from builder.corpus.heuristics import why_reject
from builder.corpus.readers import Loss
from builder.corpus.tasks import TaskFiles, Ticker
from builder.corpus.walk import WALK_VERSION
from builder.records import (
    REJECTED_TEXTS_PER_REASON,
    Counts,
    Rejects,
    rejected_schema,
    segment_id,
    segment_schema,
)
from builder.storage import write_rows

if TYPE_CHECKING:
    from builder.corpus.page import CutPage
    from builder.corpus.readers import Page
    from builder.corpus.segmenter import Segment
    from builder.recipe_segments import Segments

    Outcome = tuple[Page, CutPage] | Loss


@dataclass
class WriteSegments:
    """The last block: rows, rejected rows and counts of one task."""

    config: "Segments"
    files: TaskFiles

    def __call__(self, data: "Iterable[Outcome]", rank: int, world_size: int) -> Iterator[Any]:
        """Take everything, write it whole at the end, and hand nothing on."""
        share = (REJECTED_TEXTS_PER_REASON + world_size - 1 - rank) // world_size
        result = _Result(self.config, Rejects(limit=share))
        ticker = Ticker(self.files.ticks(rank))
        for outcome in data:
            result.add(outcome)
            ticker.tick()
        ticker.flush()
        write_rows(self.files.data(rank), result.rows, segment_schema())
        write_rows(self.files.rejected(rank), result.rejects.rows, rejected_schema())
        self.files.finish(rank, result.counts, result.details())
        yield from ()


class _Result:
    """What a task has found: every record, page and segment is counted here and nowhere else."""

    def __init__(self, config: "Segments", rejects: Rejects) -> None:
        self.config, self.rejects = config, rejects
        self.records, self.pages, self.segments = Counts(), Counts(), Counts()
        self.rows: list[dict[str, Any]] = []

    @property
    def counts(self) -> dict[str, Counts]:
        return {"records": self.records, "pages": self.pages, "segments": self.segments}

    def add(self, outcome: "Outcome") -> None:
        """Count an outcome and keep its rows."""
        self.records.rows_in += 1
        if isinstance(outcome, Loss) and outcome.kind == "records":
            self._lose(self.records, outcome)
            return
        self.records.kept += 1
        self.pages.rows_in += 1
        if isinstance(outcome, Loss):
            self._lose(self.pages, outcome)
        else:
            self.pages.kept += 1
            self._add_segments(*outcome)

    def _lose(self, counts: Counts, loss: Loss) -> None:
        (counts.failed if loss.failed else counts.dropped)[loss.reason] += 1
        self.rejects.add(loss.identity, loss.reason, page_id=loss.identity if loss.kind == "pages" else "")

    def _add_segments(self, page: "Page", cut: "CutPage") -> None:
        for segment in cut.segments:
            self.segments.rows_in += 1
            identity = segment_id(page.page_id, segment.position, segment.text)
            if reason := why_reject(segment, self.config) or _unsafe_place(page):
                self.segments.dropped[reason] += 1
                self.rejects.add(identity, reason, page_id=page.page_id, header=segment.header, text=segment.text)
                continue
            self.segments.kept += 1
            self.rows.append(_row(identity, page, cut, segment))

    def details(self) -> dict[str, Any]:
        """Sums that add up over the tasks."""
        lengths = [len(row["text"]) for row in self.rows]
        return {"chars": sum(lengths), "chars_squared": sum(length * length for length in lengths)}


def _unsafe_place(page: "Page") -> str | None:
    """Pages of HTML folders name their own address, and a release publishes it."""
    return "control_tokens" if find_control_token(page.url) or find_control_token(page.page_id) else None


def _row(identity: str, page: "Page", cut: "CutPage", segment: "Segment") -> dict[str, Any]:
    """A row of `segment_schema`."""
    return {
        "id": identity,
        "page_id": page.page_id,
        "url": page.url,
        "source_file": page.source_file,
        "record_offset": page.record_offset,
        "title": cut.title,
        "header": segment.header,
        "header_level": segment.level,
        "header_path": list(segment.path),
        "position": segment.position,
        "text": segment.text,
        "language": cut.language,
        "kept_blocks": list(segment.kept_blocks),
        "walk": WALK_VERSION,
        "payload_digest": page.payload_digest,
    }
