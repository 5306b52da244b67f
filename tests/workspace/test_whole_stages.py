"""What was done to the files of a finished stage since, against every command that would use them."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.recipe_changes import write_small_recipe
from support.small_project import forget_files
from support.stages import Words, write_words

from builder.build import Build
from builder.cli.build import build_recipe
from builder.cli.plan import plan_stages
from builder.cli.project import open_project
from builder.cli.release import Options, release_recipe
from builder.cli.rows.iterations import show_iterations
from builder.cli.rows.scored import Choice
from builder.cli.show import show_stage, show_stages
from builder.errors import RecipeError, StageError
from builder.recipe.sections.runtime import Runtime
from builder.workspace.finished.stage_file import write_stage_file
from builder.workspace.layout import STAGE_FILE
from builder.workspace.workspace import Artifact, Workspace

TESTS = str(Path(__file__).parents[1])


def run_stages(recipe, workspace):
    """A build of two stages, the second of which reads the first."""
    workspace.run("more", write_words, Words(), workspace.run("words", write_words, Words(words=("one", "two"))))
    return Build(recipe, dict(workspace.artifacts))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", TESTS)
        run_stages(None, Workspace(folder / "work", Runtime()))
    write_small_recipe(folder)
    return open_project(folder)


@pytest.fixture
def project(built, tmp_path, monkeypatch):
    """The project, and the folder of its first stage."""
    monkeypatch.setenv("PYTHONPATH", TESTS)
    monkeypatch.setattr("builder.build.run_stages", run_stages)
    shutil.copytree(built.work_dir, tmp_path / "work")
    (stage,) = (tmp_path / "work").glob("words-*")
    return replace(built, work_dir=tmp_path / "work"), stage


def change_byte(path):
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def in_place_of(path, make):
    path.unlink()
    make(path)


def record_of(stage):
    return json.loads((stage / STAGE_FILE).read_text())


def edit(stage, **changes):
    (stage / STAGE_FILE).write_text(json.dumps(record_of(stage) | changes))


def from_elsewhere(stage):
    (other,) = stage.parent.glob("more-*")
    shutil.copy(other / STAGE_FILE, stage / STAGE_FILE)


WORDS = "data/words.txt"
DAMAGES = {
    "cut": (lambda stage: os.truncate(stage / WORDS, 3), r"data/words\.txt has 3 bytes, and had 7 when"),
    "emptied": (lambda stage: os.truncate(stage / WORDS, 0), r"data/words\.txt has 0 bytes, and had 7"),
    "longer": (lambda stage: (stage / WORDS).write_text("one two three"), r"has 13 bytes, and had 7"),
    "removed": (lambda stage: (stage / WORDS).unlink(), r"data/words\.txt is gone"),
    "folder removed": (lambda stage: shutil.rmtree(stage / "data"), r"data/words\.txt is gone"),
    "renamed": (
        lambda stage: (stage / WORDS).rename(stage / "data/Words.txt"),
        r"data/Words\.txt was not there when the stage was done; data/words\.txt is gone",
    ),
    "added": (lambda stage: (stage / "data/more.parquet").write_text("x"), r"data/more\.parquet was not there"),
    "added deep": (
        lambda stage: ((stage / "data/a/b").mkdir(parents=True), (stage / "data/a/b/c").touch()),
        r"data/a/b/c was not there",
    ),
    "a folder": (lambda stage: in_place_of(stage / WORDS, Path.mkdir), r"data/words\.txt is a folder, and was a file"),
    "a link to the same": (
        lambda stage: (
            (stage / WORDS).rename(stage.parent / "words.txt"),
            (stage / WORDS).symlink_to(stage.parent / "words.txt"),
        ),
        r"data/words\.txt is a link, and was a file",
    ),
    "a dangling link": (
        lambda stage: in_place_of(stage / WORDS, lambda path: path.symlink_to("nowhere")),
        r"data/words\.txt is a link, and was a file",
    ),
    "a link in place of the folder": (
        lambda stage: ((stage / "data").rename(stage.parent / "d"), (stage / "data").symlink_to(stage.parent / "d")),
        r"data was not there when the stage was done; data/words\.txt is gone",
    ),
    "a pipe": (lambda stage: in_place_of(stage / WORDS, os.mkfifo), r"data/words\.txt is a pipe, and was a file"),
    "a pipe added": (lambda stage: os.mkfifo(stage / "data/x.parquet"), r"data/x\.parquet was not there"),
    "record cut": (lambda stage: os.truncate(stage / STAGE_FILE, 100), r"stage\.json is not valid JSON \("),
    "record emptied": (lambda stage: os.truncate(stage / STAGE_FILE, 0), r"stage\.json is not valid JSON \("),
    "record of zeros": (lambda stage: (stage / STAGE_FILE).write_bytes(bytes(900)), r"stage\.json is not valid JSON"),
    "record of other bytes": (lambda stage: (stage / STAGE_FILE).write_bytes(b"\xff\xfe{}"), r"is not valid JSON"),
    "record too deep": (lambda stage: (stage / STAGE_FILE).write_text("[" * 99_999), r"is not valid JSON"),
    "record is a list": (lambda stage: (stage / STAGE_FILE).write_text("[]"), r"stage\.json holds no object"),
    "record is a number": (lambda stage: (stage / STAGE_FILE).write_text("NaN"), r"stage\.json holds no object"),
    "record without anything": (lambda stage: (stage / STAGE_FILE).write_text("{}"), r"stage\.json says that the st"),
    "record of another stage": (from_elsewhere, r"stage\.json belongs to another stage"),
    "record is a folder": (lambda stage: in_place_of(stage / STAGE_FILE, Path.mkdir), r"stage\.json is no file"),
    "record is a link": (
        lambda stage: ((stage / STAGE_FILE).rename(stage / "s"), (stage / STAGE_FILE).symlink_to("s")),
        r"stage\.json is no file",
    ),
    "record is a pipe": (lambda stage: in_place_of(stage / STAGE_FILE, os.mkfifo), r"stage\.json is no file"),
    "counts edited": (lambda stage: edit(stage, counts={"words": {"in": 9}}), r"stage\.json has been changed since"),
    "status edited": (lambda stage: edit(stage, status="finished"), r"stage\.json has been changed since it was writ"),
    "a key of the future": (lambda stage: edit(stage, digests=[]), r"stage\.json has been changed since it was writ"),
}
VERBS = {
    "build": build_recipe,
    "show": show_stages,
    "show stage": lambda project: show_stage(project, "words", Choice(rows=1)),
    "iterations": lambda project: show_iterations(project, rows=1),
    "release": lambda project: release_recipe(project, "1.0.0", Options(), print),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_stage_is_found_by_every_command(project, damage):
    project, stage = project
    strike, says = DAMAGES[damage]
    strike(stage)
    plan = plan_stages(project)
    first, second = plan.value
    assert (first["status"], second["status"]) == ("damaged", "cached")
    assert re.search(says, "; ".join(first["damage"]))
    advice = rf"; remove {re.escape(str(stage))} and run `humpback build [^`]+`, which runs this stage again"
    assert re.search(rf"words +damaged .*\n    .*{says}.*{advice}\nmore +cached", plan.text())
    for verb in VERBS.values():
        with pytest.raises(StageError, match=rf"^words: .*{says}.*{advice}$"):
            verb(project)


def test_a_damaged_stage_stops_the_showing_of_no_other(project):
    project, stage = project
    (stage / WORDS).unlink()
    assert show_stage(project, "more", Choice(rows=0)).value["record"]["stage"] == "more"
    with pytest.raises(RecipeError, match=r"^nosuch: no such stage; the stages are words, more$"):
        show_stage(project, "nosuch", Choice(rows=1))


def test_what_the_message_says_to_do_helps(project):
    project, stage = project
    os.truncate(stage / WORDS, 3)
    shutil.rmtree(stage)
    build_recipe(project)
    assert (stage / WORDS).read_text() == "one two"
    assert [entry["status"] for entry in plan_stages(project, verify=True).value] == ["cached", "cached"]


def test_every_damaged_stage_is_named_at_once(project):
    project, stage = project
    (other,) = stage.parent.glob("more-*")
    (stage / WORDS).unlink()
    (other / WORDS).unlink()
    with pytest.raises(StageError, match=r"(?s)words: .*is gone.*\nmore: .*is gone.*"):
        build_recipe(project)


@pytest.mark.parametrize("verb", ["build", "release", "plan"])
def test_another_content_of_the_same_size_is_found_by_its_digest(project, verb):
    project, stage = project
    change_byte(stage / WORDS)
    says = r"data/words\.txt has another content than when the stage was done"
    assert [entry["status"] for entry in plan_stages(project).value] == ["cached", "cached"]
    if verb == "plan":
        (found,) = plan_stages(project, verify=True).value[0]["damage"]
        assert re.match(says, found)
        return
    with pytest.raises(StageError, match=rf"words: {says}; remove .*words-"):
        build_recipe(project, verify=True) if verb == "build" else VERBS["release"](project)


@pytest.mark.parametrize(
    "name", [".DS_Store", "data/.words.txt.swp", "data/.nfs0001", "data/words.txt~", ".Trash-0/x.parquet", "logs/mine"]
)
def test_what_systems_and_editors_leave_does_not_count(project, name):
    project, stage = project
    (stage / name).parent.mkdir(exist_ok=True)
    (stage / name).write_text("x")
    assert [entry["status"] for entry in plan_stages(project, verify=True).value] == ["cached", "cached"]


def test_a_stage_of_before_is_believed_and_not_verified(project):
    project, stage = project
    forget_files(stage)
    change_byte(stage / WORDS)
    answer = plan_stages(project, verify=True)
    assert [(entry["status"], entry.get("unverified")) for entry in answer.value] == [
        ("cached", True),
        ("cached", None),
    ]
    assert "words" in answer.text().split("there is nothing to compare them with")[0]
    assert [entry.get("unverified") for entry in plan_stages(project).value] == [None, None]


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"../../etc/passwd": 5}},
        {"files": ["data/words.txt"]},
        {"files": {WORDS: {"size": -1, "sha256": ""}}},
        {"files": {WORDS: {"size": True, "sha256": ""}}},
        {"counts": {"words": {"in": "1", "kept": 1, "dropped": {}, "failed": {}}}},
        {"counts": {"words": 7}},
        {"counts": {}},
        {"counts": []},
        {"warnings": [1]},
        {"warnings": "none"},
        {"seconds": "long"},
        {"versions": ["torch"]},
        {"status": 1},
        {"status": None},
        {"fingerprint": 1},
    ],
)
def test_a_record_of_other_types_is_not_believed(project, changes):
    project, stage = project
    write_stage_file(stage, record_of(stage) | changes)
    assert plan_stages(project).value[0]["status"] == "damaged"
    with pytest.raises(StageError, match=r"words: stage\.json (has|says|belongs)"):
        build_recipe(project)


def test_a_name_in_a_record_opens_nothing_outside(project, tmp_path):
    project, stage = project
    outside = tmp_path / "outside"
    os.mkfifo(outside)  # whoever opens it waits for ever
    state = {"size": 0, "sha256": "0" * 64}
    write_stage_file(stage, record_of(stage) | {"files": {"../../../outside": state, str(outside): state}})
    assert len(plan_stages(project, verify=True).value[0]["damage"]) == 3


def test_a_stage_does_not_read_one_that_was_damaged_in_between(project):
    project, stage = project
    workspace = Workspace(project.work_dir, Runtime())
    words = workspace.run("words", write_words, Words(words=("one", "two")))
    os.truncate(stage / WORDS, 3)
    with pytest.raises(StageError, match=r"words: data/words\.txt has 3 bytes"):
        workspace.run("third", write_words, Words(), words)
    assert not list(project.work_dir.glob("third-*"))


def test_no_stage_is_run_through_a_link_that_leads_out(project, tmp_path):
    project, stage = project
    (tmp_path / "victim").mkdir()
    shutil.rmtree(stage)
    (stage / "logs").mkdir(parents=True)
    (stage / "data").symlink_to(tmp_path / "victim")
    with pytest.raises(StageError, match=r"data is a link to .*victim, outside of the stage folder"):
        build_recipe(project)
    assert not list((tmp_path / "victim").iterdir())


def test_reading_the_files_of_a_stage_tells_that_it_moves(tmp_path):
    from builder.workspace.finished.inventory import file_state, is_unchanged, take_inventory

    beats = []
    with (tmp_path / "large").open("wb") as file:
        file.truncate(100_000_000)
    (tmp_path / "small").write_text("x")
    (tmp_path / "empty").touch()
    listed = take_inventory(tmp_path, lambda: beats.append(1))
    assert len(beats) > 5
    assert listed["small"] == {"size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    assert listed["empty"]["sha256"].startswith("e3b0c442")
    before = len(beats)
    assert is_unchanged(tmp_path / "large", file_state(tmp_path / "large"), lambda: beats.append(1))
    assert len(beats) > before + 5


def test_what_a_stage_leaves_must_be_plain_files(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", TESTS)
    artifact = Artifact("words", "0" * 12, tmp_path)
    assert artifact.damage() == []
    from builder.workspace.finished.inventory import take_inventory

    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / "x.parquet")
    with pytest.raises(StageError, match=r"x\.parquet is a pipe, and a stage has plain files alone"):
        take_inventory(tmp_path)
