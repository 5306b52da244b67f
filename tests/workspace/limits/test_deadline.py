"""`runtime.max_hours`: a build stops in time, says how far it is, and goes on with all that was done."""

import time
from pathlib import Path

import pytest
from support.small_project import humpback
from support.stages import Words, write_words

from builder.cli.init import write_recipe_folder
from builder.data.accounting import Stats
from builder.data.storage import read_json
from builder.errors import TimeIsUp
from builder.recipe.sections.runtime import Runtime
from builder.workspace.limits.deadline import (
    has_deadline,
    is_over,
    set_deadline,
    stop_by_itself,
    stops_by_itself,
    would_go_on,
)
from builder.workspace.progress import Progress, Seen, read_progress
from builder.workspace.workspace import Artifact, Workspace

SECOND = 1 / 3600
VERSION = 1


def steps(out: Path, config: Words, *, runtime: Runtime) -> Stats:
    """Take steps as a training does, until it has to stop: then it writes a checkpoint, or is slow to."""
    would_go_on(out, 0, "save_steps: 40")
    progress = Progress(out, "steps", 10_000)
    while not is_over(out):
        progress.advance()
        time.sleep(0.02)
    if config.fail:
        time.sleep(600)
    would_go_on(out, progress.done, "save_steps: 40")
    raise TimeIsUp("stopped")


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


@pytest.mark.parametrize("fail", ["", "slow"])
def test_a_training_that_is_interrupted_writes_a_checkpoint_or_is_ended(
    tmp_path: Path, fail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.workspace.child.SAVE_SECONDS", 0.5 if fail else 60.0)
    interrupts: list[str] = []

    def look(artifact: Artifact, event: str) -> None:
        seen = read_progress(artifact.path)
        if seen and seen.done and not interrupts:
            interrupts.append(event)
            raise KeyboardInterrupt

    workspace = Workspace(tmp_path, Runtime(), look)
    with pytest.raises(KeyboardInterrupt) as caught:
        workspace.run("more", steps, Words(fail=fail))
    out = workspace.artifacts["more"].path
    saved = read_json(out / "logs" / "checkpoint.json")["step"]
    assert (saved > 0) == (not fail)
    lost = "more begins again: it had no checkpoint yet (save_steps: 40)"
    assert str(caught.value) == (lost if fail else f"more goes on from step {saved:,}")
    shown: list[Seen | None] = []
    again = Workspace(tmp_path, Runtime(max_hours=SECOND), lambda item, _: shown.append(read_progress(item.path)))
    with pytest.raises(TimeIsUp):
        again.run("more", steps, Words())
    assert shown[0] is None  # nothing of the first run is shown as this one's


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
