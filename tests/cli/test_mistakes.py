"""The mistakes that anybody makes: `check` tells those that can be known, else the command does, with what to do."""

import os
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from support.recipe_changes import write_small_recipe
from support.small_project import change_yaml

from builder.cli import check as check_command
from builder.cli.main import cli
from builder.cli.project import open_project
from builder.errors import BuilderError
from builder.workspace.finished.stage_file import write_stage_file
from builder.workspace.locks import locked

STAGES = 20
"""How many the small recipe has."""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe whose models nobody opens."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(check_command, "template_problems", lambda _: ([], []))
    monkeypatch.setattr(check_command, "wrong_keys", lambda *_: [])  # TRL takes many seconds to load
    return write_small_recipe(tmp_path / "project")


@pytest.fixture
def built(recipe: Path) -> Path:
    """The same, with every stage done."""
    for stage in open_project(recipe).look_at_build().artifacts.values():
        counts = {"rows": {"in": 9, "kept": 9, "dropped": {}, "failed": {}}}
        record = {"fingerprint": stage.fingerprint, "status": "done", "counts": counts, "warnings": []}
        write_stage_file(stage.path, stage.identity | record)
    return recipe


def said(*arguments: object) -> str:
    """What a command says, whether it ends well or not."""
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    if result.exception is None:
        return result.output
    assert isinstance(result.exception, BuilderError), (result.output, result.exception)
    return str(result.exception)


def state(recipe: Path, *words: object) -> list[str]:
    return [line[9:] for line in said("check", recipe, *words).splitlines() if line.startswith("  state: ")]


def test_a_wrong_key_and_a_wrong_type_are_told_together(recipe: Path) -> None:
    change_yaml(recipe, iterations="two", curate={"judge": "likelihood", "shar": 0.1})
    lines = said("check", recipe).splitlines()
    assert f"{recipe}: iterations is 'two'; it must be a whole number" in lines
    assert f"{recipe}: curate.shar is not a key of a recipe; did you mean curate.share?" in lines


def test_a_wrong_path_and_a_threshold_without_a_scale_are_told_together(recipe: Path) -> None:
    values = yaml.safe_load(recipe.read_text())
    values["seed"]["sources"][0]["path"] = "seed/piars.jsonl"
    change_yaml(recipe, seed=values["seed"], curate={"judge": "likelihood", "threshold": 4.5})
    lines = said("check", recipe)
    assert f"{recipe.parent / 'seed' / 'piars.jsonl'}: no such file or folder" in lines
    assert f"{recipe}: curate.threshold is 4.5, and likelihood has no scale from 1 to 5" in lines
    assert "give curate.share or curate.top instead" in lines


def test_faults_of_the_inputs_and_of_the_recipe_are_told_in_one_message(recipe: Path) -> None:
    seed = recipe.parent / yaml.safe_load(recipe.read_text())["seed"]["sources"][0]["path"]
    seed.write_text('{"question": "What holds a boat?", "answer": "An anchor."}\n')
    change_yaml(recipe, curate={"judge": "likelihood", "threshold": 4.5})
    lines = said("check", recipe)
    assert f"{recipe}: curate.threshold is 4.5" in lines
    assert "found: answer, question" in lines


def test_a_path_that_is_not_there_is_told_once(recipe: Path) -> None:
    values = yaml.safe_load(recipe.read_text())
    values["seed"]["sources"][0]["path"] = "seed/piars.jsonl"
    change_yaml(recipe, seed=values["seed"])
    assert said("check", recipe).count("piars.jsonl: ") == 1


def test_a_training_for_gpus_is_told_where_there_is_none(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    file = recipe.parent / "forward.yaml"
    file.write_text("bf16: true\n")
    assert f"{file}: bf16 is true and this machine has no GPU; train where there is one" in said("check", recipe)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert ": fine: " in said("check", recipe)


def test_a_release_before_the_build_is_told_by_both(recipe: Path) -> None:
    work = recipe.parent / "work"
    assert state(recipe) == [f"{work}: nothing is built yet; `humpback build {recipe}` comes before a release"]
    assert "the build is not finished (seed, segments" in said("release", recipe, "--version", "1.0.0")
    assert "humpback build" in said("release", recipe, "--version", "1.0.0")


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0"])
def test_a_wrong_version_says_what_one_looks_like(built: Path, version: str) -> None:
    assert said("release", built, "--version", version) == (
        f"--version {version}: it must be three numbers, e.g. 1.0.0"
    )


def test_a_second_build_and_check_name_the_first(built: Path) -> None:
    work = built.parent / "work"
    with locked(work):
        first, second = state(built)
        assert first.startswith(f"{work}: a build is running here (process {os.getpid()}, since 20")
        assert first.endswith("; wait for it, or build in another --work-dir")
        assert second == f"{work}: all {STAGES} stages are built"
        assert f"the work directory is in use by process {os.getpid()}; wait for it" in said("build", built)
    assert state(built) == [f"{work}: all {STAGES} stages are built"]


def test_a_project_that_was_moved_is_built_as_before(built: Path) -> None:
    folder = built.parent.rename(built.parent.with_name("moved"))
    assert state(folder) == [f"{folder / 'work'}: all {STAGES} stages are built"]


def test_a_work_directory_that_was_moved_is_found_and_taken_where_it_is(built: Path) -> None:
    moved = (built.parent / "work").rename(built.parent / "old work")
    first, second = state(built)
    assert first.startswith(f"{built.parent / 'work'}: nothing is built yet")
    assert second.startswith(f"{moved}: holds stages of a build")
    assert second.endswith(f"move it back, or go on there with --work-dir {moved}")
    lost = f"{built.parent / 'work'} holds no build; if it was moved or renamed: --work-dir '{moved}'"
    for words in (["release", built, "--version", "1.0.0"], ["plan", built], ["show", built], ["show", built, "seed"]):
        assert lost in said(*words)
    assert "holds no build" not in said("plan", built, "--work-dir", moved)
    assert state(built, "--work-dir", moved) == [f"{moved}: all {STAGES} stages are built"]


def test_a_recipe_that_was_edited_says_what_would_run_again(built: Path) -> None:
    values = yaml.safe_load(built.read_text())
    change_yaml(built, curate=values["curate"] | {"share": 0.25})
    first, second = state(built)
    assert f"stages are built; `humpback build {built}` runs the others, before a release" in first
    assert second.startswith("the recipe has changed since the last build (curate.share): would run again: curate-1, ")
    assert "seed" not in second
    with locked(built.parent / "work"):
        assert "a build is running here" in state(built)[0]


def test_a_stage_that_was_begun_is_said_to_be_unfinished(built: Path) -> None:
    stage = open_project(built).look_at_build().artifacts["dedup"]
    write_stage_file(stage.path, stage.identity | {"fingerprint": stage.fingerprint, "status": "failed"})
    assert state(built) == [
        f"{built.parent / 'work'}: {STAGES - 1} of {STAGES} stages are built; dedup is begun and not finished; "
        f"`humpback build {built}` runs the others, before a release"
    ]


def test_what_takes_seconds_is_said_to_a_terminal_alone(recipe: Path) -> None:
    told: list[str] = []
    check_command.check_recipe(recipe, busy=told.append)
    assert told[0] == "looking into some rows and pages of each input"
    assert told[1:] == ["loading TRL to check its keys"]
    assert told[0] not in said("check", recipe)
