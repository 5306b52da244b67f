"""Scratch folders of a work directory: empty for each command, of one process, and swept by the next."""

from pathlib import Path

import pytest

from builder.data.storage import write_json
from builder.errors import StageError
from builder.workspace.aside.scratch import scratch, sweep
from builder.workspace.layout import CALIBRATION, PREVIEW


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", [CALIBRATION, PREVIEW])
def test_what_killed_commands_have_left_is_swept_and_two_do_not_meet(tmp_path: Path, name: str) -> None:
    for left in (CALIBRATION, PREVIEW):
        write_json(tmp_path / left / "1" / "left.json", {})
    with scratch(tmp_path, name) as place:
        assert names(place) == []
        assert names(tmp_path) == [name]
        with pytest.raises(StageError, match="in use by process"), scratch(tmp_path, name):
            pass
    assert names(tmp_path) == []


def test_a_command_that_runs_keeps_its_folder_when_another_sweeps(tmp_path: Path) -> None:
    with scratch(tmp_path, PREVIEW) as place:
        sweep(tmp_path)
        assert place.is_dir()
        with scratch(tmp_path, CALIBRATION):
            assert place.is_dir()


def test_what_a_failed_stage_has_left_stays_until_the_next_sweep(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="gone"), scratch(tmp_path, PREVIEW) as place:
        raise StageError("gone")
    assert place.is_dir()
    sweep(tmp_path)
    assert names(tmp_path) == []


def test_one_that_is_stopped_leaves_nothing_not_even_the_work_directory(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path / "work", PREVIEW):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_link_in_the_place_of_a_scratch_folder_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    write_json(tmp_path / "mine" / "kept.json", {})
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / PREVIEW).symlink_to(tmp_path / "mine")
    with scratch(tmp_path / "work", PREVIEW):
        pass
    assert names(tmp_path / "mine") == ["kept.json"]
    assert names(tmp_path / "work") == []
