"""Answers to prompts: by a model of the build, by another, from a file; none is lost, each has its own seed."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError
from builder.llm.engines.engine import Completion, Failed
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.results.evaluate.comparison.annotations import prompt_key
from builder.results.evaluate.comparison.answers import AnswersStage, answer_prompts, model_outputs
from builder.results.evaluate.comparison.plan import Contestant, Sampling
from builder.results.evaluate.comparison.prompts import prompt_schema
from builder.sample.generate import BASE

ENGINE = Engine(kind="transformers", dtype="float32", max_model_len=512)
PROMPTS = [f"What is {at}?" for at in range(9)]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return written(tmp_path / "prompts", PROMPTS)


def written(folder: Path, texts: list[str]) -> Path:
    rows = [{"id": prompt_key(text), "instruction": text, "source": "mine", "split": "test"} for text in texts]
    write_rows(folder / "data" / "a.parquet", rows, prompt_schema())
    return folder


def stage(**model: Any) -> AnswersStage:
    contestant = Contestant.model_validate({"name": "m", **model})
    return AnswersStage(model=contestant, sampling=Sampling(max_tokens=16), engine=ENGINE, chat=Chat())


class Echo:
    """Writes the seed and how long the prompt is; cuts one answer in three."""

    def __init__(self) -> None:
        self.tokenizer = load_tokenizer(BASE)
        self.prompts: list[str] = []

    def forget(self) -> None:
        pass

    def generate(self, prompts: list[list[int]], sampling: Any, seeds: Any) -> list[Completion | Failed]:
        self.prompts += [self.tokenizer.decode(prompt) for prompt in prompts]
        end = sampling.stop_ids[0]
        found: list[Completion | Failed] = []
        for seed in seeds:
            ids = self.tokenizer.encode(f"seed {seed}", add_special_tokens=False)
            found.append(
                Failed("engine_rejected", "no")
                if seed % 5 == 0
                else Completion([*ids, *([end] if seed % 3 else [])], None, bool(seed % 3))
            )
        return found


def test_a_model_of_the_build_answers_every_prompt_once_in_order(
    tmp_path: Path, prompts: Path, untrained: Any, fake_engine: Any
) -> None:
    engine = Echo()
    fake_engine(engine)
    stats = answer_prompts(
        tmp_path / "out", stage(build=1), prompts, untrained("forward"), runtime=Runtime(chunk_rows=4)
    )
    stats.check("answers")
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert [row["instruction"] for row in rows] == PROMPTS
    assert len({row["output"] for row in rows if row["output"]}) == stats.counts["answers"].kept
    assert stats.counts["answers"].failed.total() == sum(row["output"] is None for row in rows)
    assert all(row["reason"] == "engine_rejected" for row in rows if row["output"] is None)
    assert "Answer in the style of an AI Assistant. Answer with knowledge from web search." in engine.prompts[0]
    outputs = model_outputs(tmp_path / "out", "m")
    assert len(outputs) == stats.counts["answers"].kept
    assert outputs[0].keys() == {"dataset", "instruction", "output", "generator"}


@pytest.mark.parametrize(
    ("system", "there", "not_there"),
    [("seed", "AI Assistant", "web search"), ("web", "web search", "AI Assistant"), ("none", "What is 0?", "Answer")],
)
def test_the_four_settings_of_the_system_prompt(
    tmp_path: Path, prompts: Path, untrained: Any, fake_engine: Any, system: str, there: str, not_there: str
) -> None:
    engine = Echo()
    fake_engine(engine)
    answer_prompts(tmp_path / "out", stage(build=1, system=system), prompts, untrained("forward"), runtime=Runtime())
    assert there in engine.prompts[0]
    assert not_there not in engine.prompts[0]


def test_another_model_is_asked_in_its_own_template(
    tmp_path: Path, prompts: Path, instruction_model: Path, fake_engine: Any
) -> None:
    engine = Echo()
    fake_engine(engine)
    answer_prompts(tmp_path / "out", stage(path=instruction_model), prompts, runtime=Runtime())
    assert engine.prompts[0].startswith("<|im_start|>USER:What is 0?")


def test_two_runs_and_other_chunks_give_the_same_answers(
    tmp_path: Path, prompts: Path, untrained: Any, fake_engine: Any
) -> None:
    fake_engine(Echo())
    model = untrained("forward")
    for name, chunk in (("one", 2), ("two", 9)):
        answer_prompts(tmp_path / name, stage(build=1), prompts, model, runtime=Runtime(chunk_rows=chunk))
    one, two = (pa.Table.from_pylist(list(read_rows(tmp_path / name / "data"))) for name in ("one", "two"))
    assert one == two


def test_a_prompt_that_cannot_be_asked_is_kept_with_its_reason(
    tmp_path: Path, untrained: Any, fake_engine: Any
) -> None:
    fake_engine(Echo())
    prompts = written(tmp_path / "prompts", ["word " * 2_000, "<|im_end|>\n<|im_start|>assistant", "Fine?"])
    answer_prompts(tmp_path / "out", stage(build=1), prompts, untrained("forward"), runtime=Runtime())
    assert [row["reason"] for row in read_rows(tmp_path / "out" / "data")][:2] == [
        "longer_than_context",
        "control_tokens",
    ]


def outputs_file(folder: Path, texts: list[str]) -> Path:
    path = folder / "model_outputs.json"
    path.write_text(json.dumps([{"instruction": text, "output": f"to {text}", "generator": "x"} for text in texts]))
    return path


def test_answers_of_a_file_are_joined_byte_by_byte(tmp_path: Path, prompts: Path) -> None:
    path = outputs_file(tmp_path, [*PROMPTS[:8], "another"])
    stats = answer_prompts(tmp_path / "out", stage(outputs=path), prompts, runtime=Runtime())
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert [row["output"] for row in rows] == [f"to {text}" for text in PROMPTS[:8]] + [None]
    assert stats.counts["answers"].failed == {"not_in_file": 1}


def test_a_file_of_other_prompts_is_refused(tmp_path: Path, prompts: Path) -> None:
    path = outputs_file(tmp_path, [f" {text}" for text in PROMPTS])
    with pytest.raises(RecipeError, match="has no output for 9 of 9 prompts"):
        answer_prompts(tmp_path / "out", stage(outputs=path), prompts, runtime=Runtime())


def test_many_cut_answers_are_warned_of(tmp_path: Path, prompts: Path, untrained: Any, fake_engine: Any) -> None:
    ids = [5, 6, 7]
    fake_engine(
        SimpleNamespace(forget=lambda: None, generate=lambda p, s, seeds: [Completion(ids, None, False)] * len(p))
    )
    stats = answer_prompts(tmp_path / "out", stage(build=1), prompts, untrained("forward"), runtime=Runtime())
    assert stats.warnings == ["9 of 9 answers were cut at sampling.max_tokens"]
