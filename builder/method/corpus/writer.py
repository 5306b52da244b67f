"""The last block of the segments stage: masks, rules, rows, rejected rows and counts of one task."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from builder.data.accounting import REJECTED_TEXTS_PER_REASON, Counts, Rejects
from builder.data.records import rejected_schema, segment_id, segment_schema
from builder.data.storage import open_rows
from builder.method.corpus.cutting.around.tails import KINDS
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.method.corpus.reading.readers import Loss
from builder.method.corpus.rules.heuristics import unsafe, why_reject_segment
from builder.method.corpus.rules.pii import mask
from builder.method.corpus.tasks import TaskFiles, Ticker
from builder.text.control_tokens import escape_control_tokens
from builder.text.unseen import plain

if TYPE_CHECKING:
    from builder.method.corpus.cutting.page import CutPage
    from builder.method.corpus.cutting.segmenter import Segment
    from builder.method.corpus.reading.readers import Page
    from builder.recipe.sections.corpus import Segments

    Outcome = tuple[Page, CutPage] | Loss

ROW_GROUP = 5_000
"""So many rows are held before they are written."""


@dataclass
class WriteSegments:
    """The last block: rows, rejected rows and counts of one task."""

    config: "Segments"
    files: TaskFiles

    def __call__(self, data: "Iterable[Outcome]", rank: int, world_size: int) -> Iterator[Any]:
        """Take everything, write it as it comes under temporary names, and hand nothing on."""
        share = (REJECTED_TEXTS_PER_REASON + world_size - 1 - rank) // world_size
        result = _Result(self.config, Rejects(limit=share))
        ticker = Ticker(self.files.ticks(rank))
        with (
            open_rows(self.files.data(rank), segment_schema()) as write_kept,
            open_rows(self.files.rejected(rank), rejected_schema()) as write_rejected,
        ):
            places = ((result.rows, write_kept), (result.rejects.rows, write_rejected))
            for outcome in data:
                result.add(outcome)
                ticker.tick(result.segments.kept, result.segments.rows_in, result.pages.failed.total())
                for rows, write in places:
                    if len(rows) >= ROW_GROUP:
                        write(rows)
                        rows.clear()
            for rows, write in places:
                write(rows)
        ticker.flush()
        self.files.finish(rank, result.counts, result.details())
        yield from ()


def tally(config: "Segments", outcomes: "Iterable[Outcome]") -> tuple[dict[str, Counts], list[dict[str, Any]]]:
    """Counts of records, pages and segments, and the rows of the segments that stay; nothing is written."""
    result = _Result(config, Rejects())
    for outcome in outcomes:
        result.add(outcome)
    return result.counts, result.rows


class _Result:
    """What a task has found: every record, page and segment is counted here and nowhere else."""

    def __init__(self, config: "Segments", rejects: Rejects) -> None:
        self.config, self.rejects = config, rejects
        self.records, self.pages, self.segments = Counts(), Counts(), Counts()
        self.rows: list[dict[str, Any]] = []
        names = ("chars", "chars_squared", "masked_emails", "masked_ips", "escaped", "unseen", "unseen_chars")
        trims = ("trimmed", "trimmed_chars", *(f"trimmed_{kind}" for kind in KINDS))
        self.sums: Counter[str] = Counter(dict.fromkeys((*names, *trims), 0))

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
        # Before the ids, which are those of the texts as published. What is unseen goes first: it may part an address
        # or a control token, and then no mask would find them.
        self._count_trimmed(cut)
        cut = self._plain(cut)
        cut = self._masked(cut) if self.config.mask_pii else cut
        safe = _escaped(cut) if self.config.on_control_tokens == "escape" else cut
        for original, segment in zip(cut.segments, safe.segments, strict=True):
            self.segments.rows_in += 1
            identity = segment_id(page.page_id, segment.position, segment.text)
            if reason := why_reject_segment(segment, self.config) or _unsafe_page(page, safe):
                self.segments.dropped[reason] += 1
                self.rejects.add(identity, reason, page_id=page.page_id, header=segment.header, text=segment.text)
                continue
            self.segments.kept += 1
            self.rows.append(_row(identity, page, safe, segment))
            escaped = (original, cut.title) != (segment, safe.title)
            self.sums.update(chars=len(segment.text), chars_squared=len(segment.text) ** 2, escaped=escaped)

    def _count_trimmed(self, cut: "CutPage") -> None:
        for segment in cut.segments:
            if segment.trimmed:
                self.sums.update(trimmed=1, trimmed_chars=segment.trimmed_chars)
                self.sums.update({f"trimmed_{kind}": blocks for kind, blocks in segment.trimmed})

    def _plain(self, cut: "CutPage") -> "CutPage":
        """The page without characters that nobody sees."""
        segments = []
        for segment in cut.segments:
            header, text, *path = map(plain, (segment.header, segment.text, *segment.path))
            if taken := header.taken + text.taken + sum(heading.taken for heading in path):
                self.sums.update(unseen=1, unseen_chars=taken)
                headings = tuple(heading.text for heading in path)
                segment = replace(segment, header=header.text, text=text.text, path=headings)
            segments.append(segment)
        title = plain(cut.title)
        self.sums.update(unseen_chars=title.taken)
        return replace(cut, title=title.text, segments=segments)

    def _masked(self, cut: "CutPage") -> "CutPage":
        """The page without e-mail and IP addresses."""
        segments = []
        for segment in cut.segments:
            header, text = mask(segment.header), mask(segment.text)
            self.sums.update(masked_emails=header.emails + text.emails, masked_ips=header.ips + text.ips)
            path = tuple(mask(heading).text for heading in segment.path)
            segments.append(replace(segment, header=header.text, text=text.text, path=path))
        return replace(cut, title=mask(cut.title).text, segments=segments)

    def details(self) -> dict[str, Any]:
        """Sums that add up over the tasks."""
        return dict(self.sums)


def _unsafe_page(page: "Page", cut: "CutPage") -> str | None:
    """What stands in the rows of all segments of a page.

    Pages of HTML folders name their own address, and a release publishes it; changed, it would name nothing.
    """
    return unsafe(page.url, page.page_id, cut.title)


def _escaped(cut: "CutPage") -> "CutPage":
    """The page with the control tokens in its texts made harmless."""
    segments = [
        replace(
            segment,
            header=escape_control_tokens(segment.header),
            path=tuple(map(escape_control_tokens, segment.path)),
            text=escape_control_tokens(segment.text),
        )
        for segment in cut.segments
    ]
    return replace(cut, title=escape_control_tokens(cut.title), segments=segments)


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
