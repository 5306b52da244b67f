"""The segments stage: a datatrove pipeline of three blocks, read -> cut -> write, over shards of the corpus."""

import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts, Stats
from builder.data.address import Address
from builder.data.redaction import redact_task_logs
from builder.data.storage import read_rows
from builder.errors import RecipeError, StageError
from builder.method.corpus.tasks import TaskFiles
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.cluster.tasks import Tasks
from builder.workspace.fingerprint import fingerprint
from builder.workspace.inputs.known import KnownInputs
from builder.workspace.inputs.listing import Inputs

if TYPE_CHECKING:
    from builder.method.corpus.reading.readers import Input, Loss, Page
    from builder.method.corpus.reading.sources import CorpusFiles
    from builder.method.corpus.sandbox import CutPages

VERSION = 10
_LISTED = 100


def extract_segments(out: Path, config: Segments, *, runtime: Runtime) -> Stats:
    """Cut the pages of a corpus into header-delimited segments (paper 2.1) and drop the poor ones.

    Args:
        out: Stage folder; gets `data/` and `rejected/` with one file a task, and `logs/`. Tasks that are whole in it
            are not run again.
        config: The corpus, the cut and the rules.
        runtime: How many processes, and where.

    Returns:
        Counts of records (of archives), pages and segments; a page is kept when at least one segment was cut.

    Raises:
        RecipeError: If the corpus is not there, or is text without HTML.
        StageError: If no page could be read from it.
    """
    from builder.method.corpus.reading.sources import list_files
    from builder.method.corpus.rules.header import navigation_headers
    from builder.method.corpus.rules.phrases import load_phrases

    _refuse_hidden(config, runtime)
    corpus = list_files(config.sources)
    _warn_of(corpus)
    navigation_headers(config.navigation_headers)
    load_phrases(config.phrases)
    known = Inputs(KnownInputs(out.parent))
    files = TaskFiles(out, fingerprint("segments", VERSION, config, {}, known), config.tasks)
    if files.prepare():
        run_blocks(ReadPages(corpus.inputs, files.out), config, files, runtime)
    return _merge(files, corpus)


def _refuse_hidden(config: Segments, runtime: Runtime) -> None:
    """Refuse addresses whose secrets this process alone knows, where others are to read them."""
    for source in config.sources if runtime.executor != "local" else ():
        if isinstance(source.path, Address) and source.path.hides:
            raise RecipeError(
                f"{source.path}: has a login or a query, which no worker of {runtime.executor} is given; set "
                "runtime.executor to local, or give keys to the machines and leave them out of segments.sources"
            )


def run_blocks(
    read: Callable[[object, int, int], "Iterator[Page | Loss]"], config: Segments, files: TaskFiles, runtime: Runtime
) -> None:
    """Run the pipeline: cut what a first block reads, and write it.

    Args:
        read: The first block.
        config: The cut and the rules.
        files: Where the tasks write.
        runtime: How many processes, and where.
    """
    from builder.method.corpus.cutting.page import cut_page
    from builder.method.corpus.rules.urls import BlockUrls
    from builder.method.corpus.sandbox import CutPages
    from builder.method.corpus.writer import WriteSegments

    cut = CutPages(partial(cut_page, config=config), config.page_seconds, config.page_memory_mb)
    blocks = [read, *([BlockUrls()] if config.block_urls else []), cut, WriteSegments(config, files)]
    redact_task_logs()
    with files.watched():
        Tasks(files.out, files.logs, blocks, files.tasks, partial(_warm, cut, lists=config.block_urls)).run(runtime)


@dataclass
class ReadPages:
    """The first block: the pages of one task, and what was lost in reading."""

    inputs: "list[Input]"
    stage: Path

    def __call__(self, data: object, rank: int, world_size: int) -> "Iterator[Page | Loss]":
        """Ignore `data`; there is nothing before the first block."""
        from builder.method.corpus.reading.readers import Shard, read_pages

        yield from read_pages(self.inputs, Shard(rank, world_size), self.stage)


@contextmanager
def _warm(cut: "CutPages", *, lists: bool) -> "Iterator[None]":
    """Import and load what a worker and its child need, so that both start with it; the tasks in here share a child."""
    from builder.method.corpus.rules.urls import load_lists

    if lists:
        load_lists()
    for module in ("lxml.html", "resiliparse.extract.html2text", "trafilatura"):
        importlib.import_module(module)

    from builder.text.language import load_detector

    load_detector()
    with cut.one_process():
        yield


def _merge(files: TaskFiles, corpus: "CorpusFiles") -> Stats:
    """Add up the tasks.

    Raises:
        StageError: If not one page was read.
    """
    inputs = corpus.inputs
    counts = {"records": Counts(), "pages": Counts(), "segments": Counts()}
    sums: Counter[str] = Counter()
    for result in files.results():
        for kind, value in result["counts"].items():
            counts[kind].add(Counts.from_dict(value))
        sums.update(result["details"])
    if counts["pages"].rows_in == 0:
        reasons = {**counts["records"].dropped, **counts["records"].failed}
        raise StageError(
            f"{inputs[0].location}{f' and {len(inputs) - 1} more' if len(inputs) > 1 else ''}: no page could be read "
            f"({', '.join(f'{count} x {reason}' for reason, count in sorted(reasons.items()))}); segments.sources "
            "must name WARC files with response records, tables with a column of HTML, or folders of HTML files"
        )
    kept = counts["segments"].kept
    chars, squares = sums.pop("chars"), sums.pop("chars_squared")
    mean = chars / kept if kept else 0.0
    deviation = math.sqrt(max(0.0, squares / kept - mean * mean)) if kept else 0.0
    spread = {"chars_mean": round(mean, 1), "chars_sd": round(deviation, 1)}
    details: dict[str, Any] = {"files": len(inputs), **spread, **sums}
    if counts["records"].failed:
        details["lost_records"] = _lost_records(files, set(counts["records"].failed))
    details |= _unread(corpus)
    return Stats(counts, details)


def _warn_of(corpus: "CorpusFiles") -> None:
    from loguru import logger

    from builder.method.corpus.reading.files.unread import unread_lines

    for line in unread_lines(corpus.unread):
        logger.warning(line)


def _unread(corpus: "CorpusFiles") -> dict[str, Any]:
    """Files of the sources that were not read: how many of which kind, and the names of the first `_LISTED`."""
    from builder.method.corpus.reading.files.unread import unread_counts

    if not corpus.unread:
        return {}
    return {"unread": unread_counts(corpus.unread), "unread_files": [file.name for file in corpus.unread[:_LISTED]]}


def _lost_records(files: TaskFiles, reasons: set[str]) -> list[str]:
    """Where records were lost, as `file@offset: reason`; the first `_LISTED`."""
    columns = ["id", "reason", "page_id"]
    rows = (row for rank in range(files.tasks) for row in read_rows(files.rejected(rank), columns))
    lost = (f"{row['id']}: {row['reason']}" for row in rows if row["reason"] in reasons and not row["page_id"])
    return nsmallest(_LISTED, lost)
