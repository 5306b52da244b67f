"""The segments stage: a datatrove pipeline of three blocks, read -> cut -> write, over shards of the corpus."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.corpus.tasks import TaskFiles, Ticker
from builder.errors import StageError
from builder.fingerprint import fingerprint
from builder.records import REJECTED_TEXTS_PER_REASON, Counts, Rejects, Stats, rejected_schema, segment_id, segment_schema
from builder.storage import write_rows

if TYPE_CHECKING:
    from builder.corpus.page import CutPage
    from builder.corpus.readers import Input, Loss, Page
    from builder.recipe import Runtime, Segments

    Cutter = Callable[[Page], CutPage | str]
    Outcome = tuple[Page, CutPage] | Loss

VERSION = 1


def extract_segments(out: Path, config: "Segments", *, runtime: "Runtime") -> Stats:
    """Cut the pages of a corpus into header-delimited segments (paper 2.1) and drop the poor ones.

    Args:
        out: Stage folder; gets `data/` and `rejected/` with one file a task, and `logs/`. Tasks that are whole in it
            are not run again.
        config: The corpus, the cut and the rules.
        runtime: How many processes.

    Returns:
        Counts of records (of archives), pages and segments; a page is kept when at least one segment was cut.

    Raises:
        RecipeError: If the corpus is not there.
        StageError: If no page could be read from it.
    """
    from builder.corpus.heuristics import navigation_headers
    from builder.corpus.readers import list_inputs

    inputs = list_inputs(config.sources)
    navigation_headers(config.navigation_headers)
    files = TaskFiles(out, fingerprint("segments", VERSION, config, {}), config.tasks)
    missing = files.prepare()
    if missing:
        _run(inputs, config, files, workers=min(runtime.workers, len(missing)))
    return _merge(files, inputs)


def _run(inputs: "list[Input]", config: "Segments", files: TaskFiles, workers: int) -> None:
    from datatrove.executor.local import LocalPipelineExecutor

    from builder.corpus.page import cut_page

    blocks = [ReadPages(inputs), CutPages(partial(cut_page, config=config), config.page_seconds), WriteSegments(config, files)]
    executor = LocalPipelineExecutor(blocks, tasks=files.tasks, workers=workers, logging_dir=str(files.logs))
    with files.watched():
        executor.run()


@dataclass
class ReadPages:
    """The first block: the pages of one task, and what was lost in reading."""

    inputs: "list[Input]"

    def __call__(self, data: object, rank: int, world_size: int) -> "Iterator[Page | Loss]":
        """Ignore `data`; there is nothing before the first block."""
        from builder.corpus.readers import Shard, read_pages

        yield from read_pages(self.inputs, Shard(rank, world_size))


@dataclass
class CutPages:
    """The second block: cut pages in a child process that is killed when a page takes too long.

    Attributes:
        cut: What to do with a page; gives the cut page or the reason why there is none.
        seconds: How long a page may take.
    """

    cut: "Cutter"
    seconds: float

    def __call__(self, data: "Iterable[Page | Loss]", rank: int, world_size: int) -> "Iterator[Outcome]":
        """Turn pages into cut pages or losses; losses pass."""
        from datatrove.pipeline.extractors.base import ExtractorSandbox
        from loguru import logger

        from builder.corpus.readers import Loss

        _warm_up()
        work = partial(_contained, self.cut)
        with ExtractorSandbox(timeout=self.seconds, warmup_text=None) as sandbox:
            for page in data:
                if isinstance(page, Loss):
                    yield page
                    continue
                try:
                    result, error = sandbox.process_document(page, work)
                except TimeoutError:
                    result, error = "timeout", f"took more than {self.seconds:g} s"
                except EOFError:
                    result, error = "error", "the process died, most likely because memory ran out"
                if error:
                    logger.warning(f"{page.source_file}: page {page.page_id}: {error}")
                yield Loss("pages", page.page_id, result, bool(error)) if isinstance(result, str) else (page, result)


def _warm_up() -> None:
    """Import and load in the worker what its children need, so that they start with it."""
    import lxml.html
    import resiliparse.extract.html2text
    import trafilatura  # noqa: F401

    from builder.corpus.language import load_detector

    load_detector()


def _contained(cut: "Cutter", page: "Page | None") -> "tuple[CutPage | str, str]":
    """Call `cut` in the child; an exception becomes a value, since the sandbox takes it for a crash."""
    if page is None:  # the sandbox's call to see whether the child is ready
        import logging

        from builder.child import die_with_parent

        die_with_parent()
        logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
        return "", ""
    try:
        return cut(page), ""
    except Exception as error:  # whatever a page does, it must not end the stage
        return "error", f"{type(error).__name__}: {error}"[:500]


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
        if isinstance(outcome, tuple):
            self.records.rows_in += 1
            self.records.kept += 1
            self.pages.rows_in += 1
            self.pages.kept += 1
            self._add_page(*outcome)
            return
        self.records.rows_in += 1
        counts = self.records
        if outcome.kind == "pages":
            self.records.kept += 1
            self.pages.rows_in += 1
            counts = self.pages
        (counts.failed if outcome.failed else counts.dropped)[outcome.reason] += 1
        page_id = outcome.identity if outcome.kind == "pages" else ""
        self.rejects.add(outcome.identity, outcome.reason, page_id=page_id)

    def _add_page(self, page: "Page", cut: "CutPage") -> None:
        from builder.corpus.heuristics import why_reject
        from builder.corpus.walk import WALK_VERSION

        for segment in cut.segments:
            self.segments.rows_in += 1
            identity = segment_id(page.page_id, segment.position, segment.text)
            if reason := why_reject(segment, self.config):
                self.segments.dropped[reason] += 1
                self.rejects.add(identity, reason, page_id=page.page_id, header=segment.header, text=segment.text)
                continue
            self.segments.kept += 1
            self.rows.append(
                {
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
            )

    def details(self) -> dict[str, Any]:
        """Sums that add up over the tasks."""
        lengths = [len(row["text"]) for row in self.rows]
        return {"chars": sum(lengths), "chars_squared": sum(length * length for length in lengths)}


def _merge(files: TaskFiles, inputs: "list[Input]") -> Stats:
    """Add up the tasks.

    Raises:
        StageError: If not one page was read.
    """
    counts = {"records": Counts(), "pages": Counts(), "segments": Counts()}
    chars = squares = 0
    for result in files.results():
        for kind, value in result["counts"].items():
            counts[kind].add(Counts.from_dict(value))
        chars += result["details"]["chars"]
        squares += result["details"]["chars_squared"]
    if counts["pages"].rows_in == 0:
        reasons = {**counts["records"].dropped, **counts["records"].failed}
        raise StageError(
            f"{inputs[0].path}{f' and {len(inputs) - 1} more' if len(inputs) > 1 else ''}: no page could be read "
            f"({', '.join(f'{count} x {reason}' for reason, count in sorted(reasons.items()))}); segments.sources "
            "must name WARC files with response records (WET files hold no HTML) or a folder of HTML files"
        )
    kept = counts["segments"].kept
    mean = chars / kept if kept else 0.0
    deviation = math.sqrt(max(0.0, squares / kept - mean * mean)) if kept else 0.0
    return Stats(counts, {"files": len(inputs), "chars_mean": round(mean, 1), "chars_sd": round(deviation, 1)})
