"""The segments stage: a datatrove pipeline of three blocks, read -> cut -> write, over shards of the corpus."""

import importlib
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from builder.corpus.tasks import TaskFiles
from builder.corpus.workers import watched_workers
from builder.errors import StageError
from builder.fingerprint import fingerprint
from builder.recipe import Runtime
from builder.recipe_segments import Segments
from builder.records import Counts, Stats

if TYPE_CHECKING:
    from datatrove.pipeline.extractors.base import ExtractorSandbox

    from builder.corpus.page import CutPage
    from builder.corpus.readers import Input, Loss, Page

    Cutter = Callable[[Page], CutPage | str]
    Outcome = tuple[Page, CutPage] | Loss

VERSION = 1


def extract_segments(out: Path, config: Segments, *, runtime: Runtime) -> Stats:
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


def _run(inputs: "list[Input]", config: Segments, files: TaskFiles, workers: int) -> None:
    from datatrove.executor.local import LocalPipelineExecutor

    from builder.corpus.page import cut_page
    from builder.corpus.writer import WriteSegments

    blocks = [
        ReadPages(inputs),
        CutPages(partial(cut_page, config=config), config.page_seconds),
        WriteSegments(config, files),
    ]
    executor = LocalPipelineExecutor(
        blocks,
        tasks=files.tasks,
        workers=workers,
        logging_dir=str(files.logs),
        start_method="fork",  # the workers find everything imported, and the kernel can end them with this process
    )
    _warm_up()
    with files.watched(), _forks_end_with_us(), watched_workers(files.out):
        executor.run()


_forking = {"tied": False}


@contextmanager
def _forks_end_with_us() -> Iterator[None]:
    """Let the kernel end what is forked in here when this process ends, however it does.

    datatrove's workers would otherwise go on with their task, in a folder where the next run writes as well.
    """
    _tie_forks()
    _forking["tied"] = True
    try:
        yield
    finally:
        _forking["tied"] = False


@lru_cache(maxsize=1)
def _tie_forks() -> None:
    from builder.child import die_with_parent

    os.register_at_fork(after_in_child=lambda: die_with_parent() if _forking["tied"] else None)


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

        with ExtractorSandbox(timeout=self.seconds, warmup_text=None) as sandbox:
            for page in data:
                if isinstance(page, Loss):
                    yield page
                    continue
                result, error = self._cut(sandbox, page)
                if error:
                    logger.warning(f"{page.source_file}: page {page.page_id}: {error}")
                yield Loss("pages", page.page_id, result, bool(error)) if isinstance(result, str) else (page, result)

    def _cut(self, sandbox: "ExtractorSandbox", page: "Page") -> "tuple[CutPage | str, str]":
        """A cut page, or the reason why there is none with what was the matter.

        A page whose process dies gets a second, fresh one: something else may have used up the memory, or killed it.
        """
        work = partial(_contained, self.cut)
        for _ in range(2):
            try:
                return cast("tuple[CutPage | str, str]", sandbox.process_document(page, work))
            except TimeoutError:
                return "timeout", f"took more than {self.seconds:g} s"
            except (EOFError, OSError):
                continue
        return "error", "its process died twice, most likely because memory ran out"


def _warm_up() -> None:
    """Import and load what workers and their children need, so that all of them start with it."""
    for module in ("lxml.html", "resiliparse.extract.html2text", "trafilatura"):
        importlib.import_module(module)

    from builder.corpus.language import load_detector

    load_detector()


def _contained(cut: "Cutter", page: "Page | None") -> "tuple[CutPage | str, str]":
    """Call `cut` in the child; an exception becomes a value, since the sandbox takes it for a crash."""
    if page is None:  # the sandbox's call to see whether the child is ready
        logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
        return "", ""
    try:
        return cut(page), ""
    except Exception as error:  # whatever a page does, it must not end the stage
        return "error", f"{type(error).__name__}: {error}"[:500]


def _merge(files: TaskFiles, inputs: "list[Input]") -> Stats:
    """Add up the tasks.

    Raises:
        StageError: If not one page was read.
    """
    counts = {"records": Counts(), "pages": Counts(), "segments": Counts()}
    chars = squares = escaped = 0
    for result in files.results():
        for kind, value in result["counts"].items():
            counts[kind].add(Counts.from_dict(value))
        chars += result["details"]["chars"]
        squares += result["details"]["chars_squared"]
        escaped += result["details"]["escaped"]
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
    lengths = {"chars_mean": round(mean, 1), "chars_sd": round(deviation, 1)}
    return Stats(counts, {"files": len(inputs), **lengths, "escaped": escaped})
