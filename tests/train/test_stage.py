"""Training stages with the real TRL on the tiny base."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.stages_here import stages_here
from support.training_pairs import OPTIONS as FEW
from support.training_pairs import write_pairs

from builder.data.records import curated_schema, seed_schema
from builder.data.storage import read_json, read_rows, write_rows
from builder.errors import RecipeError, StageError
from builder.method.train.stage import (
    BackwardStage,
    ForwardStage,
    SeedStage,
    train_backward,
    train_curated,
    train_forward,
)
from builder.recipe.sections.models import Chat, Origin
from builder.recipe.sections.runtime import Runtime
from builder.workspace.workspace import Artifact, Workspace

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
OPTIONS = {
    "learning_rate": 1e-3,
    "max_steps": 2,
    "per_device_train_batch_size": 4,
    "max_length": 64,
    "dtype": "float32",
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "dataloader_pin_memory": False,
    "disable_tqdm": True,
    "logging_steps": 1,
}
LONG_ROWS = Runtime(max_too_long=0.2)


@pytest.fixture(scope="module", autouse=True)
def _here():
    with stages_here():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seed and curated stages with a row too long for max_length and a withheld one."""
    folder = tmp_path_factory.mktemp("train")
    texts = [f"Keep apples number {n} in a cool room." for n in range(6)] + ["long " * 200]
    seed = [
        {
            "id": f"seed{n}",
            "instruction": f"How should I store {n} apples?",
            "output": text,
            "source": "s",
            "license": "x",
        }
        for n, text in enumerate(texts)
    ]
    curated = [
        {"id": f"pair{n}", "instruction": f"What are {n} kites?", "output": f"Kites {n} fly.", "score": 5.0,
         "split": "test" if n == 3 else "train", "page_id": "p"}
        for n in range(4)
    ]  # fmt: skip
    write_rows(folder / "seed-1" / "data" / "seed.parquet", seed, seed_schema())
    write_rows(folder / "curate-1" / "data" / "curated.parquet", curated, curated_schema())
    (folder / "sft.yaml").write_text(yaml.safe_dump(OPTIONS))
    return folder


def stage(folder, name):
    return Artifact(name, "1", folder / f"{name}-1")


def forward_stage(folder, **options):
    path = folder / "sft.yaml"
    if options:
        path = folder / "changed.yaml"
        path.write_text(yaml.safe_dump(OPTIONS | options))
    return ForwardStage(base=Origin(path=BASE), chat=Chat(), recipe=path)


@pytest.fixture(scope="module")
def forward(folder):
    workspace = Workspace(folder, LONG_ROWS)
    return workspace.run(
        "model-1", train_forward, forward_stage(folder), stage(folder, "seed"), stage(folder, "curate")
    )


@pytest.fixture(scope="module")
def backward(folder):
    config = BackwardStage(base=Origin(path=BASE), chat=Chat(), recipe=folder / "sft.yaml", template="backward")
    return Workspace(folder, LONG_ROWS).run("model-backward", train_backward, config, stage(folder, "seed"))


def test_seed_rows_carry_s_a_and_curated_rows_s_w(forward):
    seed = list(read_rows(forward.path / "rows" / "seed.parquet"))
    curated = list(read_rows(forward.path / "rows" / "curated.parquet"))
    assert {row["prompt"][0]["content"] for row in seed} == {"Answer in the style of an AI Assistant."}
    assert {row["prompt"][0]["content"] for row in curated} == {"Answer with knowledge from web search."}
    assert seed[0]["prompt"][1] == {"role": "user", "content": "How should I store 0 apples?"}
    assert seed[0]["completion"] == [{"role": "assistant", "content": "Keep apples number 0 in a cool room."}]


def test_withheld_rows_are_not_trained_on_and_long_ones_are_counted(forward):
    assert [row["id"] for row in read_rows(forward.path / "rows" / "curated.parquet")] == ["pair0", "pair1", "pair2"]
    counts = forward.record["counts"]["rows"]
    assert counts == {"in": 10, "kept": 9, "dropped": {"longer_than_max_length": 1}, "failed": {}}
    assert [row["id"] for row in read_rows(forward.path / "rejected")] == ["seed6"]
    assert forward.record["details"]["rows"] == 9
    assert forward.record["details"]["steps"] == 2


def test_the_backward_model_learns_the_instruction_from_the_output(backward):
    row = next(read_rows(backward.path / "rows" / "seed.parquet"))
    assert row["prompt"] == [
        {"role": "system", "content": "Write the instruction that this text answers."},
        {"role": "user", "content": "Keep apples number 0 in a cool room."},
    ]
    assert row["completion"] == [{"role": "assistant", "content": "How should I store 0 apples?"}]


