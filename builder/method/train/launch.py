"""Run the script `sft` for a training stage: in its process, or under the launcher of the recipe; without a shell."""

import os
import shlex
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from builder.data.resources import accelerate_file
from builder.data.storage import read_json
from builder.errors import BuilderError, StageError, TimeIsUp
from builder.method.train.output import finish
from builder.method.train.sft import FAILED
from builder.method.train.sharding import launcher_file_problems, launcher_sharding_problems
from builder.recipe.sections.runtime import Runtime
from builder.workspace.child import STAGE_PROCESS
from builder.workspace.environment import child_environment, visible_gpus
from builder.workspace.layout import LOG
from builder.workspace.processes import GRACE_SECONDS, die_with_parent, ends_in_order, last_words
from builder.workspace.progress import notice


def launch(out: Path, arguments: list[str], runtime: Runtime) -> None:
    """Train as `sft.yaml` in a stage folder says, and look whether the model that was saved is whole.

    Args:
        out: The stage folder.
        arguments: Further arguments of `builder.method.train.sft`.
        runtime: Launcher and threads.

    Raises:
        StageError: If the training fails, the launcher is no command, or not all weights were saved.
    """
    arguments = ["--config", str(out / "sft.yaml"), *arguments]
    cache = out / "training" / "datasets"
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["HF_DATASETS_CACHE"] = str(cache)
    if runtime.launcher:
        train_under_launcher(out, arguments, runtime)
    else:
        _train_here(arguments)
    finish(out / "training" / "final")
    shutil.rmtree(cache, ignore_errors=True)


def leave_one_gpu(out: Path, runtime: Runtime) -> None:
    """Leave this process the first of several GPUs where no launcher starts one process for each, and say so.

    TRL would spread one model over all of them, layer by layer, and refuses to do that with a quantised one. It must be
    called before anything asks CUDA.

    Args:
        out: The stage folder.
        runtime: Whether there is a launcher.
    """
    gpus = visible_gpus()
    if runtime.launcher or len(gpus) < 2:
        return
    os.environ["CUDA_VISIBLE_DEVICES"] = gpus[0]
    notice(
        out,
        f"{len(gpus)} GPUs are visible and there is no runtime.launcher: this training uses one, {gpus[0]}; set "
        "runtime.launcher: accelerate launch --config_file recipes/accelerate/ddp.yaml (or fsdp2.yaml) to use all",
    )


def launcher_words(launcher: str) -> list[str]:
    """The words of a launcher; one that names an accelerate configuration of the package becomes its path."""
    return [accelerate_file(word) for word in shlex.split(launcher)]


def _train_here(arguments: list[str]) -> None:
    from builder.method.train.sft import main

    try:
        main(arguments)
    except ModuleNotFoundError as error:
        raise StageError(f"{error.name} is not installed: pip install 'humpback-builder[train]'") from error


def train_under_launcher(out: Path, arguments: list[str], runtime: Runtime) -> None:
    """Run `builder.method.train.sft` under the launcher of the recipe, which ends with this process.

    Args:
        out: The stage folder.
        arguments: Those of the script.
        runtime: Launcher and threads.

    Raises:
        StageError: If it does not end with 0, or is no command.
    """
    command = [*launcher_words(runtime.launcher), "-m", "builder.method.train.sft", *arguments]
    (out / FAILED).unlink(missing_ok=True)
    here, log = os.getpid(), out / LOG
    start = log.stat().st_size if log.is_file() else 0
    environment = child_environment(runtime) | {STAGE_PROCESS: f"{here}@{socket.gethostname()}"}
    try:
        with ends_in_order():
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, env=environment, preexec_fn=lambda: die_with_parent(here)
            )
            code = _outcome(process)
    except OSError as error:
        raise StageError(f"runtime.launcher: {command[0]}: {error.strerror}; give a command that exists") from error
    if code and (out / FAILED).is_file():
        failed = read_json(out / FAILED)
        raise (TimeIsUp if failed.get("exit_code") == TimeIsUp.exit_code else StageError)(str(failed["error"]))
    if code:
        raise StageError(f"{command[0]} ended with exit code {code}; what it said is in {log}{last_words(log, start)}")


def _outcome(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a launcher; ask it to end when this process is asked to: srun and the like end their ranks only then."""
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS - 1)
        raise


def launcher_problems(launcher: str) -> list[str]:
    """What is wrong with the files that a launcher names, as far as it can be told without starting it."""
    try:
        words = launcher_words(launcher)
        return [*launcher_file_problems(words), *launcher_sharding_problems(words)]
    except BuilderError as error:
        return str(error).splitlines()
