"""Answers of a model to the prompts of an evaluation, each with a seed of its own."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts, Rejects, Stats
from builder.data.records import Row, row_seed
from builder.data.storage import read_rows, write_rows
from builder.data.tables.file_rows import file_rows
from builder.errors import RecipeError
from builder.llm.batch.runner import run_rows
from builder.llm.contract import check_contract
from builder.llm.conversations import evaluation_prompt
from builder.llm.engines import engine as engines
from builder.llm.engines.engine import Engine, Failed, Tick
from builder.llm.engines.generators import Generator, TokenGenerator, open_other
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat
from builder.recipe.sections.models import Engine as EngineConfig
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.results.evaluate.comparison.annotations import prompt_key
from builder.results.evaluate.comparison.plan import Contestant, Sampling

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
FAR = 0.01
"""The share of prompts without an answer, above which a file of answers is another evaluation's."""


class AnswersStage(Section):
    """What a stage `evaluate-answers-<name>` depends on."""

    model: Contestant
    sampling: Sampling
    engine: EngineConfig
    chat: Chat


def answer_schema() -> "pa.Schema":
    """Answers: `output` is null where there is none, with the reason; `ended` says whether it ended by itself."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("id", "instruction", "source", "output")]
    return pa.schema([*texts, ("ended", pa.bool_()), ("reason", pa.string())])


def answer_prompts(out: Path, config: AnswersStage, prompts: Path, *models: Path, runtime: Runtime) -> Stats:
    """Let a model answer every prompt once, or take its answers from a file.

    Args:
        out: Stage folder; `data/` gets a row a prompt, in their order.
        config: The model, and how it is asked.
        prompts: Stage folder of the prompts.
        models: Stage folder of the model, if the build has trained it.
        runtime: Sizes that change no result.

    Returns:
        Counts of `answers`, `failed` being prompts without one; in the details mean length, and how many were cut.

    Raises:
        RecipeError: If a file of answers has none for many prompts.
        StageError: If the model cannot be loaded, or fails too often.
    """
    if config.model.outputs is not None:
        _take_outputs(out, config.model.outputs, prompts)
    else:
        work = Answerer(config, models[0] / "model" if models else None, runtime, out)
        run_rows(out, prompts / "data", work, answer_schema(), runtime)
    return _stats(out)


def _stats(out: Path) -> Stats:
    counts, characters, cut = Counts(), 0, 0
    for row in read_rows(out / "data", ["output", "ended", "reason"]):
        counts.rows_in += 1
        if row["output"] is None:
            counts.failed[row["reason"]] += 1
            continue
        counts.kept += 1
        characters += len(row["output"])
        cut += row["ended"] is False
    mean = characters / counts.kept if counts.kept else None
    share = cut / counts.kept if counts.kept else 0
    warnings = [f"{cut:,} of {counts.kept:,} answers were cut at sampling.max_tokens"] if share > 0.1 else []
    return Stats({"answers": counts}, {"characters": mean, "cut": cut}, warnings)


@dataclass
class Answerer:
    """A model at work on prompts.

    Attributes:
        config: The model, and how it is asked.
        folder: Of a model of the build.
        runtime: Sizes that change no result.
        out: The stage folder.
        engine: The engine, once it is started.
    """

    config: AnswersStage
    folder: Path | None
    runtime: Runtime
    out: Path
    engine: Engine | None = field(default=None, repr=False)

    @property
    def loads_model(self) -> bool:
        """Whether a model is loaded here, and not asked through a server."""
        return self.config.engine.kind != "openai" and self.config.model.served is None

    @functools.cached_property
    def _generator(self) -> Generator:
        other, config = self.config.model.other, self.config
        if other is not None:
            return open_other(
                other, "forward", config.chat, config.engine, self.runtime, lambda: self._tick(), self.out
            )
        folder = self.folder
        if folder is None:
            raise RecipeError(f"{config.model.name}: names a model of the build, and none was handed on")
        tokenizer = load_tokenizer(folder)
        renderer = Renderer(check_contract(folder, tokenizer, config.chat, "forward"), tokenizer)
        return TokenGenerator(renderer, lambda: self._start(folder), config.engine.max_model_len)

    def _start(self, folder: Path) -> Engine:
        if self.engine is None:
            self.engine = start_engine(folder, self.config.engine, self.runtime, self._tick)
        return self.engine

    def answer(self, rows: list[Row], rejects: Rejects, tick: Tick) -> list[Row]:
        """An answer to every prompt, or why there is none."""
        self._tick = tick
        model, how = self.config.model, self.config.sampling
        conversations = [evaluation_prompt(self.config.chat, model.tags, row["instruction"]) for row in rows]
        prompts = self._generator.prepare(conversations)
        reasons = [
            "longer_than_context"
            if not self._generator.fits(prompt, how.max_tokens)
            else "control_tokens"
            if self._generator.forged(messages)
            else None
            for messages, prompt in zip(conversations, prompts, strict=True)
        ]
        asked = [at for at, reason in enumerate(reasons) if reason is None]
        # The same seed for every model: where two write alike, they are drawn alike.
        seeds = [row_seed(how.seed, "evaluate", rows[at]["id"]) for at in asked]
        sampling = engines.Sampling(how.temperature, how.top_p, how.max_tokens)
        written = iter(self._generator.generate([prompts[at] for at in asked], sampling, seeds))
        return [
            _answered(row, next(written)) if reason is None else _unanswered(row, reason)
            for row, reason in zip(rows, reasons, strict=True)
        ]

    def give_up(self, row: Row, reason: str, rejects: Rejects) -> list[Row]:
        """A row without an answer."""
        return [_unanswered(row, reason)]


def _answered(row: Row, answer: engines.Generation | Failed) -> Row:
    if isinstance(answer, Failed):
        return _unanswered(row, answer.reason)
    return _of_prompt(row) | {"output": answer.text, "ended": answer.ended, "reason": None}


def _unanswered(row: Row, reason: str) -> Row:
    return _of_prompt(row) | {"output": None, "ended": None, "reason": reason}


def _of_prompt(row: Row) -> Row:
    return {name: row[name] for name in ("id", "instruction", "source")}


def _take_outputs(out: Path, path: Path, prompts: Path) -> None:
    """Answers of a file to the prompts, byte by byte the same; what it has beside them is left."""
    given: dict[str, str] = {}
    for where, row in file_rows(path):
        instruction, output = (row.get(name) if isinstance(row, dict) else None for name in ("instruction", "output"))
        if not isinstance(instruction, str) or not isinstance(output, str):
            raise RecipeError(f"{where}: needs instruction and output, as model_outputs.json of AlpacaEval has them")
        if given.setdefault(prompt_key(instruction), output) != output:
            raise RecipeError(f"{where}: has another output than an earlier row with the same instruction")
    rows = []
    for row in read_rows(prompts / "data"):
        found = given.get(row["id"])
        rows.append(_unanswered(row, "not_in_file") if found is None else _of_prompt(row) | {"output": found})
    missing = sum(row["output"] is None for row in rows)
    if missing > max(1, FAR * len(rows)):
        raise RecipeError(
            f"{path}: has no output for {missing:,} of {len(rows):,} prompts; its instructions must be those of the "
            "prompts, byte by byte"
        )
    write_rows(out / "data" / "answers.parquet", rows, answer_schema())


def model_outputs(answers: Path, generator: str) -> list[dict[str, Any]]:
    """Answers as AlpacaEval reads them, in the order of the prompts; prompts without an answer are left out.

    Args:
        answers: Stage folder of the answers.
        generator: The model's name.
    """
    return [
        {
            "dataset": row["source"],
            "instruction": row["instruction"],
            "output": row["output"],
            "generator": generator,
        }
        for row in read_rows(answers / "data")
        if row["output"] is not None
    ]
