"""The pairwise judge: which of two answers is better, asked in both orders (the paper's section 3.3)."""

import functools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.accounting import Counts, Rejects, Stats
from builder.data.records import Row, row_seed
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.batch.runner import run_rows
from builder.llm.contract import check_contract
from builder.llm.conversations import Message, comparison_prompt, evaluation_prompt
from builder.llm.engines.engine import Engine, Failed, Generation, Sampling, Tick
from builder.llm.engines.generators import Generator, TokenGenerator, open_other, other_folder, other_renderer
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat
from builder.recipe.sections.models import Engine as EngineConfig
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.results.evaluate.comparison.plan import PairJudge
from builder.results.evaluate.statistics.win_rates import DRAW

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
PAIRS = "pairs"
"""Below the stage folder: what the judge is asked, a row an order."""
ORDERS = (1, 2)
"""Where the model's answer stands."""


class CompareStage(Section):
    """What a stage `evaluate-judged-<name>` depends on."""

    judge: PairJudge
    engine: EngineConfig
    chat: Chat


def pair_schema() -> "pa.Schema":
    """What is judged: a prompt with both answers in one order; `order` is where the model's stands."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("id", "prompt_id", "source", "instruction", "first", "second")]
    return pa.schema([*texts, ("order", pa.int8()), ("reason", pa.string())])


def judged_schema() -> "pa.Schema":
    """What the judge said: `p`, how likely the model's answer is better; null with a reason where that is not known."""
    import pyarrow as pa

    return pa.schema([
        ("id", pa.string()),
        ("prompt_id", pa.string()),
        ("source", pa.string()),
        ("order", pa.int8()),
        ("p", pa.float64()),
        ("mass", pa.float64()),
        ("asked", pa.bool_()),
        ("reason", pa.string()),
        ("reply", pa.string()),
        ("length_model", pa.int32()),
        ("length_reference", pa.int32()),
    ])  # fmt: skip


def compare(out: Path, config: CompareStage, answers: Path, reference: Path, *models: Path, runtime: Runtime) -> Stats:
    """Judge the answers of a model against those of the reference, in both orders.

    Args:
        out: Stage folder; `data/` gets a row for each prompt and order.
        config: The judge.
        answers: Stage folder of the model's answers.
        reference: Stage folder of the reference's.
        models: Stage folder of the judge, if the build has trained it.
        runtime: Sizes that change no result.

    Returns:
        Counts of `judgements`, `failed` being those that could not be read.

    Raises:
        StageError: If the judge cannot be asked.
    """
    write_rows(out / PAIRS / "pairs.parquet", pairs_of(answers, reference), pair_schema())
    work = Comparer(config, models[0] / "model" if models else None, runtime, out)
    run_rows(out, out / PAIRS, work, judged_schema(), runtime)
    counts, identical, masses = Counts(), 0, []
    for row in read_rows(out / "data", ["p", "reason", "asked", "mass"]):
        counts.rows_in += 1
        if row["p"] is None:
            counts.failed[row["reason"]] += 1
        else:
            counts.kept += 1
            identical += not row["asked"]
        if row["mass"] is not None:
            masses.append(row["mass"])
    mean = math.fsum(masses) / len(masses) if masses else None
    warnings = []
    if mean is not None and mean < 0.5:
        names = " and ".join(config.judge.tokens)
        warnings.append(f"the judge gives {names} {mean:.1%} of its probability: it does not take the question as such")
    return Stats({"judgements": counts}, {"identical": identical, "mass": mean}, warnings)


def pairs_of(answers: Path, reference: Path) -> list[Row]:
    """Each prompt that both were asked, in both orders; a missing answer has a reason, and is not judged.

    Raises:
        StageError: If they were asked different prompts.
    """
    theirs = {row["id"]: row["output"] for row in read_rows(reference / "data", ["id", "output"])}
    rows = []
    for row in read_rows(answers / "data"):
        if row["id"] not in theirs:
            raise StageError(f"prompt {row['id']} was asked of the model and not of the reference; build both anew")
        ours, other = row["output"], theirs[row["id"]]
        for order in ORDERS:
            first, second = (ours, other) if order == 1 else (other, ours)
            rows.append({
                "id": f"{row['id']}-{order}",
                "prompt_id": row["id"],
                "source": row["source"],
                "instruction": row["instruction"],
                "first": first,
                "second": second,
                "order": order,
                "reason": "no_answer" if ours is None or other is None else None,
            })  # fmt: skip
    return rows