def test_a_finished_model_folder_is_whole_and_safe(forward):
    names = {path.name for path in forward.model.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "chat_contract.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
    contract = read_json(forward.model / "chat_contract.json")
    assert contract["role"] == "forward"
    assert (forward.model / "chat_template.jinja").read_text() == contract["template"]
    assert not (forward.path / "training" / "final").exists()


def test_a_model_answers_as_the_papers_do_whatever_its_base_was_given(forward):
    config = read_json(forward.model / "generation_config.json")
    assert (config["do_sample"], config["temperature"], config["top_p"], config["top_k"]) == (True, 0.7, 0.9, 0)
    assert config["eos_token_id"] == read_json(forward.model / "config.json")["eos_token_id"]


def test_the_weights_have_moved(forward):
    from safetensors.torch import load_file

    before, after = load_file(BASE / "model.safetensors"), load_file(forward.model / "model.safetensors")
    assert before.keys() == after.keys()
    assert any((before[name] != after[name]).any() for name in before)


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_only_the_completion_and_its_end_token_are_trained(request, name):
    """The labels that TRL's own collator makes of our rows, recipe and template."""
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser, get_dataset

    artifact = request.getfixturevalue(name)
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    _, training, model, mixture = parser.parse_args_and_config(["--config", str(artifact.path / "sft.yaml")])
    trainer = SFTTrainer(model=model.model_name_or_path, args=training, train_dataset=get_dataset(mixture)["train"])
    answers = set()
    for batch in trainer.get_train_dataloader():
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            trained = trainer.processing_class.decode(ids[labels != -100])
            assert trained.endswith("<|im_end|>")
            assert trained.count("<|im_end|>") == 1
            answers.add(trained.removesuffix("<|im_end|>"))
    rows = [row for path in (artifact.path / "rows").iterdir() for row in read_rows(path)]
    assert answers == {row["completion"][0]["content"] for row in rows}


def test_a_key_that_trl_does_not_know_is_refused_before_the_training(folder):
    config = forward_stage(folder, humpback_stage=1)
    with pytest.raises(RecipeError, match=r"changed\.yaml: humpback_stage is not a key of TRL's SFT recipe; remove it"):
        Workspace(folder, LONG_ROWS).run("model-0", train_forward, config, stage(folder, "seed"))


@pytest.mark.full
def test_a_launcher_runs_the_same_script(folder, forward):
    runtime = Runtime(
        max_too_long=0.2, launcher="accelerate launch --cpu --num_processes 1 --num_machines 1 --mixed_precision no"
    )
    config = forward_stage(folder)
    again = Workspace(folder / "launched", runtime).run(
        "model-1", train_forward, config, stage(folder, "seed"), stage(folder, "curate")
    )
    assert again.fingerprint == forward.fingerprint
    weights = [(item.model / "model.safetensors").read_bytes() for item in (forward, again)]
    assert weights[0] == weights[1]


KILL_AT = """
import os, runpy, sys
from builder.workspace.progress import Progress
step, moment = int(sys.argv.pop(1)), sys.argv.pop(1)
advance = Progress.advance
def watched(self, rows=1):
    if self.unit == "steps" and self.done + rows == step and moment == "step":
        os.kill(os.getpid(), 9)
    advance(self, rows)
Progress.advance = watched
if moment == "save":
    import builder.method.train.checkpoints
    mark = builder.method.train.checkpoints.mark_complete
    def killed(checkpoint, settings):
        if checkpoint.name == f"checkpoint-{step}":
            os.kill(os.getpid(), 9)
        mark(checkpoint, settings)
    builder.method.train.checkpoints.mark_complete = killed
if moment == "end":
    import trl
    def killed_at_the_end(self, folder, *rest, **options):
        if folder.endswith("final"):
            os.kill(os.getpid(), 9)
        return save(self, folder, *rest, **options)
    save, trl.SFTTrainer.save_model = trl.SFTTrainer.save_model, killed_at_the_end
del sys.argv[1]  # -m
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def losses(log):
    return [(entry["step"], entry["loss"]) for entry in log["history"] if "loss" in entry]


@pytest.mark.parametrize(
    ("moment", "step", "resumed"),
    [
        pytest.param("step", 2, None, marks=pytest.mark.full),
        ("save", 6, "checkpoint-4"),
        pytest.param("end", 7, "checkpoint-6", marks=pytest.mark.full),
    ],
    ids=["before the first checkpoint", "before a checkpoint is marked", "after the last step"],
)
def test_a_killed_training_resumes_from_the_last_whole_checkpoint(folder, moment, step, resumed):
    config = forward_stage(folder, max_steps=7, save_steps=2, logging_steps=3)
    kill = folder / "kill_at.py"
    kill.write_text(KILL_AT)
    inputs = stage(folder, "seed"), stage(folder, "curate")
    undisturbed = Workspace(folder / "undisturbed", LONG_ROWS).run("model-1", train_forward, config, *inputs)
    work = folder / f"{moment}-{step}"
    runtime = Runtime(max_too_long=0.2, launcher=f"{sys.executable} {kill} {step} {moment}")
    with pytest.raises(StageError, match="ended with exit code"):
        Workspace(work, runtime).run("model-1", train_forward, config, *inputs)
    (stopped,) = work.glob("model-1-*")
    assert not (stopped / "model").exists()
    again = Workspace(work, LONG_ROWS).run("model-1", train_forward, config, *inputs)
    log = read_json(again.path / "logs" / "metrics.json")
    assert log["resumed_from"] == resumed
    assert losses(log) == losses(read_json(undisturbed.path / "logs" / "metrics.json"))
    files = {path.name for path in undisturbed.model.iterdir()}
    assert {path.name for path in again.model.iterdir()} == files
    assert [
        name for name in files if (undisturbed.model / name).read_bytes() != (again.model / name).read_bytes()
    ] == []
    assert not (again.path / "training").exists()


@pytest.mark.full
def test_with_a_checkpoint_an_epoch_the_log_is_the_same_after_a_kill(folder):
    config = forward_stage(folder, max_steps=-1, num_train_epochs=3, save_strategy="epoch", logging_steps=50)
    kill = folder / "kill_at.py"
    kill.write_text(KILL_AT)
    inputs = stage(folder, "seed"), stage(folder, "curate")
    undisturbed = Workspace(folder / "epochs", LONG_ROWS).run("model-1", train_forward, config, *inputs)
    work, runtime = folder / "epochs-killed", Runtime(max_too_long=0.2, launcher=f"{sys.executable} {kill} 5 step")
    with pytest.raises(StageError):
        Workspace(work, runtime).run("model-1", train_forward, config, *inputs)
    again = Workspace(work, LONG_ROWS).run("model-1", train_forward, config, *inputs)
    assert read_json(again.path / "logs" / "metrics.json")["resumed_from"] == "checkpoint-3"
    assert again.record["details"] == undisturbed.record["details"]
    weights = [(item.model / "model.safetensors").read_bytes() for item in (undisturbed, again)]
    assert weights[0] == weights[1]


@pytest.mark.full
def test_a_training_under_a_launcher_says_what_went_wrong(folder):
    broken = folder / "broken.py"
    broken.write_text(
        "import runpy, sys\nimport builder.workspace.progress\n"
        "def full(self, rows=1): raise OSError(28, 'No space left on device', '/disk')\n"
        "builder.workspace.progress.Progress.advance = full\ndel sys.argv[1]\n"
        "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\n"
    )
    runtime = Runtime(max_too_long=0.2, launcher=f"{sys.executable} {broken}")
    with pytest.raises(StageError, match=r"model-0: the disk is full \(/disk\); free some space"):
        Workspace(folder / "broken", runtime).run(
            "model-0", train_forward, forward_stage(folder), stage(folder, "seed")
        )


def test_a_training_that_diverges_is_an_error(folder):
    config = forward_stage(folder, learning_rate=1e30)
    with pytest.raises(StageError, match=r"the training diverged: .* lower learning_rate in the TRL recipe"):
        Workspace(folder / "diverged", LONG_ROWS).run("model-0", train_forward, config, stage(folder, "seed"))


def test_a_repeated_training_takes_its_own_seed(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    plain = dict(forward_stage(folder, seed=3))
    for number in (3, 7):
        stage_folder = tmp_path / str(number)
        (stage_folder / "logs").mkdir(parents=True)
        config = SeedStage(**plain, seed=number)
        train_forward(stage_folder, config, folder / "seed-1", folder / "curate-1", runtime=LONG_ROWS)
        assert yaml.safe_load((stage_folder / "sft.yaml").read_text())["seed"] == number
    three, seven = (read_json(tmp_path / name / "logs" / "metrics.json") for name in ("3", "7"))
    assert losses(three) != losses(seven)
    assert three["held_out"]["curated"]["before"] == seven["held_out"]["curated"]["before"]


def test_a_process_of_a_training_loads_nothing_that_it_does_not_need():
    command = "import sys, builder.method.train.sft; print(*{'pydantic', 'lxml', 'datatrove', 'vllm'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True).stdout
    assert found.split() == []


def test_a_launcher_that_is_no_command_is_named(folder):
    runtime = Runtime(max_too_long=0.2, launcher="no-such-launcher --fast")
    config = forward_stage(folder, seed=3)
    with pytest.raises(StageError, match=r"runtime\.launcher: no-such-launcher: No such file"):
        Workspace(folder, runtime).run("model-0", train_forward, config, stage(folder, "seed"))


def test_rows_that_all_exceed_the_length_are_an_error(folder):
    config = forward_stage(folder, max_length=4)
    with pytest.raises(StageError, match="no seed row fits max_length: 4"):
        Workspace(folder, LONG_ROWS).run("model-0", train_forward, config, stage(folder, "seed"))


def test_a_model_of_curated_pairs_alone_trains_on_those_that_are_not_withheld(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs")
    out = tmp_path / "out"
    out.mkdir()
    (out / "recipe.yaml").write_text(yaml.safe_dump(FEW))
    stage = ForwardStage(base=Origin(path=BASE), chat=Chat(), recipe=out / "recipe.yaml")
    train_curated(out, stage, pairs / "curated", runtime=Runtime())
    assert {row["id"] for row in read_rows(out / "rows")} == {"pair0", "pair2", "pair3"}
    assert {row["id"] for row in read_rows(out / "held_out")} == {"pair1"}
