"""Rows that are longer than a TRL recipe allows are found before anything is trained or written."""

from pathlib import Path
from typing import Any

import pytest
from support.recipe_changes import write_small_recipe

from builder.data.records import seed_schema, segment_schema
from builder.data.storage import write_rows
from builder.errors import StageError
from builder.llm.token_counts import context_length, token_counter
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.before.lengths import limits, refuse_too_long
from builder.method.train.rows import are_too_many
from builder.recipe.recipe import Recipe, load_recipe
from builder.recipe.sections.models import Origin
from builder.sample.generate import BASE

SHORT, LONG = "An anchor holds a boat.", "An anchor holds a boat in the harbour. " * 40


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    path = write_small_recipe(tmp_path / "recipe")
    (path.parent / "forward.yaml").write_text("max_length: 200")
    (path.parent / "backward.yaml").write_text("max_length: 4000")
    return load_recipe(path, (f"base.path={BASE}",))


def stages(tmp_path: Path, answers: list[str], texts: list[str]) -> tuple[Path, Path]:
    rows: list[dict[str, Any]] = [
        {"id": str(n), "instruction": "Say.", "output": text, "source": "s", "license": "mit"}
        for n, text in enumerate(answers)
    ]
    write_rows(tmp_path / "seed" / "data" / "seed.parquet", rows, seed_schema())
    segments = [{"id": str(n), "header": "Anchors", "text": text} for n, text in enumerate(texts)]
    write_rows(tmp_path / "segments" / "data" / "a.parquet", segments, segment_schema())
    return tmp_path / "seed", tmp_path / "segments"


def test_limits_are_those_of_the_trl_recipes_and_of_trl_where_they_name_none(recipe: Recipe) -> None:
    assert [(limit.file.name, limit.direction, limit.tokens) for limit in limits(recipe)] == [
        ("forward.yaml", "forward", 200),
        ("backward.yaml", "backward", 4000),
    ]
    recipe.training.forward.write_text("max_length: null")
    recipe.training.backward.write_text("seed: 1")
    assert [(limit.file.name, limit.tokens) for limit in limits(recipe)] == [("backward.yaml", 1024)]


def test_seed_pairs_that_would_be_left_out_are_named_with_file_and_limit(recipe: Recipe, tmp_path: Path) -> None:
    seed, segments = stages(tmp_path, [SHORT] * 8 + [LONG] * 2, [SHORT])
    with pytest.raises(StageError, match=r"2 of 10 seed pairs \(20.0%\) .* max_length: 200 tokens of .*forward.yaml"):
        refuse_too_long(recipe, seed, segments)
    allowed = recipe.runtime.model_copy(update={"max_too_long": 0.2})
    refuse_too_long(recipe.model_copy(update={"runtime": allowed}), seed, segments)


def test_segments_are_refused_where_twice_as_many_as_allowed_are_too_long(recipe: Recipe, tmp_path: Path) -> None:
    refuse_too_long(recipe, *stages(tmp_path / "few", [SHORT], [SHORT] * 196 + [LONG] * 4))
    with pytest.raises(StageError, match=r"5 of 200 segments \(2.5%\) .*segments.max_chars.*runtime.max_too_long"):
        refuse_too_long(recipe, *stages(tmp_path / "many", [SHORT], [SHORT] * 195 + [LONG] * 5))


@pytest.mark.parametrize(
    ("long", "rows", "share", "too_many"),
    [
        (1, 99, 0.01, False),
        (3, 99, 0.01, False),
        (4, 99, 0.01, True),
        (1, 10, 0.01, False),
        (1, 9, 0.01, True),
        (2, 19, 0.01, True),
        (10, 1000, 0.01, False),
        (11, 1000, 0.01, True),
        (1, 99, 0.0, True),
        (0, 99, 0.0, False),
    ],
)
def test_a_few_long_rows_stop_no_small_training(long: int, rows: int, share: float, too_many: bool) -> None:
    assert are_too_many(long, rows, share) is too_many


def test_a_base_without_a_tokenizer_file_is_not_looked_at(tmp_path: Path) -> None:
    seed, segments = stages(tmp_path, [LONG], [LONG])
    refuse_too_long(load_recipe(write_small_recipe(tmp_path / "recipe")), seed, segments)


def test_tokens_are_counted_as_the_model_library_counts_them() -> None:
    count = token_counter(Origin(path=BASE))
    assert count is not None
    tokenizer = load_tokenizer(BASE)
    for text in (SHORT, LONG, "Größe 🙂\n\n<|im_end|>"):
        assert count(text) == len(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert count(SHORT, LONG) == count(SHORT) + count(LONG)
    assert context_length(Origin(path=BASE)) == 2048
    assert context_length(Origin(model="org/never-downloaded", revision="0" * 40)) is None
