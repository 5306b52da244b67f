import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import builder
from builder.recipe.recipe import Recipe
from builder.workspace import stage_names as names
from builder.workspace.stage_names import StageName, parse

JUDGES = ("likelihood", "expected", "verdict", "reasoned", "reverse")
numbers = st.integers(0, 999)
halves = st.none() | st.sampled_from(names.HALVES)
stages = st.one_of(
    st.sampled_from([names.SEED, names.SEED_CLEAN, names.SEGMENTS, names.DEDUP, names.BACKWARD, names.AUGMENT]),
    st.builds(names.score, st.none() | numbers, st.sampled_from(JUDGES), halves),
    st.builds(names.curate, numbers),
    st.builds(names.model, numbers, half=halves),
    st.builds(names.model, numbers, seed=numbers),
    st.builds(names.uncurated, st.sampled_from(["curate", "model"])),
)


@given(stages)
def test_a_name_is_read_as_it_was_written(stage):
    assert parse(str(stage)) == stage
    answers = names.answers(stage) if stage.kind == "model" else stage
    assert parse(str(answers)) == answers


@given(stages, stages)
def test_two_stages_have_two_names(one, other):
    assert (str(one) == str(other)) == (one == other)


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        (names.score(2, "likelihood", "a"), "score-2-likelihood-a"),
        (names.score(None, "reverse"), "score-reverse"),
        (names.curate(1), "curate-1"),
        (names.model(0), "model-0"),
        (names.model(1, half="b"), "model-1-b"),
        (names.model(2, seed=7), "model-2-seed-7"),
        (names.BACKWARD, "model-backward"),
        (names.SEED_CLEAN, "seed-clean"),
        (names.answers(names.model(0)), "answers-model-0"),
    ],
)
def test_names_have_the_form_that_work_directories_have(stage, name):
    assert str(stage) == name


@pytest.mark.parametrize("name", ["words", "score-", "curate-1-", "model-backward-2", "seed-clean-a"])
def test_a_name_that_is_no_stage_of_a_build_is_its_own_kind(name):
    assert parse(name) == StageName(name)
    assert str(parse(name)) == name


@pytest.mark.parametrize(
    ("stage", "whole"),
    [
        ("score-2-verdict-a", "score-2-verdict"),
        ("model-1-b", "model-1"),
        ("score-2-verdict", "score-2-verdict"),
        ("model-backward", "model-backward"),
        ("augment", "augment"),
    ],
)
def test_a_stage_of_a_half_is_known_by_its_name(stage, whole):
    assert str(parse(stage).whole) == whole


def test_every_judge_of_a_recipe_has_a_name_that_can_be_read():
    kinds = Recipe.model_json_schema()["$defs"]
    properties = [kind.get("properties", {}).get("judge", {}) for kind in kinds.values()]
    judges = {judge["const"] for judge in properties if "const" in judge}
    assert judges >= set(JUDGES)
    for judge in judges:
        assert parse(str(names.score(3, judge))).judge == judge


PACKAGE = Path(builder.__file__).parent
SCRIPTS = PACKAGE.parent / "scripts"
NAMING = ("stage_names.py", "work_directory_texts.py", "work_directory_files.py", "describe_work_directory.py")
"""The module itself, and what describes the folders of stages to readers, by their kinds."""
_PIECE = re.compile(
    r"(?:score|curate|model|answers)-(?:\d+|backward|uncurated)?(?:-(?:likelihood|expected|verdict|reasoned))?(?:-[ab])?"
    r"|-(?:a|b|seed-)|seed-clean"
)


def literals(file):
    """Line and text of every string of a program that is not a docstring, parts of f-strings included."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docs = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def test_no_other_module_puts_a_name_together_or_takes_one_apart():
    files = [file for folder in (PACKAGE, SCRIPTS) for file in folder.rglob("*.py") if file.name not in NAMING]
    files.remove(PACKAGE / "recipe" / "sections" / "release.py")  # names folders of a release, and is below the stages
    assert len(files) > 150
    found = [f"{file}:{line}: {text!r}" for file in files for line, text in literals(file) if _PIECE.fullmatch(text)]
    assert found == []
