"""What the keys of a TRL recipe need of the machine, and of the build."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.cli.checks.machine import Lack, Machine
from builder.llm.model_files import ATTENTION_PACKAGES
from builder.recipe.sections.training import Training

_SERVICES = {
    "tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "mlflow": ("mlflow",), "trackio": ("trackio",),
    "comet_ml": ("comet_ml",), "clearml": ("clearml",), "swanlab": ("swanlab",), "dvclive": ("dvclive",),
    "codecarbon": ("codecarbon",), "neptune": ("neptune",), "dagshub": ("dagshub",),
}  # fmt: skip
"""What each service of `report_to` needs, one of them."""
_OPTIMISERS = (
    ("bnb", "bitsandbytes"), ("paged_", "bitsandbytes"), ("lion_", "bitsandbytes"), ("ademamix", "bitsandbytes"),
    ("adamw_8bit", "bitsandbytes"), ("adamw_torch_4bit", "torchao"), ("adamw_torch_8bit", "torchao"),
    ("galore_", "galore_torch"), ("lomo", "lomo_optim"), ("grokadamw", "grokadamw"), ("schedule_free", "schedulefree"),
    ("apollo_", "apollo_torch"), ("stable_adamw", "optimi"),
)  # fmt: skip
"""Which package an optimiser needs, by a part of its name."""
_INSTALL = {
    "bitsandbytes": "bitsandbytes", "liger_kernel": "liger-kernel", "flash_attn": "flash-attn",
    "flash_attn_interface": "flash-attn of its Hopper branch", "galore_torch": "galore-torch",
    "lomo_optim": "lomo-optim", "apollo_torch": "apollo-torch", "optimi": "torch-optimi", "comet_ml": "comet-ml",
}  # fmt: skip


_WITHOUT = "train where there is one (a runtime.launcher may start it there), or for a CPU set use_cpu: true"


def training_lacks(
    file: Path, options: Mapping[str, Any], training: Training, launcher: str, machine: Machine
) -> Iterator[Lack]:
    """What would end a training, or hang on the machine that it runs on.

    Args:
        file: The TRL recipe.
        options: What it holds.
        training: The section of the recipe, which says whether rows are held out.
        launcher: `runtime.launcher`; where there is one, a training may run elsewhere.
        machine: This one.
    """
    if str(options.get("eval_strategy") or "no").lower() != "no" and not training.held_out:
        text = f"eval_strategy is {options['eval_strategy']!r}, and no rows are held out to evaluate on"
        yield Lack(f"{file}: {text}; set training.held_out: 0.02 in the recipe, or eval_strategy: 'no'", sure=True)
    if not machine.trains:
        return
    sure = not launcher
    for key, package, others in _packages(options):
        if not any(machine.has(name) for name in (package, *others)):
            how = f"pip install {_INSTALL.get(package, package)}"
            yield Lack(
                f"{file}: {key}, which needs {package}, and that is not installed here; {how}, or leave it out", sure
            )
    if machine.gpus == 0:
        yield from (Lack(f"{file}: {text}", sure and ends) for text, ends in _for_gpus(options))
    if options.get("fsdp") and not launcher:
        yield Lack(f"{file}: fsdp shares a model over processes; set runtime.launcher, or leave it out", sure=True)


def _packages(options: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What is asked for, the package it needs, and others that will do."""
    reports = options.get("report_to")
    for name in reports if isinstance(reports, list) else [reports]:
        if isinstance(name, str) and (packages := _SERVICES.get(name)):
            yield f"report_to has {name}", packages[0], packages[1:]
    attention = options.get("attn_implementation")
    if isinstance(attention, str) and (package := ATTENTION_PACKAGES.get(attention)):
        yield f"attn_implementation is {attention}", package, ()
    optimiser = str(options.get("optim", ""))
    if package := next((package for part, package in _OPTIMISERS if part in optimiser), None):
        yield f"optim is {optimiser}", package, ()
    switches = {
        "use_peft": "peft", "load_in_4bit": "bitsandbytes", "load_in_8bit": "bitsandbytes",
        "use_liger_kernel": "liger_kernel", "deepspeed": "deepspeed",
    }  # fmt: skip
    yield from ((f"{key} is set", package, ()) for key, package in switches.items() if options.get(key))


def _for_gpus(options: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """What of the keys goes on a GPU alone, and whether a training ends without one."""
    on_cpu, bf16 = bool(options.get("use_cpu")), options.get("bf16")
    if not on_cpu and (bf16 or (bf16 is None and not options.get("fp16"))):
        said = "bf16 is true" if bf16 else "bf16 is left out, which TRL takes for true,"
        yield f"{said} and this machine has no GPU; {_WITHOUT}", True
    if options.get("fp16"):
        yield "fp16 is true and this machine has no GPU, where it would change nothing; take fp16: false here", False
    if options.get("tf32"):
        yield "tf32 is true and this machine has no GPU; leave it out, or train where there is one", True
    attention = str(options.get("attn_implementation"))
    if attention in ATTENTION_PACKAGES:
        yield f"attn_implementation is {attention} and this machine has no GPU; take sdpa, or train where one is", True
