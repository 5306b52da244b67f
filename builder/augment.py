"""Self-augmentation: M_yx writes the instruction x that each segment y answers (section 2.2 of arXiv 2308.06259)."""

import functools
from pathlib import Path
from typing import Any

from builder.control_tokens import find_control_token
from builder.llm.chunks import run_in_chunks
from builder.llm.contract import Message, Renderer, check_contract
from builder.llm.engine import Completion, Engine, Sampling, load_tokenizer, start_engine
from builder.llm.prompts import render
from builder.recipe import Augment, Chat, Runtime
from builder.recipe import Engine as EngineConfig
from builder.records import Rejects, Stats, candidate_schema, pair_id, row_seed
from builder.section import Section

VERSION = 1


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
        Counts of pairs: `samples` candidates come in for every segment.

    Raises:
        StageError: If the model's contract does not match the recipe, or its engine is missing.
    """
    model = backward / "model"
    tokenizer = load_tokenizer(model)
    renderer = Renderer(check_contract(model, tokenizer, config.chat, "backward"), tokenizer)
    engine = functools.cache(lambda: start_engine(model, config.engine, runtime))

    def write_instructions(rows: list[dict[str, Any]], rejects: Rejects) -> list[dict[str, Any]]:
        asked = _ask(rows, config, renderer, rejects)
        return _candidates(asked, config, renderer, engine, rejects)

    samples = config.augment.samples
    counts = run_in_chunks(
        out,
        segments / "data",
        write_instructions,
        candidate_schema(),
        chunk_rows=runtime.chunk_rows,
        rows_per_input=samples,
    )
    return Stats({"pairs": counts})


def backward_prompt(renderer: Renderer, template: str | Path, output: str) -> list[Message]:
    """The conversation that asks for the instruction of `output`; the same in training and generation.

    Departure: the paper prints no prompt for M_yx; here it is the text alone under a system prompt of its own.
    """
    return [renderer.contract.system("backward"), {"role": "user", "content": render(template, output=output)}]


Asked = tuple[dict[str, Any], int, list[int]]
"""A segment, the number of the sample, and its prompt's token ids."""


def _ask(rows: list[dict[str, Any]], config: AugmentStage, renderer: Renderer, rejects: Rejects) -> list[Asked]:
    """Prompts of all segments that fit the context and hold no control token of the base; the others are rejected.

    The segments stage knows the tokens of common families; the base model may have tokens of its own.
    """
    room = config.engine.max_model_len - config.augment.max_tokens
    asked: list[Asked] = []
    for row in rows:
        messages = backward_prompt(renderer, config.augment.template, row["text"])
        prompt = renderer.prompt(messages)
        reason = "control_tokens" if renderer.forged(messages) else None
        if len(prompt) > room:
            reason = "longer_than_context"
        for sample in range(config.augment.samples):
            if reason:
                _reject(rejects, row, sample, reason, "")
            else:
                asked.append((row, sample, prompt))
    return asked


def _candidates(
    asked: list[Asked], config: AugmentStage, renderer: Renderer, engine: Any, rejects: Rejects
) -> list[dict[str, Any]]:
    if not asked:
        return []
    loaded: Engine = engine()
    sampling = Sampling(config.augment.temperature, config.augment.top_p, config.augment.max_tokens)
    seeds = [row_seed(config.augment.seed, "augment", row["id"], sample) for row, sample, _ in asked]
    kept = []
    for (row, sample, _), completion in zip(
        asked, loaded.generate([prompt for *_, prompt in asked], sampling, seeds), strict=True
    ):
        instruction = answer_text(renderer, completion)
        reason = why_reject(instruction, completion) or _forged(renderer, instruction, row["text"])
        if reason:
            _reject(rejects, row, sample, reason, instruction)
            continue
        kept.append(
            {
                "id": pair_id(row["id"], sample),
                "segment_id": row["id"],
                "page_id": row["page_id"],
                "url": row["url"],
                "header": row["header"],
                "instruction": instruction,
                "output": row["text"],
                "logprob": completion.logprob,
                "tokens": len(completion.ids),
            }
        )
    return kept


def answer_text(renderer: Renderer, completion: Completion) -> str:
    """The text of a completion without its end token; other special tokens stay visible."""
    ids = completion.ids[:-1] if completion.ids[-1:] == [renderer.end_id] else completion.ids
    return str(renderer.tokenizer.decode(ids, skip_special_tokens=False)).strip()


def why_reject(instruction: str, completion: Completion) -> str | None:
    """The reason a generated instruction is unusable, or None; the deeper gate comes after this one."""
    if not completion.ended:
        return "unfinished"
    if not instruction:
        return "empty"
    if find_control_token(instruction):
        return "control_tokens"
    return None


def _forged(renderer: Renderer, instruction: str, output: str) -> str | None:
    """The pair as a conversation, which is what judges and trainings read, must have the turns of the template only."""
    pair = [{"role": "user", "content": instruction}, {"role": "assistant", "content": output}]
    return "control_tokens" if renderer.forged(pair) else None


def _reject(rejects: Rejects, row: dict[str, Any], sample: int, reason: str, text: str) -> None:
    rejects.add(pair_id(row["id"], sample), reason, page_id=row["page_id"], header=row["header"], text=text)
