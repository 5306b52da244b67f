"""Cut pages in a child process that has a deadline and a memory limit for each page, and is killed past either."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from builder.method.corpus.memory import limit_memory
from builder.method.corpus.reading.crawl import Loss, Page

if TYPE_CHECKING:
    from datatrove.pipeline.extractors.base import ExtractorSandbox

    from builder.method.corpus.cutting.page import CutPage

    Cutter = Callable[[Page], CutPage | str]
    Outcome = tuple[Page, CutPage] | Loss

_KILLED = -9


@dataclass
class CutPages:
    """The second block of the pipeline.

    Attributes:
        cut: What to do with a page; gives the cut page or the reason why there is none.
        seconds: How long a page may take.
        memory_mb: How much memory a page may take.
    """

    cut: "Cutter"
    seconds: float
    memory_mb: int
    _kept: "ExtractorSandbox | None" = field(default=None, init=False, repr=False, compare=False)

    @contextmanager
    def one_process(self) -> "Iterator[None]":
        """Let all tasks that run in here, one after the other, share a child: starting one takes longer than a page."""
        with self._sandbox() as self._kept:
            try:
                yield
            finally:
                self._kept = None

    def __call__(self, data: "Iterable[Page | Loss]", rank: int, world_size: int) -> "Iterator[Outcome]":
        """Turn pages into cut pages or losses; losses pass."""
        from loguru import logger

        with nullcontext(self._kept) if self._kept else self._sandbox() as sandbox:
            for page in data:
                if isinstance(page, Loss):
                    yield page
                    continue
                result, error = self._cut(sandbox, page)
                if error:
                    logger.warning(f"{page.source_file}: page {page.page_id}: {error}")
                yield Loss("pages", page.page_id, result, bool(error)) if isinstance(result, str) else (page, result)

    def _sandbox(self) -> "ExtractorSandbox":
        from datatrove.pipeline.extractors.base import ExtractorSandbox

        return ExtractorSandbox(timeout=self.seconds, warmup_text=None)

    def _cut(self, sandbox: "ExtractorSandbox", page: Page) -> "tuple[CutPage | str, str]":
        """A cut page, or the reason why there is none with what was the matter.

        A page whose process dies gets a second, fresh one: something else may have used up the memory, or killed it.
        """
        work = partial(_contained, self.cut, self.memory_mb)
        result: CutPage | str = "error"
        error = ""
        for _ in range(2):
            try:
                result, error = sandbox.process_document(page, work)
            except TimeoutError:
                sandbox.all_processes.clear()  # each that is kept holds a file of this process open
                return "timeout", f"took more than {self.seconds:g} s"
            except (EOFError, OSError):
                result, error = _why_dead(sandbox.all_processes[-1])
                sandbox.all_processes.clear()
                continue
            break
        if result == "memory" and sandbox.process:
            sandbox.process.kill()  # what is left of it is not to be relied on
            sandbox.process.join()
            sandbox.all_processes.clear()
        return result, error


def _why_dead(process: Any) -> tuple[str, str]:
    process.join(1)
    if process.exitcode == _KILLED:
        return "memory", "the process was killed, most likely because memory ran out"
    return "error", f"the process died with exit code {process.exitcode}"


def _contained(cut: "Cutter", memory_mb: int, page: "Page | None") -> "tuple[CutPage | str, str]":
    """Call `cut` in the child; an exception becomes a value, since the sandbox takes it for a crash."""
    if page is None:  # the sandbox's call to see whether the child is ready
        logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
        limit_memory(memory_mb)
        return "", ""
    try:
        return cut(page), ""
    except Exception as error:  # whatever a page does, it must not end the stage
        if isinstance(error, MemoryError) or "memory" in str(error).lower():  # lxml has errors of its own for it
            return "memory", f"took more than {memory_mb} MB"
        return "error", f"{type(error).__name__}: {error}"[:500]
