"""An engine whose calls may fail: what fails as a batch is tried in halves, so that one row cannot spoil the others."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from builder.errors import BuilderError, StageError
from builder.llm.engines.engine import Completion, Engine, Failed, Sampling

TRIES = 3
"""How often a row is tried alone."""
BROKEN = 10
"""So many rows may fail one after the other."""
T = TypeVar("T")
R = TypeVar("R")


class EngineBrokenError(StageError):
    """An engine does no row any more."""


class RetryingEngine:
    """The same engine, with `Failed` for each row that it cannot do.

    Raises:
        EngineBrokenError: When `BROKEN` rows in a row have failed by themselves: the fault is hardly theirs.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._failed = engine, 0

    def _each(self, ask: Callable[[list[T]], Sequence[R | Failed]], items: list[T]) -> list[R | Failed]:
        def counted(some: list[T]) -> Sequence[R | Failed]:
            answers = ask(some)
            self._failed = 0
            return answers

        def failed(error: Exception) -> None:
            self._failed += 1
            if self._failed >= BROKEN:
                raise EngineBrokenError(f"the engine has failed at {BROKEN} rows one after the other: {error}")

        return in_halves(counted, items, failed)

    def forget(self) -> None:
        """See `Engine.forget`."""
        self._engine.forget()

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Completion | Failed]:
        """See `Engine.generate`."""
        return self._each(
            lambda some: self._engine.generate([prompt for prompt, _ in some], sampling, [seed for _, seed in some]),
            list(zip(prompts, seeds, strict=True)),
        )

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[Sequence[float] | Failed]:
        """See `Engine.token_logprobs`."""
        return self._each(
            lambda some: self._engine.token_logprobs([ids for ids, _ in some], [start for _, start in some]),
            list(zip(sequences, starts, strict=True)),
        )

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float] | Failed]:
        """See `Engine.next_logprobs`."""
        return self._each(lambda some: self._engine.next_logprobs(some, choices), list(prompts))


def in_halves(
    ask: Callable[[list[T]], Sequence[R | Failed]],
    items: list[T],
    failed: Callable[[Exception], None] = lambda error: None,
) -> list[R | Failed]:
    """Ask for all items at once; where that raises, for each half, down to single items, `TRIES` times each.

    `failed` is told of each item that could not be done.

    Raises:
        BuilderError: If the engine says so itself; that is about no row.
        MemoryError: At once; the next try would end alike.
    """
    for tried in range(TRIES):
        try:
            return list(ask(items))
        except (BuilderError, MemoryError):
            raise
        except Exception as error:
            sys.stderr.write(f"the engine failed at {len(items)} rows: {type(error).__name__}: {str(error)[:500]}\n")
            if len(items) > 1:
                middle = len(items) // 2
                return in_halves(ask, items[:middle], failed) + in_halves(ask, items[middle:], failed)
            if tried == TRIES - 1:
                failed(error)
                first = (str(error).strip() or type(error).__name__).splitlines()[0]
                return [Failed("engine_error", first[:500])]
    return []
