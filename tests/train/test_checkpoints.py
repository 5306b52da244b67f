from pathlib import Path

import pytest

from builder.method.train.checkpoints import MARK, last_complete, mark_complete, remove_others


def checkpoint(folder: Path, step: int, settings: str | None = "same") -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "parts").mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"weights")
    (path / "parts" / "rng.pth").write_bytes(b"state")
    if settings:
        mark_complete(path, settings)
    return path


def test_the_last_marked_checkpoint_is_found_by_its_step(tmp_path):
    checkpoint(tmp_path, 9)
    wanted = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 11, settings=None)
    (tmp_path / "checkpoint-best").mkdir()
    assert last_complete(tmp_path, "same") == wanted


def test_nothing_is_found_where_nothing_is(tmp_path):
    assert last_complete(tmp_path / "missing", "same") is None


@pytest.mark.parametrize("damage", ["cut", "missing", "other settings", "mark cut"])
def test_a_damaged_checkpoint_is_passed_over_and_removed(tmp_path, damage):
    good, bad = checkpoint(tmp_path, 1), checkpoint(tmp_path, 2)
    if damage == "cut":
        (bad / "parts" / "rng.pth").write_bytes(b"sta")
    elif damage == "missing":
        (bad / "model.safetensors").unlink()
    elif damage == "other settings":
        mark_complete(bad, "other")
    else:
        (bad / MARK).write_text('{"settings": "sa')
    assert last_complete(tmp_path, "same") == good
    remove_others(tmp_path, "same")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]
