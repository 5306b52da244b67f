"""What a training finds when it starts, and how its launcher ends: one GPU, and asked before it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.errors import StageError
from builder.method.train import stage
from builder.method.train.launch import leave_one_gpu
from builder.method.train.stage import BackwardStage, ForwardStage, train_backward, train_forward
from builder.recipe.sections.models import Chat, Origin
from builder.recipe.sections.runtime import Runtime
from builder.workspace import environment
from builder.workspace.progress import read_notices


@pytest.fixture
def visible(monkeypatch):
    def say(value):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)

    return say


def test_of_several_gpus_a_training_without_a_launcher_has_the_first_and_says_so(visible, tmp_path):
    visible("GPU-b, 5,6")
    leave_one_gpu(tmp_path, Runtime())
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    (said,) = read_notices(tmp_path)
    assert said.startswith("3 GPUs are visible and there is no runtime.launcher: this training uses one, GPU-b; set ")


@pytest.mark.parametrize(
    ("given", "launcher"), [("4", ""), ("", ""), ("-1", ""), ("0,1", "accelerate launch"), ("0,1", "torchrun")]
)
def test_nothing_is_taken_from_a_launcher_or_where_there_is_one_gpu_or_none(visible, tmp_path, given, launcher):
    visible(given)
    leave_one_gpu(tmp_path, Runtime(launcher=launcher))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == given
    assert read_notices(tmp_path) == []


def test_the_gpus_of_the_machine_count_where_no_variable_names_them(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(environment, "DEVICES", tmp_path)
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / name).touch()
    leave_one_gpu(tmp_path / "out", Runtime())
    assert os.environ.pop("CUDA_VISIBLE_DEVICES") == "0"


@pytest.mark.parametrize("role", ["forward", "backward"])
def test_a_stage_leaves_one_gpu_before_anything_of_the_model_is_loaded(visible, monkeypatch, tmp_path, role):
    def loads(*_):
        raise StageError(f"loaded with {os.environ['CUDA_VISIBLE_DEVICES']}")

    visible("2,3")
    monkeypatch.setattr(stage, "role_renderer", loads)
    plain = {"base": Origin(path=tmp_path), "chat": Chat(), "recipe": tmp_path / "sft.yaml"}
    train, kind, options = {
        "forward": (train_forward, ForwardStage, {}),
        "backward": (train_backward, BackwardStage, {"template": "backward"}),
    }[role]
    with pytest.raises(StageError, match=r"loaded with 2$"):
        train(tmp_path, kind(**plain, **options), tmp_path, runtime=Runtime())


TRAPS = """
trap 'echo asked > {folder}/asked; exit 1' TERM
echo up > {folder}/up
while true; do sleep 0.05; done
"""
TRAINS = """
import sys
from pathlib import Path
from builder.method.train.launch import train_under_launcher
from builder.recipe.sections.runtime import Runtime
train_under_launcher(Path(sys.argv[1]), [], Runtime(launcher="bash " + sys.argv[2]))
"""


def test_a_launcher_is_asked_to_end_so_that_it_can_end_ranks_on_other_machines(tmp_path):
    script = tmp_path / "launcher.sh"
    script.write_text(TRAPS.format(folder=tmp_path))
    root = Path(__file__).parents[2]
    stage = subprocess.Popen(
        [sys.executable, "-c", TRAINS, str(tmp_path), str(script)], env=os.environ | {"PYTHONPATH": str(root)}
    )
    try:
        while not (tmp_path / "up").is_file() and stage.poll() is None:
            time.sleep(0.05)
        stage.send_signal(signal.SIGTERM)
        assert stage.wait(30) == 128 + signal.SIGTERM
    finally:
        stage.kill()
        stage.wait()
    assert (tmp_path / "asked").read_text() == "asked\n"
