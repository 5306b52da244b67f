"""`runtime.max_hours`: a build stops in time, says how far it is, and goes on with all that was done."""

import time
from pathlib import Path

import pytest
from support.small_project import humpback
from support.stages import Words, write_words

from builder.cli.init import write_recipe_folder
from builder.errors import TimeIsUp
from builder.recipe.sections.runtime import Runtime
from builder.workspace.limits.deadline import has_deadline, is_over, set_deadline, stop_by_itself, stops_by_itself
from builder.workspace.workspace import Workspace

SECOND = 1 / 3600


@pytest.fixture(autouse=True)
def _importable_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_a_deadline_is_seen_by_whoever_has_the_folder(tmp_path: Path) -> None:
    assert not has_deadline(tmp_path)
    assert not is_over(tmp_path)
    set_deadline(tmp_path, time.time() + 1_000)
    assert has_deadline(tmp_path)
    assert not is_over(tmp_path)
    assert not stops_by_itself(tmp_path)
    stop_by_itself(tmp_path)
    assert stops_by_itself(tmp_path)
    set_deadline(tmp_path, time.time() - 1)
    assert is_over(tmp_path)
    set_deadline(tmp_path, None)
    assert not has_deadline(tmp_path)


def test_a_stage_without_places_to_stop_at_is_ended_and_runs_again(tmp_path: Path) -> None:
    hangs = Words(fail="hang once")
    Workspace(tmp_path, Runtime()).run("first", write_words, Words())
    limited = Workspace(tmp_path, Runtime(max_hours=3 * SECOND))
    first = limited.run("first", write_words, Words())
    over = r"\(0.000833333\) is over: stopped in more, (begun|0 rows done), after 1 finished stage; all"
    with pytest.raises(TimeIsUp, match=over):
        limited.run("more", write_words, hangs, first)
    assert limited.artifacts["more"].status == "partial"
    again = Workspace(tmp_path, Runtime(max_hours=100))
    assert again.run("more", write_words, hangs, again.run("first", write_words, Words())).status == "done"
    assert again.artifacts["first"].record == first.record


def test_no_stage_begins_when_the_time_is_over(tmp_path: Path) -> None:
    limited = Workspace(tmp_path, Runtime(max_hours=1e-9))
    with pytest.raises(TimeIsUp, match="stopped before first, after 0 finished stages"):
        limited.run("first", write_words, Words())
    assert list(tmp_path.glob("first-*")) == []


def test_the_command_ends_with_75_and_says_how_to_go_on(tmp_path: Path) -> None:
    write_recipe_folder(tmp_path / "project")
    ended = humpback("build", tmp_path / "project", "--set", "runtime.max_hours=1e-9")
    assert ended.returncode == 75
    assert f"go on with: humpback build {tmp_path / 'project'} --set runtime.max_hours=1e-9" in ended.stderr
    assert "error:" not in ended.stderr
