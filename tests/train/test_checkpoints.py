import time
from pathlib import Path

import pytest
from support.training_pairs import train_here, write_pairs

from builder.data.storage import read_json
from builder.errors import TimeIsUp
from builder.method.train.checkpoints import MARK, last_complete, make_room, mark_complete, remove_others
from builder.recipe.sections.runtime import Runtime
from builder.workspace.limits.deadline import from_where, set_deadline


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


@pytest.mark.parametrize(
    ("most", "best", "left"),
    [(2, None, [8]), (3, None, [4, 8]), (9, None, [2, 4, 8, 9]), (2, 2, [2, 8]), (3, 2, [2, 8])],
)
def test_room_is_made_for_a_checkpoint_and_the_last_whole_one_and_the_best_stay(tmp_path, most, best, left):
    for step in (2, 4, 8):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 9, settings=None)
    make_room(tmp_path, "same", most, best=str(tmp_path / f"checkpoint-{best}") if best else None)
    assert sorted(int(path.name.partition("-")[2]) for path in tmp_path.iterdir()) == left


@pytest.mark.parametrize(
    "keys",
    [
        {"save_steps": 2, "max_steps": 8},
        pytest.param({"save_strategy": "epoch", "num_train_epochs": 4}, marks=pytest.mark.full),
    ],
)
def test_two_checkpoints_stand_at_most_and_the_last_step_writes_none(tmp_path, monkeypatch, keys):
    import torch

    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    save, standing = torch.save, []

    def watched(value, path, *rest, **options):
        save(value, path, *rest, **options)
        if "checkpoint-" in str(path):
            standing.append(sorted(folder.name for folder in Path(path).parents[1].glob("checkpoint-*")))

    monkeypatch.setattr(torch, "save", watched)
    options = {"max_steps": -1, "per_device_train_batch_size": 8} | keys
    train_here(write_pairs(tmp_path / "pairs"), tmp_path / "out", **options)
    assert max(len(folders) for folders in standing) == 2
    assert {name for folders in standing for name in folders} == {"checkpoint-2", "checkpoint-4", "checkpoint-6"}
    assert (tmp_path / "out" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("launcher", ["", pytest.param("torchrun --nproc_per_node 2", marks=pytest.mark.full)])
def test_a_training_whose_time_is_over_stops_at_a_checkpoint_and_goes_on_to_the_same_weights(tmp_path, launcher):
    pairs, options = write_pairs(tmp_path / "pairs"), {"max_steps": 3, "save_steps": 100}
    runtime = Runtime(launcher=launcher)
    for step in (1, 2):  # one step for each time that it is given none
        set_deadline(tmp_path / "out", time.time())
        with pytest.raises(TimeIsUp, match=f"step {step}"):
            train_here(pairs, tmp_path / "out", runtime=runtime, **options)
        assert (tmp_path / "out" / "training" / f"checkpoint-{step}" / MARK).is_file()
        assert not (tmp_path / "out" / "model").exists()
        assert from_where(tmp_path / "out") == f"goes on from step {step}"
    set_deadline(tmp_path / "out", None)
    train_here(pairs, tmp_path / "out", runtime=runtime, **options)
    assert read_json(tmp_path / "out" / "logs" / "metrics.json")["resumed_from"] == "checkpoint-2"
    train_here(pairs, tmp_path / "plain", runtime=runtime, **options)
    assert from_where(tmp_path / "plain") == "begins again: it had no checkpoint yet (save_steps: 100)"
    weights = [tmp_path / name / "model" / "model.safetensors" for name in ("out", "plain")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
