"""`humpback watch`: a build that runs, on a screen of its own, from the files of its stages alone."""

import sys
import time
from collections.abc import Callable

from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.rows.layout import describe_row, terminal_width
from builder.results.report.newest import Look, look
from builder.text.escape import escape

SIGNS = {"done": "✓", "partial": "▸", "missing": "·", "damaged": "!"}


def watch_build(
    project: Project, *, rows: int, every: float, once: bool, wait: Callable[[float], None] = time.sleep
) -> Answer:
    """Show the stages until all are done, or whoever watches stops it.

    Args:
        project: The project.
        rows: How many of the newest rows to show.
        every: Seconds between two looks.
        once: Whether to look once.
        wait: Waits for so many seconds.
    """
    seen = look(project.look_at_build(damaged_too=True), rows)
    if once or not sys.stdout.isatty():
        return Answer(_value(seen), lambda: screen(seen))
    from rich.live import Live
    from rich.text import Text

    with Live(Text(screen(seen)), refresh_per_second=4, screen=False) as live:
        while not seen.finished:
            wait(every)
            seen = look(project.look_at_build(damaged_too=True), rows)
            live.update(Text(screen(seen)))
    return Answer(_value(seen), lambda: "")


def _value(seen: Look) -> dict[str, object]:
    return {
        "stages": [{"stage": stage, "status": status, "said": said} for stage, status, said in seen.lines],
        "warnings": [{"stage": stage, "text": text} for stage, text in seen.warnings],
        "running": seen.running,
        "finished": seen.finished,
        "rows": seen.rows,
    }


def screen(seen: Look) -> str:
    """What is shown: a line a stage, the warnings, the newest rows; no line is longer than the terminal."""
    width = terminal_width() or 80
    whole = [f"{SIGNS.get(status, '?')} {stage:<22} {escape(said, 'terminal')}" for stage, status, said in seen.lines]
    whole += [f"warning, {stage}: {escape(text, 'terminal')}" for stage, text in seen.warnings[-3:]]
    lines = [line if len(line) <= width else f"{line[: width - 1]}…" for line in whole]
    for row in seen.rows:
        lines += ["", *describe_row(row, width).splitlines()[:6]]
    return "\n".join(lines)
