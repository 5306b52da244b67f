"""What a recipe asks for and this machine has not: an error where the build would end, else a note."""

from pathlib import Path
from typing import Any

import pytest
from support.bare_recipe import recipe

from builder.cli.checks.machine import Lack, Machine
from builder.cli.checks.running import engine_lacks, executor_lacks, launcher_lacks
from builder.cli.checks.training import training_lacks
from builder.recipe.sections.training import Training

FILE = Path("sft.yaml")
CPU = {"use_cpu": True, "bf16": False}
LAUNCHER = "accelerate launch --num_processes 2"


def machine(*lacking: str, gpus: int = 0, vllm_on_cpu: bool = True) -> Machine:
    return Machine(gpus, lambda name: name not in lacking, lambda name: name not in lacking, vllm_on_cpu)


def training(options: dict[str, Any], on: Machine, launcher: str = "", held_out: float = 0.0) -> list[Lack]:
    section = Training(forward=FILE, backward=FILE, held_out=held_out)
    return list(training_lacks(FILE, options, section, launcher, on))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bf16": True}, "bf16 is true and this machine has no GPU; train where there is one"),
        ({}, "bf16 is left out, which TRL takes for true, and this machine has no GPU"),
        (CPU | {"tf32": True}, "tf32 is true and this machine has no GPU"),
        (CPU | {"attn_implementation": "flash_attention_2"}, "attn_implementation is flash_attention_2 and this mach"),
        (CPU | {"fsdp": "full_shard"}, "fsdp shares a model over processes; set runtime.launcher"),
    ],
)
def test_what_goes_on_gpus_alone_is_an_error_without_one(options: dict[str, Any], says: str) -> None:
    (lack,) = training(options, machine())
    assert lack.text.startswith(f"sft.yaml: {says}")
    assert lack.sure


@pytest.mark.parametrize("options", [CPU, {"bf16": True, "use_cpu": True}, {"bf16": False}])
def test_a_training_for_cpus_lacks_nothing(options: dict[str, Any]) -> None:
    assert training(options, machine()) == []


def test_a_training_for_gpus_lacks_nothing_where_there_is_one() -> None:
    assert training({"bf16": True, "tf32": True}, machine(gpus=1)) == []


def test_fp16_is_noted_as_a_cpu_trains_without_it() -> None:
    (lack,) = training({"fp16": True}, machine())
    assert "fp16 is true and this machine has no GPU, where it would change nothing" in lack.text
    assert not lack.sure


def test_what_a_launcher_starts_may_run_elsewhere_and_is_noted() -> None:
    lacks = training({"bf16": True, "use_liger_kernel": True}, machine("liger_kernel"), LAUNCHER)
    assert [lack.sure for lack in lacks] == [False, False]


@pytest.mark.parametrize(
    ("options", "package", "says"),
    [
        (
            {"report_to": "wandb"},
            "wandb",
            "report_to has wandb, which needs wandb, and that is not installed here; pip",
        ),
        ({"report_to": ["none", "mlflow"]}, "mlflow", "report_to has mlflow"),
        ({"attn_implementation": "flash_attention_2"}, "flash_attn", "attn_implementation is flash_attention_2"),
        ({"attn_implementation": "flash_attention_3"}, "flash_attn_interface", "attn_implementation is flash_attenti"),
        ({"optim": "paged_adamw_8bit"}, "bitsandbytes", "optim is paged_adamw_8bit"),
        ({"optim": "adamw_torch_8bit"}, "torchao", "optim is adamw_torch_8bit"),
        ({"optim": "adalomo"}, "lomo_optim", "optim is adalomo"),
        ({"use_liger_kernel": True}, "liger_kernel", "use_liger_kernel is set"),
        ({"deepspeed": {"zero_optimization": {"stage": 2}}}, "deepspeed", "deepspeed is set"),
        ({"load_in_4bit": True}, "bitsandbytes", "load_in_4bit is set"),
        ({"use_peft": True}, "peft", "use_peft is set"),
    ],
)
def test_a_package_that_a_key_needs_and_is_not_here_is_named_with_its_key(
    options: dict[str, Any], package: str, says: str
) -> None:
    assert training(options, machine(gpus=1)) == []
    (lack,) = training(options, machine(package, gpus=1))
    assert lack.text.startswith(f"sft.yaml: {says}")
    assert "pip install" in lack.text
    assert lack.sure


