"""Prompt sets as they are published, each prompt once, and what training rows hold of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.data.records import curated_schema, seed_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError
from builder.recipe.sections.runtime import Runtime
from builder.results.evaluate.comparison.plan import Prompts
from builder.results.evaluate.comparison.prompts import prompt_of, select_prompts

LONG = "Explain to a child of six years how the moon can be seen by day and where it goes at night"


def sources(folder: Path, *sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for number, rows in enumerate(sets):
        path = folder / f"set-{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        found.append({"name": f"set-{number}", "path": path})
    return found


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Path, Path]:
    seed, curated = tmp_path / "seed", tmp_path / "curated"
    rows = [{"id": "s", "instruction": "what IS a kite?", "output": "A toy.", "source": "p", "license": "x"}]
    write_rows(seed / "data" / "a.parquet", rows, seed_schema())
    kept = [{"id": "c", "instruction": "Tell me", "output": f"Here: {LONG}, and so on.", "split": "train"}]
    write_rows(curated / "data" / "a.parquet", kept, curated_schema())
    return seed, curated


def select(folder: Path, trained: tuple[Path, Path], **prompts: Any) -> tuple[Any, list[dict[str, Any]]]:
    out = folder / "prompts"
    stats = select_prompts(out, Prompts.model_validate(prompts), *trained, runtime=Runtime())
    stats.check("prompts")
    return stats, list(read_rows(out / "data"))


def test_equal_prompts_are_asked_once_and_parts_keep_their_names(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    first = [{"instruction": "One?", "dataset": "koala"}, {"instruction": "Two?", "dataset": "vicuna"}]
    second = [{"turns": ["one"]}, {"prompt": "Three?"}]
    stats, rows = select(tmp_path, trained, sources=sources(tmp_path, first, second))
    assert [(row["instruction"], row["source"]) for row in rows] == [
        ("One?", "koala"), ("Two?", "vicuna"), ("Three?", "set-1")
    ]  # fmt: skip
    assert stats.counts["prompts"].dropped == {"duplicate": 1}
    assert stats.details["sources"] == {"koala": 1, "vicuna": 1, "set-1": 1}


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"instruction": "Do it", "input": "with this"}, "Do it\n\nwith this"),
        ({"instruction": "Do it", "input": " "}, "Do it"),
        ({"instruction": "Do it", "instances": [{"input": "that", "output": "x"}]}, "Do it\n\nthat"),
        ({"turns": ["first", "second"]}, "first"),
        ({"conversations": ["of LIMA"], "source": "test"}, "of LIMA"),
        ({"conversations": [{"from": "human", "value": "shared"}]}, "shared"),
        ({"text": "of Koala"}, "of Koala"),
        ({"prompt": "  spaces stay "}, "  spaces stay "),
        ({"other": "x"}, None),
        ({"instruction": 3}, None),
        ({"turns": []}, None),
    ],
)
def test_a_prompt_is_found_in_every_published_form(row: dict[str, Any], prompt: str | None) -> None:
    assert prompt_of(row, None) == prompt


def test_the_development_set_and_the_rest_share_the_prompts(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    given = sources(tmp_path, [{"prompt": f"Number {at}?"} for at in range(40)])
    parts = {
        use: {row["id"] for row in select(tmp_path / use, trained, sources=given, dev=15, use=use)[1]}
        for use in ("dev", "test", "all")
    }
    assert len(parts["dev"]) == 15
    assert parts["dev"] | parts["test"] == parts["all"]
    assert not parts["dev"] & parts["test"]


def test_what_is_over_the_limit_is_counted(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    given = sources(tmp_path, [{"prompt": f"Number {at}?"} for at in range(9)])
    stats, rows = select(tmp_path, trained, sources=given, limit=4)
    assert [row["instruction"] for row in rows] == [f"Number {at}?" for at in range(4)]
    assert stats.counts["prompts"].dropped == {"over_limit": 5}


def test_prompts_in_training_rows_are_marked_and_warned_of(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    given = sources(tmp_path, [{"prompt": "What is a kite"}, {"prompt": LONG}, {"prompt": "New?"}])
    stats, rows = select(tmp_path, trained, sources=given)
    assert [row["seen_in"] for row in rows] == ["seed", "curated", None]
    assert stats.details["seen_in"] == {"seed": 1, "curated": 1}
    assert stats.warnings == ["2 of 3 prompts are in rows that models were trained on"]


def test_a_row_without_a_prompt_is_named(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    given = sources(tmp_path, [{"prompt": "One?"}, {"question_id": 3}])
    with pytest.raises(RecipeError, match=r"set-0\.jsonl.*2.*holds no prompt"):
        select(tmp_path, trained, sources=given)


def test_the_published_sets_have_the_sizes_that_are_known_of_them(
    tmp_path: Path, trained: tuple[Path, Path], real_prompts: Path
) -> None:
    names = ("alpaca_eval_805", "vicuna_80", "self_instruct_252", "koala_180")
    given = [{"name": name.replace("_", "-"), "path": real_prompts / f"{name}.jsonl"} for name in names]
    stats, rows = select(tmp_path, trained, sources=given)
    parts = stats.details["sources"]
    assert {name: parts[name] for name in ("selfinstruct", "oasst", "koala", "helpful_base", "vicuna")} == {
        "selfinstruct": 252, "oasst": 188, "koala": 156, "helpful_base": 129, "vicuna": 80
    }  # fmt: skip
    assert parts["koala-180"] == 180 - 144
    assert len(rows) == 805 + 36
    assert stats.counts["prompts"].dropped == {"duplicate": 80 + 252 + 144}
