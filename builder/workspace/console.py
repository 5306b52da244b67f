"""What a user sees of a build, on stderr: a live line on a terminal, and in a log plain lines with their times.

What cannot be shown, since the terminal or the reader of a pipe is gone, is not shown; the build goes on.
"""

import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.live.ahead import Ahead
from builder.workspace.live.line import duration, rate_of, running_line, total_time, where
from builder.workspace.live.meter import Meter
from builder.workspace.live.output import columns, is_terminal
from builder.workspace.progress import read_notices, read_progress
from builder.workspace.workspace import Artifact

PLAIN_SECONDS = 60
"""How often a log gets a line on a running stage."""
_INDENT = " " * 21


class Console:
    """Reports stages as they pass; hand an instance to `Workspace` as `report`.

    Args:
        clock: Seconds that only grow.
        ahead: Says of a stage that begins how long it and the later ones take, where that is known.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        ahead: Callable[[str], Ahead | None] = lambda stage: None,
    ) -> None:
        self._clock, self._ask_ahead = clock, ahead
        self._ahead: Ahead | None = None
        self._is_live = is_terminal()
        self._stage, self._meter, self._told_at = "", Meter(clock()), 0.0
        self._live = ""
        self._told: set[tuple[str, str]] = set()

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Give the terminal back, however the build ended, and say where it stopped."""
        self._clear()
        if kind is not None and self._stage:
            self._say(f"{self._stage:<20} stopped {total_time(self._meter.elapsed):>9}  {where(self._meter.seen)}")

    def __call__(self, artifact: Artifact, event: str) -> None:
        """Show one event of one stage; see `workspace.Report`."""
        if event == "done":
            self._meter.look(read_progress(artifact.path), self._clock())
        if event == "start":
            self._stage, self._meter = artifact.stage, Meter(self._clock())
            self._told_at, self._ahead = self._meter.began, self._ask_ahead(artifact.stage)
            if not self._is_live:
                self._say(f"{artifact.stage:<20} started{self._end()}")
        if event in ("start", "progress"):
            self._running(artifact)
            return
        self._clear()
        if event in ("cached", "done"):
            self._say(describe_stage(artifact, event, self._rate() if event == "done" and not self._is_live else None))
            for line in describe_losses(artifact):
                self._say(line)
        self._stage = ""

    def _running(self, artifact: Artifact) -> None:
        now = self._clock()
        self._meter.look(read_progress(artifact.path), now)
        self._notices(artifact)
        if self._is_live:
            self._draw(running_line(artifact.stage, self._meter, columns() - 1, self._ahead))
        elif now - self._told_at >= PLAIN_SECONDS:
            self._told_at = now
            self._say(running_line(artifact.stage, self._meter, ahead=self._ahead))

    def _notices(self, artifact: Artifact) -> None:
        for notice in read_notices(artifact.path):
            if (artifact.stage, notice) not in self._told:
                self._told.add((artifact.stage, notice))
                self._clear()
                self._say(f"  warning: {artifact.stage}: {escape(notice, 'terminal')}")

    def _end(self) -> str:
        """When all is done, as far as that is known."""
        if self._ahead is None:
            return ""
        left = self._ahead.left(0.0, None)
        at = time.strftime("%a %H:%M", time.localtime(time.time() + left))
        return f"; all is done in about {duration(left)}, on {at}"

    def _rate(self) -> str | None:
        seen, rate = self._meter.seen, self._meter.rate
        return rate_of(rate, seen.unit) if seen is not None and rate is not None and not self._meter.mixed else None

    def _say(self, line: str) -> None:
        """A line that stays: wrapped between words on a terminal, with the time in a log."""
        if self._is_live:
            indent = _INDENT if not line.startswith(" ") else "    "
            line = textwrap.fill(
                line, max(columns(), 2 * len(_INDENT)), subsequent_indent=indent, break_long_words=False,
                break_on_hyphens=False, drop_whitespace=True, replace_whitespace=False,
            )  # fmt: skip
        else:
            line = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}"
        with suppress(OSError, ValueError):  # nobody is there to read it; a closed stream raises a ValueError
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress, not a result

    def _draw(self, line: str) -> None:
        if line != self._live:
            self._live = line
            self._write(f"\r\x1b[2K{line}")

    def _clear(self) -> None:
        if self._live:
            self._live = ""
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def describe_stage(artifact: Artifact, event: str, rate: str | None = None) -> str:
    """One line: stage, what happened, time, and what became of its rows."""
    record = artifact.record
    time = f"{total_time(record['seconds']):>9}" if event == "done" else " " * 9
    more = f"; {rate}" if rate else ""
    return f"{artifact.stage:<20} {event:<7} {time}  {describe_counts(record['counts'])}{more}"


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
    text = counted(value["kept"], kind)
    lost = {**value["dropped"], **value["failed"]}
    if not lost:
        return text
    ranked = sorted(lost.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{escape(reason, 'terminal')} {count:,}" for reason, count in ranked[:4])
    more = ", ..." if len(ranked) > 4 else ""
    return f"{text} of {value['in']:,} ({reasons}{more})"
