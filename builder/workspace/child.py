"""Run one stage in a child process: memory and GPUs come back when it ends, a crash is contained.

The parent writes the request, watches progress, ends a child that makes none, and reads the result. The child is a
guard with the stage below it: all that the stage has started ends with it, and both end with the parent. The folder is
locked until then, so it never has two writers. Whole addresses, with their passwords, reach the child through a pipe;
the request has them as they are shown, and what the child says has no secret that it knows.
"""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.address import put_back
from builder.data.redaction import redact_output, redacted, trace
from builder.data.storage import count_rows, parquet_files, read_json, write_json
from builder.errors import RecipeError, StageError, TimeIsUp
from builder.workspace import journal
from builder.workspace.environment import child_environment, versions
from builder.workspace.failures import EXIT_AGAIN, EXIT_UNWRITABLE, died, disk_full, explain
from builder.workspace.finished.inventory import take_inventory
from builder.workspace.layout import LOG, REQUEST, RESULT
from builder.workspace.limits.deadline import (
    forget_checkpoint,
    from_where,
    is_over,
    set_deadline,
    stop_now,
    stops_by_itself,
    writes_checkpoints,
)
from builder.workspace.locks import StageLock, only_writer
from builder.workspace.processes import ASKED_TO_END, end_guarded, guarded, last_words
from builder.workspace.progress import Progress, beating, forget_progress, read_progress, telling

if TYPE_CHECKING:
    from pydantic import BaseModel

    from builder.data.accounting import Counts, Stats
    from builder.recipe.sections.runtime import Runtime
HiddenPlaces = list[tuple[list[str | int], str]]
"""Whole addresses, each with the keys that lead to it in a configuration."""
POLL_SECONDS = 0.2
SAVE_SECONDS = 20.0
"""How long a training that is interrupted may take to write a checkpoint before it is ended."""
SPARE_BYTES = 1 << 20
"""With less room than this, a failure without another reason is one of the disk."""
GUARD = "HUMPBACK_GUARD"
"""Variable that marks all processes below one guard."""
STAGE_PROCESS = "HUMPBACK_STAGE_PROCESS"
"""Variable that tells the processes of a launcher which stage they belong to."""


def name_of(thing: Callable[..., Any]) -> str:
    """The `module:name` by which a child process finds a function or a class."""
    return f"{thing.__module__}:{thing.__qualname__}"


