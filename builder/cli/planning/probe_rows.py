"""Rows through a model: what its start costs, and what a row costs in batches as large as can be tried."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from builder.cli.planning.probe import SAMPLE, Probe, bytes_of, first_rows, measured
from builder.data.accounting import Rejects, Stats
from builder.data.records import Row, candidate_schema, score_schema
from builder.data.storage import write_rows
from builder.errors import StageError
from builder.llm.batch.work import Work
from builder.llm.engines.engine import Completion, Engine, Failed, Sampling
from builder.llm.engines.generators import other_folder
from builder.llm.engines.start import start_engine
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.gate.rules import why_reject_instruction
from builder.method.augment.stage import AugmentStage, InstructionWriter
from builder.method.curate.scoring.score import Scorer, ScoreStage
from builder.recipe.sections.judges import Rated
from builder.recipe.sections.runtime import Runtime

_PAIRS = 500
"""Pairs of the seed that are looked at."""
_FIRST, _SECOND = 2, 8
"""Rows of the first batch, which starts the engine, and of the second; from then on each has twice as many."""


def measure_augment(
    out: Path, config: Probe, segments: Path, backward: Path, seed: Path | None = None, *, runtime: Runtime
) -> Stats:
    """Write instructions for some segments.

    Args:
        out: Where to.
        config: How many.
        segments: Their stage folder.
        backward: That of M_yx.
        seed: That of the seed pairs, if M_yx is not trained yet. It writes on then until it may write no more, so that
            it may write as much as an instruction of the seed has; and of these it is asked how many pass the gate.
        runtime: Sizes.
    """
    settings: AugmentStage = config.settings()
    seen: dict[str, Any] = {}
    if seed is not None:
        seen = _of_seed(seed, backward / "model", settings)
        shorter = settings.augment.model_copy(update={"max_tokens": seen["instruction_tokens"]})
        settings = settings.model_copy(update={"augment": shorter})
    counted = _counted(settings.augment.model, backward / "model", settings, runtime)
    work = InstructionWriter(settings, backward / "model", runtime, counted)
    stats = _measure(out, config, work, counted, segments, runtime, candidate_schema())
    return Stats(stats.counts, stats.details | seen)


def _of_seed(seed: Path, model: Path, settings: AugmentStage) -> dict[str, Any]:
    """How long the instructions of the seed are, and how many of them pass the gate."""
    rows, tokenizer = first_rows(seed / "data", _PAIRS), load_tokenizer(model)
    lengths = [len(tokenizer(row["instruction"])["input_ids"]) + 1 for row in rows]
    passed = [
        why_reject_instruction(row["instruction"], row["output"], config=settings.augment.gate, prompt="", language="")
        is None
        for row in rows
    ]
    longest = settings.augment.max_tokens
    return {
        "instruction_tokens": min(-(-sum(lengths) // len(lengths)), longest),
        "seed_passed": sum(passed) / len(passed),
    }


def measure_score(out: Path, config: Probe, candidates: Path, model: Path, *, runtime: Runtime) -> Stats:
    """Score some pairs."""
    settings: ScoreStage = config.settings()
    other = settings.judge.model if isinstance(settings.judge, Rated) else None
    counted = _counted(other, model / "model", settings, runtime)
    work = Scorer(settings, model / "model", runtime, out / "none", counted)
    return _measure(out, config, work, counted, candidates, runtime, score_schema(settings.judge.judge))


def _measure(
    out: Path, config: Probe, work: Work, counted: "Counted | None", source: Path, runtime: Runtime, schema: Any
) -> Stats:
    rows = first_rows(source / "data", config.units)
    if not rows:
        raise StageError(
            "no row of the sample came this far, so there is none to try it on; `humpback check RECIPE` says why"
        )
    begun = time.monotonic()
    rejects, kept = Rejects(), work.answer(rows[:_FIRST], Rejects(), _tick)
    start = time.monotonic() - begun
    if counted is not None:
        counted.tokens = 0
    batches = list[tuple[int, float]]()
    for batch in _batches(rows[_FIRST:] or rows, runtime.chunk_rows, config.seconds):
        before = time.monotonic()
        kept += work.answer(batch, rejects, _tick)
        batches.append((len(batch), time.monotonic() - before))
    answered = sum(size for size, _ in batches)
    write_rows(out / SAMPLE / "data" / "rows.parquet", kept, schema)
    speeds = [seconds / size for size, seconds in batches[-2:]]
    each = speeds[-1]
    return measured(
        answered,
        start=max(start - _FIRST * speeds[0], 0.0),
        each=each,
        low=min(speeds) / each * 0.85,
        high=max(*speeds, each) / each * 1.25,
        unit="rows",
        tokens=None if counted is None else counted.tokens / answered,
        kept=len(kept) / (answered + min(_FIRST, len(rows))),
        reasons=dict(Counter(row["reason"] for row in rejects.rows)),
        bytes_each=bytes_of(out / SAMPLE) / (answered + min(_FIRST, len(rows))),
        batch=batches[-1][0],
    )


def _batches(rows: list[Row], most: int, seconds: float) -> "Any":
    """Rows in batches that grow while there is time; whoever takes one is back when it is done."""
    begun, at, size = time.monotonic(), 0, min(_SECOND, most)
    while at < len(rows):
        if len(rows) - at < 2 * size <= most:  # the last batch is the largest
            size = len(rows) - at
        before = time.monotonic()
        yield rows[at : at + size]
        at, taken, size = at + size, time.monotonic() - before, min(2 * size, most)
        if time.monotonic() - begun + 2 * taken > seconds:
            return


def _tick() -> None:
    """Nobody waits for a sign of life."""


class Counted:
    """An engine that is started when it is asked first, and counts the tokens that it reads and writes."""

    def __init__(self, start: Callable[[], Engine]) -> None:
        self._start, self._engine = start, None  # type: tuple[Callable[[], Engine], Engine | None]
        self.tokens = 0

    def forget(self) -> None:
        """See `Engine.forget`."""
        if self._engine is not None:
            self._engine.forget()

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]
    ) -> Sequence[Completion | Failed]:
        """See `Engine.generate`."""
        answers = self._started(prompts).generate(prompts, sampling, seeds)
        self.tokens += sum(len(answer.ids) for answer in answers if isinstance(answer, Completion))
        return answers

    def token_logprobs(
        self, sequences: Sequence[list[int]], starts: Sequence[int]
    ) -> Sequence[Sequence[float] | Failed]:
        """See `Engine.token_logprobs`."""
        return self._started(sequences).token_logprobs(sequences, starts)

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> Sequence[list[float] | Failed]:
        """See `Engine.next_logprobs`."""
        return self._started(prompts).next_logprobs(prompts, choices)

    def _started(self, prompts: Sequence[list[int]]) -> Engine:
        self.tokens += sum(map(len, prompts))
        if self._engine is None:
            self._engine = self._start()
        return self._engine


def _counted(other: Any, model: Path, settings: "AugmentStage | ScoreStage", runtime: Runtime) -> Counted | None:
    """The engine of a stage; None where a server is asked, or M_yx is another model, which open it themselves."""
    if other is not None and (other.served_name is not None or isinstance(settings, AugmentStage)):
        return None
    folder = model if other is None else other_folder(other)
    return Counted(lambda: start_engine(folder, settings.engine, runtime, _tick))
