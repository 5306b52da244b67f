"""What a user sees of a running build: one line a stage on stderr, a live one on a terminal."""

import sys
import time
from typing import Any

from builder.text.escape import escape
from builder.workspace.progress import read_notices, read_progress
from builder.workspace.workspace import Artifact

PLAIN_SECONDS = 60


class Console:
    """Reports stages as they pass; hand an instance to `Workspace` as `report`."""

    def __init__(self) -> None:
        from rich.console import Console as Terminal

        self._terminal = Terminal(stderr=True, highlight=False)
        self._live: Any = None
        self._said = ("", 0.0)
        self._told: set[tuple[str, str]] = set()

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back, however the build ended."""
        self._stop()

    def __call__(self, artifact: Artifact, event: str) -> None:
        """Show one event of one stage; see `workspace.Report`."""
        if event in ("start", "progress"):
            self._running(artifact)
            return
        self._stop()
        if event in ("cached", "done"):
            lines = [describe_stage(artifact, event), *describe_losses(artifact)]
            print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201 - progress, not a result

    def _running(self, artifact: Artifact) -> None:
        for notice in read_notices(artifact.path):
            if (artifact.stage, notice) not in self._told:
                self._told.add((artifact.stage, notice))
                self._stop()
                said = f"    warning: {escape(notice, 'terminal')}"
                print(f"{artifact.stage:<20} running\n{said}", file=sys.stderr, flush=True)  # noqa: T201 - a warning
        text = f"{artifact.stage:<20} running {_position(artifact)}"
        if not self._terminal.is_terminal:
            self._say_now_and_then(artifact, text)
            return
        if self._live is None:
            self._live = self._terminal.status(text)
            self._live.start()
        self._live.update(text)

    def _say_now_and_then(self, artifact: Artifact, text: str) -> None:
        """A log gets a line when a stage has run for a while, and then one a minute."""
        now = time.monotonic()
        if self._said[0] != artifact.stage:
            self._said = (artifact.stage, now)
        elif now - self._said[1] >= PLAIN_SECONDS:
            self._said = (artifact.stage, now)
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress, not a result

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _position(artifact: Artifact) -> str:
    progress = read_progress(artifact.path)
    if progress is None:
        return ""
    done, total, unit, _ = progress
    return f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"


def describe_stage(artifact: Artifact, event: str) -> str:
    """One line: stage, what happened, time, and what became of its rows."""
    record = artifact.record
    time = f"{record['seconds']:7.1f} s" if event == "done" else " " * 9
    return f"{artifact.stage:<20} {event:<7} {time}  {describe_counts(record['counts'])}"


def describe_losses(artifact: Artifact) -> list[str]:
    """A line for each kind of input that could not all be read, and for each warning of the stage."""
    record = artifact.record
    lines = []
    for kind, value in list(record["counts"].items())[:-1]:
        if value["failed"]:
            reasons = ", ".join(f"{escape(reason, 'terminal')} {count:,}" for reason, count in value["failed"].items())
            lost = sum(value["failed"].values())
            lines.append(f"{lost:,} of {value['in']:,} {kind} could not be used: {reasons}")
    warnings = [escape(warning, "terminal") for warning in record.get("warnings", [])]
    return [f"  warning: {artifact.stage}: {line}" for line in lines + warnings]


def describe_counts(counts: dict[str, Any]) -> str:
    """The counts of the last kind of row, with the commonest reasons for rows that did not go on."""
    kind, value = list(counts.items())[-1]
    text = f"{value['kept']:,} {kind}"
    lost = {**value["dropped"], **value["failed"]}
    if not lost:
        return text
    ranked = sorted(lost.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{escape(reason, 'terminal')} {count:,}" for reason, count in ranked[:4])
    more = ", ..." if len(ranked) > 4 else ""
    return f"{text} of {value['in']:,} ({reasons}{more})"
