"""One training on two processes (gloo, on the CPU): the same rows a step, the same losses, the same checkpoints."""

import os
import sys
from pathlib import Path

import pytest
from support.training_pairs import train_here, write_pairs

from builder.data.storage import read_json
from builder.errors import StageError
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.training import Schedule

TWO = f"{Path(sys.executable).parent / 'torchrun'} --nproc_per_node 2"
FOUR = Schedule(global_batch=4, held_out=0.3)
OPTIONS = {"max_steps": 8, "per_device_train_batch_size": 4, "save_steps": 3}
KILL = """
import os, signal, sys
from builder.workspace.progress import Progress
advance = Progress.advance
def killed(self, rows=1):
    if self.unit == "steps" and self.done + rows == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    advance(self, rows)
Progress.advance = killed
"""


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), *sys.path]))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


def train(pairs, out, launcher=""):
    train_here(pairs, out, schedule=FOUR, runtime=Runtime(launcher=launcher), **OPTIONS)
    return read_json(out / "logs" / "metrics.json")


def curve(metrics):
    return [entry["loss"] for entry in metrics["history"] if "loss" in entry]


def assert_alike(one, two):
    assert (one["processes"], two["processes"]) == (1, 2)
    assert one["rows_a_step"] == two["rows_a_step"] == 4
    assert curve(one) == pytest.approx(curve(two), abs=1e-3)
    assert len(curve(one)) == 8
    for source in ("seed", "curated"):
        for when in ("before", "after"):
            assert one["held_out"][source][when] == pytest.approx(two["held_out"][source][when], abs=1e-3)


def test_two_processes_share_the_rows_of_a_step_and_learn_what_one_does(pairs, tmp_path):
    assert_alike(train(pairs, tmp_path / "one"), train(pairs, tmp_path / "two", TWO))


@pytest.mark.full
def test_two_processes_of_which_one_is_killed_go_on_from_their_last_whole_checkpoint(pairs, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(KILL)
    with pytest.raises(StageError, match="torchrun ended with exit code"):
        train(pairs, tmp_path / "two", TWO)
    (tmp_path / "site" / "sitecustomize.py").unlink()
    checkpoints = [path for path in (tmp_path / "two" / "training").glob("checkpoint-*") if path.is_dir()]
    assert [path.name for path in checkpoints if (path / "complete.json").is_file()] == ["checkpoint-3"]
    resumed = train(pairs, tmp_path / "two", TWO)
    assert resumed["resumed_from"] == "checkpoint-3"
    assert_alike(train(pairs, tmp_path / "one"), resumed)


def test_rows_that_cannot_be_shared_evenly_are_said(tmp_path, monkeypatch):
    from builder.method.train import sft

    class Three:
        world_size, per_device_train_batch_size, output_dir = 3, 4, str(tmp_path / "out" / "training")

    monkeypatch.setattr(sft, "read_arguments", lambda _: sft.Arguments(Three(), None, None, 32))
    with pytest.raises(StageError, match="32 rows a step cannot be shared evenly by 3 processes; start a number of"):
        sft.main([])


def test_only_on_its_own_machine_does_a_process_look_whether_its_stage_has_ended(monkeypatch):
    import socket

    from builder.method.train.sft import stage_has_ended
    from builder.workspace.child import STAGE_PROCESS

    here, gone = socket.gethostname(), 2**22 + 1  # above the highest process id of Linux
    for value, ended in (
        (f"{os.getpid()}@{here}", False), (f"{gone}@{here}", True), (f"{gone}@another-node", False), ("", False),
    ):  # fmt: skip
        monkeypatch.setenv(STAGE_PROCESS, value)
        assert stage_has_ended() == ended, value
