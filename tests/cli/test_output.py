import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator
from support.finished_iterations import finish
from support.output_schema import answered, problems, schema
from support.small_project import humpback

from builder.cli.main import cli
from builder.cli.project import open_project
from builder.cli.reference.entries import look_up
from builder.cli.rows.iterations import show_iterations
from builder.cli.rows.scored import Choice
from builder.cli.shell.failure import kind_of
from builder.cli.show import show_stage, show_stages
from builder.errors import BuilderError, RecipeError, ReleaseError, StageError, TimeIsUp, UnsafePath

ONE = {"a": 5.0, "b": 4.5, "c": 4.0, "d": 1.0, "e": None}
OTHER = {"a": 1.0, "b": 4.5, "c": 4.0, "d": 5.0, "e": 2.0}
OPEN = {
    "record", "row", "failure", "counts", "groups", "model_at_hand", "stage", "moved", "iterations", "range",
    "expected", "top", "costs", "lost", "sample", "figure", "share_figures", "win_rates",
}  # fmt: skip
"""Entries that are parts of others."""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output") / "project"
    answered("init", printed("init", folder))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path, settings = finish(tmp_path_factory.mktemp("finished"), {"likelihood": [ONE, OTHER]})
    return open_project(path, overrides=settings)


def printed(*arguments):
    result = humpback(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_schema_is_one_and_has_every_command():
    Draft202012Validator.check_schema(schema())
    assert schema()["$defs"].keys() - OPEN == cli.commands.keys()


def test_what_is_no_answer_is_found():
    assert problems("plan", [{"stage": "seed"}])
    assert problems("plan", {"stages": [{"stage": "seed"}], "total": {}})
    assert problems("show", {"record": {}})
    assert problems("init", {"recipe": "quickstart"})
    assert problems("build", {"seed": {"id": 1}})


@pytest.mark.parametrize(
    "choice",
    [Choice(), Choice(rejected=True), Choice(around=2.0), Choice(reason="not_selected", sort="score:asc")],
    ids=["kept", "rejected", "around", "reason"],
)
def test_what_is_shown_of_a_stage(finished, choice):
    answered("show", show_stage(finished, "curate-1", choice).value)


def test_what_is_shown_of_stages_and_iterations(finished, tmp_path):
    answered("show", show_stages(finished).value)
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "good": true}\n{"id": "d", "good": false}\n')
    answered("show", show_iterations(finished, tmp_path / "labels.jsonl", rows=2).value)


@pytest.mark.parametrize("name", [None, "curate", "curate.share", "duplicate"])
def test_what_help_says(name):
    answered("help", look_up(name).value)


@pytest.mark.parametrize(
    ("arguments", "kind", "status", "line"),
    [
        (["plan", "RECIPE", "--set", "curate.shar=1"], "recipe", 2, "curate.shar is not a key of a recipe"),
        (["release", "RECIPE", "--version", "1.0.0"], "release", 1, "the build is not finished"),
        (["frobnicate"], "usage", 2, "No such command 'frobnicate'."),
        (["show", "RECIPE", "seed", "--around", "x"], "usage", 2, "'x' is not a valid float."),
    ],
)
def test_a_failure_is_an_object_with_kind_lines_and_status(recipe, arguments, kind, status, line):
    result = humpback(*(recipe if word == "RECIPE" else word for word in arguments), "--json")
    failure = json.loads(result.stdout)
    assert problems("failure", failure) == []
    assert (failure["error"]["kind"], failure["error"]["exit_status"]) == (kind, status)
    assert result.returncode == status
    assert line in failure["error"]["lines"][0]
    assert failure["error"]["lines"][0] in result.stderr
    command = arguments[0] if arguments[0] in cli.commands else "plan"
    assert problems(command, failure) == []


def test_a_failure_without_json_prints_nothing_on_stdout(recipe):
    assert humpback("plan", recipe, "--set", "curate.shar=1").stdout == ""


def test_an_interrupted_command_says_so_in_json_too(recipe):
    script = (
        "import os, signal, sys\nimport builder.cli.init as init\nfrom builder.cli.main import main\n"
        "def stopped(*_):\n    os.kill(os.getpid(), signal.SIGTERM)\n    signal.pause()\n"
        "init.write_recipe_folder = stopped\nsys.argv = ['humpback', 'init', 'x', '--json']\nmain()"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    failure = json.loads(result.stdout)
    assert problems("failure", failure) == []
    assert failure["error"]["kind"] == "interrupted"
    assert failure["error"]["exit_status"] == result.returncode


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RecipeError("x"), "recipe"), (StageError("x"), "stage"), (ReleaseError("x"), "release"),
        (UnsafePath("x"), "unsafe_path"), (TimeIsUp("x"), "time_is_up"), (BuilderError("x"), "system"),
        (OSError("x"), "system"),
    ],
)  # fmt: skip
def test_each_error_has_its_kind(error, kind):
    assert kind_of(error, explained=True) == kind
    assert kind in schema()["$defs"]["failure"]["properties"]["error"]["properties"]["kind"]["enum"]


def test_what_nobody_has_words_for_is_a_defect():
    assert kind_of(ValueError("x"), explained=False) == "defect"
