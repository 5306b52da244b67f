"""What a command that fails prints with `--json`; `docs/output.schema.json` has its form."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import click

from builder.data.redaction import redacted
from builder.errors import RecipeError, ReleaseError, StageError, TimeIsUp, UnsafePath
from builder.workspace.live.output import columns, is_terminal

Kind = Literal["usage", "recipe", "stage", "release", "unsafe_path", "interrupted", "time_is_up", "system", "defect"]
_KINDS: tuple[tuple[type[BaseException], Kind], ...] = (
    (click.ClickException, "usage"),
    (RecipeError, "recipe"),
    (StageError, "stage"),
    (ReleaseError, "release"),
    (UnsafePath, "unsafe_path"),
    (TimeIsUp, "time_is_up"),
)

_GO_ON = ("build", "quickstart")


def interrupted(words: Sequence[str], error: BaseException | None = None) -> str:
    """What is said of a command that somebody has stopped: whether it keeps what it has done.

    Args:
        words: Those of the command.
        error: What it ended with; the interrupt that led to it says from where a training goes on.
    """
    verb = next((word for word in words if not word.startswith("-")), "")
    goes_on = verb in _GO_ON or (verb == "release" and "--push" in words)
    if not goes_on:
        return "interrupted; the same command begins anew"
    note = _note_of(error)
    return f"interrupted; the same command goes on{f', and {note}' if note else ' where it stopped'}"


def _note_of(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, KeyboardInterrupt) and error.args:
            return str(error)
        error = error.__cause__ or error.__context__
    return ""


def fitting(text: str) -> str:
    """Lines for stderr: broken between words where it is a terminal, but for commands, which one copies."""
    if not is_terminal():
        return text
    from builder.cli.rows.layout import LEAST, wrapped

    width = max(LEAST, columns())
    lines = redacted(text).split("\n")  # first, or a secret of two words could stand on two lines
    return "\n".join(line if line.startswith("  humpback ") else wrapped(line, width, "  ") for line in lines)


def kind_of(error: BaseException, *, explained: bool) -> Kind:
    """What kind of failure an error is.

    Args:
        error: The error.
        explained: Whether there are words for it that a user can act on; else it is a defect.
    """
    known = (kind for of, kind in _KINDS if isinstance(error, of))
    return next(known, "system" if explained else "defect")


def failed(kind: Kind, lines: Sequence[str], status: int) -> int:
    """Print a failure on stdout if the command was asked for JSON; return its exit status."""
    if "--json" in sys.argv[1:]:
        from builder.data.storage import dump_json

        with suppress(OSError):  # whoever read our output may be gone
            click.echo(dump_json({"error": {"kind": kind, "lines": list(lines), "exit_status": status}}))
    return status