@dataclass
class Comparer:
    """A judge at work on pairs of answers.

    Attributes:
        config: The judge's sections.
        folder: Of a model of the build.
        runtime: Sizes that change no result.
        out: The stage folder.
        engine: The engine, once it is started.
    """

    config: CompareStage
    folder: Path | None
    runtime: Runtime
    out: Path
    engine: Engine | None = field(default=None, repr=False)

    @property
    def loads_model(self) -> bool:
        """Whether a model is loaded here, and not asked through a server."""
        return self.config.engine.kind != "openai" and self.config.judge.served is None

    def answer(self, rows: list[Row], rejects: Rejects, tick: Tick) -> list[Row]:
        """What the judge says of each pair; identical answers are a draw, and nobody is asked."""
        self._tick = tick
        judged = {row["id"]: _settled(row) for row in rows}
        open_rows = [row for row in rows if judged[row["id"]] is None]
        reads = self._probabilities if self.config.judge.read == "probabilities" else self._texts
        for row, said in zip(open_rows, reads(open_rows), strict=True):
            judged[row["id"]] = said
        return [found for row in rows if (found := judged[row["id"]])]

    def give_up(self, row: Row, reason: str, rejects: Rejects) -> list[Row]:
        """A row without a judgement."""
        return [_unread(row, reason)]

    def _messages(self, row: Row) -> list[Message]:
        judge = self.config.judge
        return comparison_prompt(judge.system, judge.template, row["instruction"], row["first"], row["second"])

    def _probabilities(self, rows: list[Row]) -> list[Row]:
        """From log p of the two tokens, as the reply's first one: p of the model's over p of both."""
        conversations = [self._messages(row) for row in rows]
        said, asked = [_unread(row, "longer_than_context") for row in rows], []
        prompts = self._renderer.prompts(conversations)
        for at, prompt in enumerate(prompts):
            if self._renderer.forged(conversations[at]):
                said[at] = _unread(rows[at], "control_tokens")
            elif len(prompt) < self.config.engine.max_model_len:
                asked.append(at)
        if not asked:
            return said
        engine = self._start()
        engine.forget()
        readings = engine.next_logprobs([prompts[at] for at in asked], self._tokens)
        for at, reading in zip(asked, readings, strict=True):
            said[at] = _unread(rows[at], reading.reason) if isinstance(reading, Failed) else _read(rows[at], reading)
        return said

    def _texts(self, rows: list[Row]) -> list[Row]:
        """From the reply: the name of one answer that stands there, and not the other's."""
        judge, generator = self.config.judge, self._generator
        conversations = [self._messages(row) for row in rows]
        prompts = generator.prepare(conversations)
        said, asked = [_unread(row, "longer_than_context") for row in rows], []
        for at, (messages, prompt) in enumerate(zip(conversations, prompts, strict=True)):
            if generator.forged(messages):
                said[at] = _unread(rows[at], "control_tokens")
            elif generator.fits(prompt, judge.max_tokens):
                asked.append(at)
        seeds = [row_seed(0, "compare", rows[at]["id"]) for at in asked]
        sampling = Sampling(0.0, 1.0, judge.max_tokens)
        written = generator.generate([prompts[at] for at in asked], sampling, seeds)
        for at, reply in zip(asked, written, strict=True):
            if isinstance(reply, Failed):
                said[at] = _unread(rows[at], reply.reason)
            else:
                said[at] = _read_text(rows[at], reply, judge.tokens)
        return said

    @functools.cached_property
    def _model(self) -> Path:
        other = self.config.judge.other
        if other is not None:
            return other_folder(other)
        if self.folder is None:
            raise StageError("the judge is a model of the build, and none was handed on")
        return self.folder

    @functools.cached_property
    def _renderer(self) -> Renderer:
        if self.config.judge.other is not None:
            return other_renderer(self._model, "forward", self.config.chat)
        tokenizer = load_tokenizer(self._model)
        return Renderer(check_contract(self._model, tokenizer, self.config.chat, "forward"), tokenizer)

    @functools.cached_property
    def _generator(self) -> Generator:
        other, config = self.config.judge.other, self.config
        if other is not None and other.served_name is not None:
            return open_other(
                other, "forward", config.chat, config.engine, self.runtime, lambda: self._tick(), self.out
            )
        return TokenGenerator(self._renderer, self._start, config.engine.max_model_len)

    @functools.cached_property
    def _tokens(self) -> list[int]:
        """The tokens of the two names where a reply begins.

        Raises:
            StageError: If one of them is not a token there.
        """
        question = evaluation_prompt(self.config.chat, "default", "?")
        found = []
        for name in self.config.judge.tokens:
            ids, start = self._renderer.answered(question, name)
            if len(ids) - start != 2:  # the name, and what ends the turn
                raise StageError(
                    f"{self._model}: {name!r} is {len(ids) - start - 1} tokens at the beginning of a reply; choose "
                    "other judge.tokens, or set judge.read to text"
                )
            found.append(ids[start])
        return found

    def _start(self) -> Engine:
        if self.engine is None:
            self.engine = start_engine(self._model, self.config.engine, self.runtime, self._tick)
        return self.engine


def _settled(row: Row) -> Row | None:
    """The judgement of a pair that needs no judge; None if it does."""
    if row["reason"] is not None:
        return _unread(row, row["reason"])
    return _said(row, DRAW, asked=False) if row["first"] == row["second"] else None


def _read(row: Row, reading: list[float]) -> Row:
    first, second = reading
    difference = first - second
    p_second = 1 / (1 + math.exp(difference)) if difference < 700 else 0.0
    p = p_second if row["order"] == 2 else 1 - p_second
    return _said(row, p, mass=min(1.0, math.exp(first) + math.exp(second)))


def _read_text(row: Row, reply: Generation, names: list[str]) -> Row:
    words = [word.strip("\"'`*().,:;!") for word in reply.text.split()]
    there = [at for at, name in enumerate(names) if name in words]
    if len(there) != 1:
        return _unread(row, "no_verdict", reply.text)
    return _said(row, float(there[0] + 1 == row["order"]), reply=reply.text)


def _said(row: Row, p: float, *, asked: bool = True, mass: float | None = None, reply: str | None = None) -> Row:
    return _of_pair(row) | {"p": p, "mass": mass, "asked": asked, "reply": reply}


def _unread(row: Row, reason: str, reply: str | None = None) -> Row:
    return _of_pair(row) | {"p": None, "asked": reason == "no_verdict", "reason": reason, "reply": reply}


def _of_pair(row: Row) -> Row:
    model, other = ("first", "second") if row["order"] == 1 else ("second", "first")
    return {
        "id": row["id"],
        "prompt_id": row["prompt_id"],
        "source": row["source"],
        "order": row["order"],
        "reason": None,
        "length_model": len(row[model] or ""),
        "length_reference": len(row[other] or ""),
    }
