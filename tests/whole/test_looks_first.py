"""What can be known before hours of training and writing is looked at before them; no stage does any work here."""

from pathlib import Path
from typing import Any

import pytest
from support.recipe_changes import write_small_recipe

from builder.build import run_stages
from builder.errors import StageError
from builder.recipe.recipe import load_recipe
from builder.workspace.workspace import Finished, Workspace

FIRST = ["seed", "segments", "dedup"]


class Stages:
    """Stands in for the child processes that run stages: notes which are asked for, and says what they kept."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.segments_kept = 5

    def __call__(self, out: Path, request: Any, *_: Any, stage: str, **__: Any) -> dict[str, Any]:
        self.ran.append(stage)
        kept = self.segments_kept if stage == "dedup" else 5
        dropped = {"duplicate": 5 - kept} if kept < 5 else {}
        counts = {"segments": {"in": 5, "kept": kept, "dropped": dropped, "failed": {}}}
        return {"counts": counts, "details": {}, "warnings": []}


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    made = Stages()
    monkeypatch.setattr("builder.workspace.workspace.run_child", made)
    monkeypatch.setattr("builder.build.refuse_too_long", lambda *_: None)
    return made


def build(folder: Path, until: str = "augment", **changes: Any) -> None:
    recipe = load_recipe(folder / "build.yaml")
    with pytest.raises(Finished):
        run_stages(recipe.model_copy(update=changes), Workspace(folder / "work", recipe.runtime, until=until))


def test_nothing_is_trained_where_no_segment_is_left(tmp_path: Path, stages: Stages) -> None:
    write_small_recipe(tmp_path)
    stages.segments_kept = 0
    with pytest.raises(StageError, match=r"no segments are left .*5 duplicate"):
        build(tmp_path)
    assert stages.ran == FIRST


def test_nothing_is_written_where_no_segment_is_left_and_the_writer_is_there_already(
    tmp_path: Path, stages: Stages
) -> None:
    write_small_recipe(tmp_path)
    build(tmp_path, until="model-backward")
    assert stages.ran == [*FIRST, "model-backward"]
    stages.ran, stages.segments_kept = [], 0
    dedup = load_recipe(tmp_path / "build.yaml").dedup
    with pytest.raises(StageError, match="no segments are left"):
        build(tmp_path, dedup=dedup.model_copy(update={"sample": 3}))
    assert stages.ran == ["dedup"]


def test_rows_are_measured_before_a_training_and_not_again_where_all_is_done(
    tmp_path: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_recipe(tmp_path)
    looks: list[list[str]] = []
    monkeypatch.setattr("builder.build.refuse_too_long", lambda *_: looks.append(list(stages.ran)))
    build(tmp_path)
    assert looks == [FIRST, [*FIRST, "model-backward"]]
    build(tmp_path)
    assert len(looks) == 2


def test_rows_that_are_too_long_end_a_build_before_its_first_training(
    tmp_path: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(recipe: Any, seed: Path, segments: Path) -> None:
        raise StageError(f"{seed.name.partition('-')[0]} and {segments.name.partition('-')[0]} do not fit")

    write_small_recipe(tmp_path)
    monkeypatch.setattr("builder.build.refuse_too_long", refuse)
    with pytest.raises(StageError, match="seed and dedup do not fit"):
        build(tmp_path)
    assert stages.ran == FIRST