def test_tensorboard_may_be_written_by_either_package() -> None:
    assert training({"report_to": "tensorboard"}, machine("tensorboard", gpus=1)) == []
    assert len(training({"report_to": "tensorboard"}, machine("tensorboard", "tensorboardX", gpus=1))) == 1


@pytest.mark.parametrize("strategy", ["steps", "epoch"])
def test_an_evaluation_without_held_out_rows_is_an_error_on_any_machine(strategy: str) -> None:
    (lack,) = training(CPU | {"eval_strategy": strategy}, machine(), LAUNCHER)
    assert lack.text == (
        f"sft.yaml: eval_strategy is {strategy!r}, and no rows are held out to evaluate on; set training.held_out: "
        "0.02 in the recipe, or eval_strategy: 'no'"
    )
    assert lack.sure
    assert training(CPU | {"eval_strategy": strategy}, machine(), held_out=0.02) == []
    assert training(CPU | {"eval_strategy": "no"}, machine()) == []


def test_who_installed_the_core_alone_is_told_nothing_of_trainings_and_engines() -> None:
    core = machine("trl", "torch", "vllm")
    assert training({"bf16": True}, core) == []
    assert list(engine_lacks(recipe(), core)) == []


@pytest.mark.parametrize(
    ("changes", "on", "says", "sure"),
    [
        ({}, machine("vllm"), "engine.kind is vllm, and vllm is not installed here: pip install", True),
        ({}, machine(vllm_on_cpu=False), "engine.kind is vllm, and the vllm that is installed wants a GPU", True),
        ({"runtime": {"tensor_parallel": 2}}, machine(gpus=1), "there are only 1 (0)", True),
        ({"runtime": {"engines": 2}}, machine(gpus=1), "there are only 1 (0)", False),
        (
            {"runtime": {"tensor_parallel": 2}},
            machine(),
            "runtime.tensor_parallel is 2, and this machine has no",
            False,
        ),
        ({"engine": {"quantization": "fp8"}}, machine(), "engine.quantization is fp8, and this machine has no", False),
        (
            {"runtime": {"executor": "ray"}},
            machine("vllm"),
            "engine.kind is vllm, and vllm is not installed here",
            False,
        ),
    ],
)
def test_what_engines_need_is_told(
    changes: dict[str, Any], on: Machine, says: str, sure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0" if on.gpus else "")
    (lack,) = engine_lacks(recipe(**changes), on)
    assert says in lack.text
    assert lack.sure is sure


def test_engines_that_are_here_or_on_a_server_lack_nothing() -> None:
    assert list(engine_lacks(recipe(), machine())) == []
    assert list(engine_lacks(recipe(engine={"kind": "transformers"}), machine("vllm"))) == []
    served = recipe(engine={"kind": "openai"}, runtime={"endpoint": "http://localhost:1/v1", "tensor_parallel": 2})
    assert list(engine_lacks(served, machine("vllm"))) == []


def test_a_cluster_whose_program_is_not_here_is_told() -> None:
    (ray,) = executor_lacks(recipe(runtime={"executor": "ray"}), machine("ray"))
    assert ray.sure
    slurm = recipe(runtime={"executor": "slurm", "slurm": {"partition": "gpu", "time": "1:00:00"}})
    (lack,) = executor_lacks(slurm, machine("sbatch"))
    assert "there is no sbatch here" in lack.text
    assert not lack.sure
    assert list(executor_lacks(slurm, machine())) == []


def test_what_a_launcher_asks_of_a_machine_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "ds.yaml"
    file.write_text("distributed_type: DEEPSPEED\nnum_processes: 4\n")
    lacks = list(
        launcher_lacks(
            recipe(runtime={"launcher": f"accelerate launch --config_file {file}"}),
            machine("accelerate", "deepspeed", gpus=1),
        )
    )
    assert not any(lack.sure for lack in lacks)
    assert [lack.text.split(";")[0] for lack in lacks] == [
        "runtime.launcher begins with accelerate, and there is no such command here",
        "runtime.launcher starts 4 processes, one a GPU, and this machine has 1",
        "runtime.launcher shares weights by deepspeed, which is not installed here",
    ]


@pytest.mark.parametrize("launcher", ["", LAUNCHER, "accelerate launch --cpu --num_processes 8"])
def test_a_launcher_that_fits_is_not_noted(launcher: str) -> None:
    assert list(launcher_lacks(recipe(runtime={"launcher": launcher}), machine(gpus=2))) == []
