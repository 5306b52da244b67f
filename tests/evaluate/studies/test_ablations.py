"""Rows of ablations: what each sets, what is shared, and the controls that are always there."""

from pathlib import Path

import pytest
from support.finished_iterations import finish
from support.output_schema import answered
from support.release_build import FakeBuild

from builder.cli.project import open_project
from builder.data.resources import resource_folder
from builder.errors import RecipeError
from builder.recipe.recipe import load_recipe
from builder.results.evaluate.comparison.plan import load_plan
from builder.results.evaluate.comparison.run import Trained
from builder.results.evaluate.studies.ablations import (
    Ablations,
    Line,
    Row,
    load_ablations,
    refuse_unfit,
    settings_of,
    table_of,
)


def test_values_of_every_kind_reach_the_recipe(tmp_path: Path) -> None:
    path, _ = finish(tmp_path, {"likelihood": [{"a": 1.0, "b": 2.0}]}, "iterations=1")
    row = Row(
        name="x", set={"curate.share": 0.25, "training.cross_fit": True, "chat.system_seed": "", "decontaminate": None}
    )
    recipe = load_recipe(path, settings_of(row))
    assert recipe.curate.share == 0.25
    assert recipe.training.cross_fit is True
    assert recipe.chat.system_seed == ""
    assert recipe.decontaminate is None


def test_a_row_shares_with_the_recipe_what_it_does_not_change(tmp_path: Path) -> None:
    path, settings = finish(tmp_path, {"likelihood": [{"a": 1.0, "b": 2.0}]}, "iterations=1")
    first = open_project(path, overrides=settings).look_at_build().artifacts
    other = open_project(path, overrides=(*settings, *settings_of(Row(name="x", set={"curate.share": 1.0}))))
    again = other.look_at_build().artifacts
    same = {name for name in first if first[name].fingerprint == again[name].fingerprint}
    assert {"seed", "segments", "augment", "model-0", "score-1-likelihood"} <= same
    assert not {"curate-1", "model-1"} & same


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows: []", "at least 1 item"),
        ("rows: [{name: a}, {name: a}]", "two rows are called a"),
        ("rows: [{name: random}]", "two rows are called random"),
        ("rows: [{name: a, data: all}]", "rows.0.data is 'all'"),
        ("rows: [{name: a, sett: {}}]", "did you mean"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "ablations.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=said):
        load_ablations(path)


def test_without_controls_a_row_may_be_called_random() -> None:
    assert Ablations(rows=[Row(name="random")], controls=False).rows[0].name == "random"


def test_the_table_says_what_each_row_selected_and_trained_on(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path).build
    rows = [Row(name="joint"), Row(name="seed-only", data="seed", system="none")]
    lines = [
        Line(row, build, Trained(model, build.recipe.chat)) for row, model in zip(rows, build.models, strict=False)
    ]
    joint, seed = answered("ablate", table_of(lines, None))
    assert joint["selected"] == build.curated[-1].record["counts"]["pairs"]["kept"]
    assert seed["selected"] is None
    assert (joint["asked"], seed["asked"]) == ("both", "none")


@pytest.mark.parametrize("recipe", ["quickstart", "humpback-7b"])
def test_the_lists_that_recipes_bring_fit_the_comparisons_that_they_bring(recipe: str) -> None:
    folder = resource_folder("recipes") / recipe
    refuse_unfit(load_plan(folder / "evaluate.yaml"), load_ablations(folder / "ablations.yaml").names)


def test_a_reference_with_the_name_of_a_row_is_refused_before_anything_is_built() -> None:
    plan = load_plan(resource_folder("recipes") / "quickstart" / "evaluate.yaml")
    with pytest.raises(RecipeError, match=r"reference\.name is seed-model, and a row of ablations is called so"):
        refuse_unfit(plan, ["joint", "seed-model"])
