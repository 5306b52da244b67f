"""When a stage has to stop, so that a build ends in time and loses nothing.

The time stands in a file of the stage folder, which reaches every process of a stage on whatever machine. A stage that
has places to stop at (chunks, steps of a training) says so in the same file, and stops at the next one by itself; any
other is ended, and what it has finished stays. A training says as well from where it would go on: it can be asked to
write a checkpoint when a user interrupts it, and whoever has ended it can say what is lost.
"""

import time
from pathlib import Path

from builder.data.storage import read_json, write_json
from builder.workspace.layout import CHECKPOINT, STOP_AT

_AT, _BY_ITSELF, _FINISH = "at", "by_itself", "finish"
_STEP, _EVERY = "step", "every"


def set_deadline(out: Path, at: float | None) -> None:
    """Write when a stage has to stop, in seconds since 1970; None is never."""
    if at is None:
        (out / STOP_AT).unlink(missing_ok=True)
    else:
        write_json(out / STOP_AT, {_AT: at, _BY_ITSELF: False})


def has_deadline(out: Path) -> bool:
    """Whether a stage has to stop at some time."""
    return (out / STOP_AT).is_file()


def stop_by_itself(out: Path) -> None:
    """Say that this stage looks at its deadline, and is not to be ended."""
    if has_deadline(out):
        write_json(out / STOP_AT, read_json(out / STOP_AT) | {_BY_ITSELF: True})


def stops_by_itself(out: Path) -> bool:
    """Whether a stage has said that it looks at its deadline."""
    return has_deadline(out) and bool(read_json(out / STOP_AT)[_BY_ITSELF])


def finish_at(out: Path, at: float = 0.0) -> None:
    """Let a training end then as if it had taken its last step, so that a short one shows what a whole one costs."""
    write_json(out / STOP_AT, {_AT: at, _BY_ITSELF: True, _FINISH: True})


def is_to_finish(out: Path) -> bool:
    """Whether a training that has to stop is to be saved as a model, and not as a checkpoint."""
    return has_deadline(out) and bool(read_json(out / STOP_AT).get(_FINISH))


def would_go_on(out: Path, step: int, every: str) -> None:
    """Say from where a training goes on if it is ended now, and that it writes a checkpoint if it is asked to stop.

    Args:
        out: The stage folder.
        step: That of its last whole checkpoint; 0 where it has none.
        every: When it writes one by itself, as the TRL recipe says it.
    """
    write_json(out / CHECKPOINT, {_STEP: step, _EVERY: every})


def forget_checkpoint(out: Path) -> None:
    """Remove what an earlier run has said of its checkpoints; this one may take other ones."""
    (out / CHECKPOINT).unlink(missing_ok=True)


def writes_checkpoints(out: Path) -> bool:
    """Whether a stage is a training that has begun, and writes a checkpoint if it is asked to stop."""
    return (out / CHECKPOINT).is_file()


def from_where(out: Path) -> str:
    """From where the next run of a training goes on; empty for any other stage, and before a training has begun."""
    if not writes_checkpoints(out):
        return ""
    said = read_json(out / CHECKPOINT)
    if said[_STEP]:
        return f"goes on from step {said[_STEP]:,}"
    return f"begins again: it had no checkpoint yet ({said[_EVERY]})"


def stop_now(out: Path) -> None:
    """Ask a stage that looks at its deadline to stop."""
    write_json(out / STOP_AT, {_AT: 0.0, _BY_ITSELF: True})


def is_over(out: Path) -> bool:
    """Whether a stage has to stop now."""
    return has_deadline(out) and time.time() >= float(read_json(out / STOP_AT)[_AT])
