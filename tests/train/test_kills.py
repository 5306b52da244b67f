"""kill -9 five times in the middle of a step, and five times in the middle of writing a checkpoint."""

import os
import sys

import pytest
from support.training_pairs import train_here, write_pairs

from builder.data.storage import read_json
from builder.errors import StageError
from builder.recipe.sections.runtime import Runtime

pytestmark = pytest.mark.full

KILL = """
import os, runpy, signal, sys
import torch, trl
moment, step = sys.argv.pop(1), int(sys.argv.pop(1))

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "step":
    class Killed(trl.SFTTrainer):
        def training_step(self, *arguments, **options):
            loss = super().training_step(*arguments, **options)  # gradients are there, the weights have not moved
            if self.state.global_step + 1 == step:
                kill()
            return loss
    trl.SFTTrainer = Killed
else:
    save = torch.save
    def half_written(value, path, *rest, **options):
        save(value, path, *rest, **options)
        if f"checkpoint-{step}/" in str(path):
            with open(path, "r+b") as file:
                file.truncate(os.path.getsize(path) // 2)
            kill()
    torch.save = half_written
del sys.argv[1]  # -m
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
OPTIONS = {"max_steps": 9, "save_steps": 1, "logging_steps": 3}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    os.environ["HF_DATASETS_CACHE"] = str(folder)
    train_here(write_pairs(folder / "pairs"), folder / "model", **OPTIONS)
    return folder


@pytest.mark.parametrize("moment", ["step", "checkpoint"])
def test_five_kills_change_neither_weights_nor_log(undisturbed, moment, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    script = tmp_path / "kill.py"
    script.write_text(KILL)
    pairs, out = undisturbed / "pairs", tmp_path / "model"
    for kill in (2, 3, 5, 6, 8):
        with pytest.raises(StageError, match="ended with exit code"):
            train_here(pairs, out, runtime=Runtime(launcher=f"{sys.executable} {script} {moment} {kill}"), **OPTIONS)
        whole = sorted(path.parent.name for path in out.glob("training/checkpoint-*/complete.json"))
        assert whole[-1] == f"checkpoint-{kill - 1}"
        torn = out / "training" / f"checkpoint-{kill}"
        assert torn.exists() == (moment == "checkpoint")
        assert not (torn / "complete.json").exists()
    train_here(pairs, out, **OPTIONS)
    logs = [read_json(folder / "logs" / "metrics.json") for folder in (undisturbed / "model", out)]
    assert logs[1]["resumed_from"] == "checkpoint-7"
    losses = [[(entry["step"], entry["loss"]) for entry in log["history"] if "loss" in entry] for log in logs]
    assert losses[0] == losses[1]
    files = {path.name for path in (undisturbed / "model" / "model").iterdir()}
    assert files == {path.name for path in (out / "model").iterdir()}
    for name in files:
        assert (undisturbed / "model" / "model" / name).read_bytes() == (out / "model" / name).read_bytes(), name