def by_name(place: str) -> Any:
    """What a `module:name` is of."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def request_of(
    function: Callable[..., Any], config: "BaseModel", inputs: Iterable[Path], runtime: "Runtime"
) -> dict[str, Any]:
    """What a child process is asked to run, as `run_child` takes it."""
    return {
        "function": name_of(function),
        "config_type": name_of(type(config)),
        "config": config.model_dump(mode="json"),
        "inputs": [str(path) for path in inputs],
        "runtime": runtime.model_dump(mode="json"),
    }


def run_child(
    out: Path,
    request: dict[str, Any],
    runtime: "Runtime",
    on_progress: Callable[[], None],
    *,
    stage: str,
    hidden: HiddenPlaces | None = None,
    stop_at: float | None = None,
) -> dict[str, Any]:
    """Run the requested function in a child process and return its part of `stage.json`.

    Args:
        out: The stage folder.
        request: Function, configuration and inputs; written to the folder.
        runtime: How it runs.
        on_progress: Called again and again while the child runs, whether or not it has done something.
        stage: Its name.
        hidden: Whole addresses of the configuration (`data/address.py`), which are written nowhere.
        stop_at: When it has to stop, in seconds since 1970.

    Raises:
        RecipeError: If the child finds an input wrong.
        TimeIsUp: If it has stopped because it had to.
        StageError: If it fails, is killed, or makes no progress too often.
        OSError: If the stage folder cannot be written.
    """
    with only_writer(out, stage) as lock:
        write_json(out / REQUEST, request)
        journal.reset(out)
        set_deadline(out, stop_at)
        starts, lives, whole = 0, runtime.restarts, _written(out)
        while True:
            (out / RESULT).unlink(missing_ok=True)
            forget_progress(out)
            forget_checkpoint(out)
            start = (out / LOG).stat().st_size if (out / LOG).is_file() else 0
            try:
                code = _watch(out, runtime, on_progress, lock, hidden or [])
            except KeyboardInterrupt as interrupt:
                if where := from_where(out):
                    interrupt.args = (f"{stage} {where}",)
                raise
            starts += 1
            stalled = code is None or code == EXIT_AGAIN
            noted = journal.note_deaths(out) if stalled or _is_death(code) else False
            if not stalled and not noted:
                break
            lives, whole = (lives if _written(out) == whole else runtime.restarts) - 1, _written(out)
            if lives < 0 and not stalled:
                break
            if lives < 0:
                raise StageError(
                    f"{stage}: no progress for {runtime.stall_minutes:g} minutes, or an engine that died, again and "
                    f"again ({starts} starts); see {out / LOG}, or raise runtime.stall_minutes"
                )
    result = read_json(out / RESULT) if (out / RESULT).is_file() else {}
    if code == 0 and "counts" in result:
        return {**result, "restarts": starts - 1} if starts > 1 else dict(result)
    if "error" in result:
        kinds = {kind.exit_code: kind for kind in (RecipeError, TimeIsUp)}
        raise kinds.get(result["exit_code"], StageError)(f"{stage}: {result['error']}")
    if code == EXIT_UNWRITABLE:
        raise StageError(f"{stage}: {disk_full(f'{out}, or it cannot be written')}")
    if code and code > 0 and shutil.disk_usage(out).free < SPARE_BYTES:
        raise StageError(f"{stage}: {disk_full(out)}")
    if code is not None and -code in ASKED_TO_END:
        raise StageError(f"{stage}: {died(code)}")
    raise StageError(f"{stage}: {died(typing.cast('int', code))}; see {out / LOG}{last_words(out / LOG, start)}")


def _written(out: Path) -> int:
    """Files of rows that stand, and what is known of deadly rows; more than before means that something gets done."""
    files = len(parquet_files(out / "data")) if (out / "data").is_dir() else 0
    return files + journal.found(out)


def _is_death(code: int | None) -> bool:
    """Whether a child has died of what it did, and not because somebody has asked it to end."""
    return code is not None and code < 0 and -code not in ASKED_TO_END


def _watch(
    out: Path, runtime: "Runtime", on_progress: Callable[[], None], lock: StageLock, hidden: HiddenPlaces
) -> int | None:
    """Wait for one child; its exit code, or None if it was ended because it stood still."""
    reads, writes = os.pipe()
    command = [sys.executable, "-m", "builder.workspace.child", str(out), str(os.getpid()), str(lock.file), str(reads)]
    value = f"{os.getpid()}-{time.time_ns()}"
    with os.fdopen(reads, "rb"), (out / LOG).open("ab") as log:
        guard = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=child_environment(runtime) | {GUARD: value},
            start_new_session=True, pass_fds=[lock.file, reads],
        )  # fmt: skip
    seen, moved = None, time.monotonic()
    try:
        _hand_over(hidden, writes)
        lock.name_holder(guard.pid)
        while guard.poll() is None:
            time.sleep(POLL_SECONDS)
            now = (read_progress(out), (out / LOG).stat().st_size)
            if now != seen:
                seen, moved = now, time.monotonic()
            on_progress()
            if time.monotonic() - moved > 60 * runtime.stall_minutes:
                return None
            if is_over(out) and not stops_by_itself(out):
                raise TimeIsUp(f"{out}: is ended")
        code = guard.returncode
        return 128 - code if code - 128 in ASKED_TO_END else code  # one that ended in order, as if by the signal
    except KeyboardInterrupt:
        _let_save(out, guard, on_progress)
        raise
    finally:
        end_guarded(guard, f"{GUARD}={value}")


def _let_save(out: Path, guard: "subprocess.Popen[bytes]", on_progress: Callable[[], None]) -> None:
    """Let a training that has taken a step write a checkpoint; another interrupt ends it at once."""
    seen = read_progress(out)
    if not writes_checkpoints(out) or seen is None or seen.done == seen.before:
        return
    stop_now(out)
    end = time.monotonic() + SAVE_SECONDS
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # of a terminal that closes two come
    try:
        while guard.poll() is None and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
            on_progress()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hand_over(hidden: HiddenPlaces, pipe: int) -> None:
    with suppress(BrokenPipeError), os.fdopen(pipe, "w", encoding="utf-8") as writes:  # a child may be dead already
        json.dump(hidden, writes)


def _run_request(out: Path, hidden: HiddenPlaces) -> dict[str, Any]:
    from builder.recipe.sections.runtime import Runtime

    request = read_json(out / REQUEST)
    put_back(request["config"], hidden)
    function = by_name(request["function"])
    config = by_name(request["config_type"]).model_validate(request["config"])
    runtime = Runtime.model_validate(request["runtime"])
    with telling(Progress(out, "rows")):
        stats = function(out, config, *[Path(item) for item in request["inputs"]], runtime=runtime)
    stats.check(out.name)
    _refuse_nothing(out, stats)
    counts = {kind: value.as_dict() for kind, value in stats.counts.items()}
    return {
        "counts": counts,
        "details": stats.details,
        "warnings": [*map(redacted, stats.warnings)],
        "versions": versions(),
        "files": take_inventory(out, beating(out)),
    }


def _refuse_nothing(out: Path, stats: "Stats") -> None:
    """Raise a StageError if a stage has written no row at all: nothing after it could run."""
    data = out / "data"
    if data.is_dir() and parquet_files(data) and not count_rows(data):
        kind, counts = list(stats.counts.items())[-1]
        earlier = [(of, what) for of, what in stats.counts.items() if of != kind and what.kept < what.rows_in]
        took = "".join(f"; of {what.rows_in:,} {of}: {_lost(what)}" for of, what in earlier if not counts.rows_in)
        raise StageError(
            f"no {kind} are left of {counts.rows_in:,} ({_lost(counts) or 'none came in'}{took}); what was rejected is "
            f"in {out / 'rejected'}"
        )


def _lost(counts: "Counts") -> str:
    """The reasons for rows that did not go on, the commonest first."""
    lost = (counts.dropped + counts.failed).most_common()
    return ", ".join(f"{reason} {count:,}" for reason, count in lost)


def main(out: Path, parent: int, lock: int | None = None, addresses: int | None = None) -> int:
    """Entry point of the child: run the request found in `out` under a guard, leave a result.

    Args:
        out: The stage folder.
        parent: Process id of the command, with which all of it ends.
        lock: Descriptor of the folder's lock; programs that the stage starts do not get it.
        addresses: Descriptor of the pipe that holds the whole addresses of the request.
    """
    redact_output()
    hidden: HiddenPlaces = []
    if lock is not None:
        os.set_inheritable(lock, False)
    if addresses is not None:
        with os.fdopen(addresses, encoding="utf-8") as pipe:
            hidden = json.load(pipe)
    return guarded(lambda: _answer(out, hidden), parent)


def _answer(out: Path, hidden: HiddenPlaces) -> int:
    try:
        result, code = _run_request(out, hidden), 0
    except Exception as error:
        message = explain(error)
        with suppress(OSError):  # the log may lie on the disk that is full
            sys.stderr.write(trace(error))
        if message is None:
            return 1
        result, code = {"error": message, "exit_code": getattr(error, "exit_code", StageError.exit_code)}, 1
    try:
        write_json(out / RESULT, result)
    except OSError:
        return EXIT_UNWRITABLE
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
