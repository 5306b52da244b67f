"""Self-augmentation: M_yx writes the instruction x that each segment y answers (section 2.2 of arXiv 2308.06259)."""

import functools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.data.accounting import Rejects, Stats
from builder.data.records import Row, candidate_schema, pair_id, row_seed
from builder.data.storage import read_rows
from builder.llm.batch.runner import run_rows
from builder.llm.contract import check_contract
from builder.llm.conversations import backward_prompt, untagged
from builder.llm.engines.engine import Engine, Failed, Generation, Sampling, Tick
from builder.llm.engines.generators import Generator, TokenGenerator, open_other
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.gate.rules import why_reject_instruction
from builder.method.augment.openings import openings
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.models import Chat
from builder.recipe.sections.models import Engine as EngineConfig
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.text.control_tokens import find_control_token

VERSION = 7


class AugmentStage(Section):
    """What the stage `augment` depends on."""

    augment: Augment
    engine: EngineConfig
    chat: Chat


def augment(out: Path, config: AugmentStage, segments: Path, backward: Path, *, runtime: Runtime) -> Stats:
    """Write candidate pairs for every segment.

    Args:
        out: Stage folder; candidates go to `data/`, rejected ones to `rejected/`.
        config: Sampling, engine and chat sections.
        segments: Stage folder of the deduplicated segments.
        backward: Stage folder of M_yx.
        runtime: Sizes that change no result.

    Returns:
        Counts of pairs: `samples` candidates come in for every segment. In the details the most frequent openings.

    Raises:
        StageError: If the model's contract does not match the recipe, or its engine is missing or fails too often.
    """
    work = InstructionWriter(config, backward / "model", runtime)
    samples = config.augment.samples
    counts = run_rows(out, segments / "data", work, candidate_schema(), runtime, rows_per_input=samples)
    commonest = openings(row["instruction"] for row in read_rows(out / "data", ["instruction"]))
    return Stats({"pairs": counts}, {"openings": commonest.as_dict()}, [commonest.warning] if commonest.warning else [])


@dataclass
class InstructionWriter:
    """M_yx, or the model the recipe names instead, at work on the rows of the segments.

    Attributes:
        config: Sampling, engine and chat sections.
        model: The folder of M_yx.
        runtime: Sizes that change no result.
        engine: The engine, once it is started.
    """

    config: AugmentStage
    model: Path
    runtime: Runtime
    engine: Engine | None = field(default=None, repr=False)

    @functools.cached_property
    def _generator(self) -> Generator:
        other = self.config.augment.model
        if other is not None:
            return open_other(
                other, "backward", self.config.chat, self.config.engine, self.runtime, lambda: self._tick()
            )
        tokenizer = load_tokenizer(self.model)
        renderer = Renderer(check_contract(self.model, tokenizer, self.config.chat, "backward"), tokenizer)
        return TokenGenerator(renderer, self._start, self.config.engine.max_model_len)

    def _start(self) -> Engine:
        if self.engine is None:
            self.engine = start_engine(self.model, self.config.engine, self.runtime, self._tick)
        return self.engine

    @property
    def loads_model(self) -> bool:
        """Whether a model is loaded here, and not asked through a server."""
        other = self.config.augment.model
        return self.config.engine.kind != "openai" and (other is None or other.served_name is None)

    def answer(self, rows: list[Row], rejects: Rejects, tick: Tick) -> list[Row]:
        """The candidates of some segments; what is rejected goes to `rejects`."""
        self._tick = tick
        augment, asked = self.config.augment, self._ask(rows, rejects)
        seeds = [row_seed(augment.seed, "augment", row["id"], sample) for row, sample, _ in asked]
        sampling = Sampling(augment.temperature, augment.top_p, augment.max_tokens)
        generations = self._generator.generate([prompt for *_, prompt in asked], sampling, seeds)
        kept = []
        for (row, sample, _), answer in zip(asked, generations, strict=True):
            if isinstance(answer, Failed):
                _reject(rejects, row, sample, answer.reason, answer.message)
            elif reason := self._why_reject(answer, row):
                _reject(rejects, row, sample, reason, answer.text)
            else:
                kept.append(_candidate(row, sample, answer))
        return best_of_each(kept, rejects) if augment.keep == "best" else kept

    def give_up(self, row: Row, reason: str, rejects: Rejects) -> list[Row]:
        """Reject all samples of a segment."""
        for sample in range(self.config.augment.samples):
            _reject(rejects, row, sample, reason, "")
        return []

    def _ask(self, rows: list[Row], rejects: Rejects) -> list[tuple[Row, int, Any]]:
        """Segment, sample and prompt of all that fit the context and hold no control token; the others are rejected.

        The segments stage knows the tokens of common families; the model may have tokens of its own.
        """
        augment, asked = self.config.augment, []
        conversations = [backward_prompt(self.config.chat, augment.template, row["text"]) for row in rows]
        prompts = self._generator.prepare(conversations)
        for row, messages, prompt in zip(rows, conversations, prompts, strict=True):
            reason = "control_tokens" if self._generator.forged(messages) else None
            if not self._generator.fits(prompt, augment.max_tokens):
                reason = "longer_than_context"
            for sample in range(augment.samples):
                if reason:
                    _reject(rejects, row, sample, reason, "")
                else:
                    asked.append((row, sample, prompt))
        return asked

    @functools.cached_property
    def _prompt_text(self) -> str:
        """What the model is shown besides the segment."""
        prompt = backward_prompt(self.config.chat, self.config.augment.template, "")
        return "\n".join(turn["content"] for turn in prompt)

    def _why_reject(self, answer: Generation, row: Row) -> str | None:
        # The pair as a conversation, which is what judges and trainings read, must have the turns of the template only.
        pair = untagged(answer.text, row["text"])
        return (
            broken(answer)
            or ("control_tokens" if answer.text and self._generator.forged(pair) else None)
            or why_reject_instruction(
                answer.text,
                row["text"],
                config=self.config.augment.gate,
                prompt=self._prompt_text,
                language=row["language"],
            )
        )


def _candidate(row: Row, sample: int, answer: Generation) -> Row:
    return {
        "id": pair_id(row["id"], sample),
        "segment_id": row["id"],
        "page_id": row["page_id"],
        "url": row["url"],
        "header": row["header"],
        "instruction": answer.text,
        "output": row["text"],
        "logprob": answer.logprob,
        "tokens": answer.tokens,
    }


def broken(answer: Generation) -> str | None:
    """Why an answer is no instruction at all, or None; `builder.method.augment.gate.rules` looks at what it says."""
    if not answer.ended:
        return "unfinished"
    return "control_tokens" if find_control_token(answer.text) else None


def best_of_each(candidates: list[Row], rejects: Rejects) -> list[Row]:
    """Of each segment the candidate with the highest log p(x|y) per token, the first one of equals."""
    best: dict[str, Row] = {}
    for row in candidates:
        known = best.setdefault(row["segment_id"], row)
        if _per_token(row) > _per_token(known):
            best[row["segment_id"]] = row
    for row in candidates:
        if row is not best[row["segment_id"]]:
            rejects.add(row["id"], "not_best", page_id=row["page_id"], header=row["header"], text=row["instruction"])
    return list(best.values())


def _per_token(row: Row) -> float:
    """Log p(x|y) per token; below all others where a server tells neither."""
    return row["logprob"] / row["tokens"] if row["logprob"] is not None and row["tokens"] else -math.inf


def _reject(rejects: Rejects, row: Row, sample: int, reason: str, text: str) -> None:
    rejects.add(pair_id(row["id"], sample), reason, page_id=row["page_id"], header=row["header"], text=text)
