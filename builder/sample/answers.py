"""Answers that a model of the quickstart writes by itself, for the share of well-formed ones in its table."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from builder.data.accounting import Counts, Stats
from builder.data.records import row_seed
from builder.data.storage import write_rows
from builder.llm.contract import check_contract
from builder.llm.conversations import Tags, evaluation_prompt
from builder.llm.engines.engine import Failed, Sampling
from builder.llm.engines.generators import answer_text
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Later, Section

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1


class AnswerStage(Section):
    """Questions and how often each is asked."""

    questions: list[str]
    samples: int
    temperature: float = 1.0
    max_tokens: int = 128
    seed: int = 0
    engine: Engine
    chat: Chat
    tags: Annotated[Tags, Later()] = "both"


def answer_schema() -> "pa.Schema":
    """Answers: one row a question and sample."""
    import pyarrow as pa

    return pa.schema([("question", pa.string()), ("answer", pa.string()), ("ended", pa.bool_())])


def answer_questions(out: Path, config: AnswerStage, model: Path, *, runtime: Runtime) -> Stats:
    """Let a forward model answer every question `samples` times, by default with both tags as system prompt (3.4).

    Args:
        out: Stage folder; `data/` gets question, answer and whether it ended by itself.
        config: Questions and sampling.
        model: Stage folder of the model.
        runtime: Sizes that change no result.
    """
    folder = model / "model"
    tokenizer = load_tokenizer(folder)
    renderer = Renderer(check_contract(folder, tokenizer, config.chat, "forward"), tokenizer)
    asked = [(question, sample) for question in config.questions for sample in range(config.samples)]
    prompts = [renderer.prompt(evaluation_prompt(config.chat, config.tags, question)) for question, _ in asked]
    seeds = [row_seed(config.seed, "answer", question, sample) for question, sample in asked]
    sampling = Sampling(config.temperature, 1.0, config.max_tokens)
    answers = start_engine(folder, config.engine, runtime).generate(prompts, sampling, seeds)
    rows = [
        {"question": question, "answer": answer_text(renderer, answer), "ended": answer.ended}
        for (question, _), answer in zip(asked, answers, strict=True)
        if not isinstance(answer, Failed)
    ]
    failed = Counter(answer.reason for answer in answers if isinstance(answer, Failed))
    write_rows(out / "data" / "answers.parquet", rows, answer_schema())
    return Stats({"answers": Counts(rows_in=len(asked), kept=len(rows), failed=failed)})
