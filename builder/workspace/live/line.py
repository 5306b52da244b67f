"""A stage's progress in words, as much of it as a line holds."""

from builder.text.escape import escape
from builder.workspace.live.ahead import Ahead
from builder.workspace.live.meter import Meter
from builder.workspace.progress import Seen

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_EXACT = 600
"""Below so many seconds a stage's time is said to a tenth."""


_SLOW = 0.1
"""Below so many a second, rows are counted by the minute."""


def duration(seconds: float) -> str:
    """A time in its two largest units, as `48s`, `3m20s`, `2h05m` or `3d04h`."""
    whole = int(seconds)
    for unit, name, part, of in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "m"), (_MINUTE, "m", 1, "s")):
        if whole >= unit:
            return f"{whole // unit}{name}{whole % unit // part:02d}{of}"
    return f"{whole}s"


def total_time(seconds: float) -> str:
    """The time that a stage has taken."""
    return f"{seconds:.1f} s" if seconds < _EXACT else duration(seconds)


def rate_of(rows: float, unit: str = "") -> str:
    """Rows a second, or a minute where they are slow."""
    per = "s"
    if rows < _SLOW:
        rows, per = 60 * rows, "min"
    number = f"{rows:,.0f}" if rows >= 100 else f"{rows:.1f}" if rows >= 1 else f"{rows:.2f}"
    return f"{number} {unit}/{per}" if unit else f"{number}/{per}"


def where(seen: Seen | None) -> str:
    """What a stage was at, without the rows that are not written."""
    if seen is None:
        return "starting"
    if seen.done or seen.total is not None:
        return position(seen, seen.done)
    return escape(seen.phase, "terminal") or "working"


def position(seen: Seen, done: int) -> str:
    """How many rows are done."""
    unit = escape(seen.unit, "terminal")
    return f"{done:,} of {seen.total:,} {unit}" if seen.total is not None else f"{done:,} {unit}"


def running_line(stage: str, meter: Meter, width: int | None = None, ahead: Ahead | None = None) -> str:
    """One line on a running stage; what matters least goes first where the line would be too long.

    Args:
        stage: Its name.
        meter: What is known of it.
        width: Columns there are; None where there is no end to them.
        ahead: How long the stage and the later ones take, where that is known.
    """
    parts = _parts(meter)
    if ahead is not None:
        parts.append((f"all done in {duration(ahead.left(meter.elapsed, meter.left))}", 2))
    while True:
        line = f"{stage:<20} {', '.join(text for text, _ in parts)}"
        if width is None or len(line) <= width:
            return line
        line = f"{stage}  {', '.join(text for text, _ in parts)}"
        if len(line) <= width or len(parts) < 2:
            return line[:width]
        parts.remove(max(parts, key=lambda part: part[1]))


def _parts(meter: Meter) -> list[tuple[str, int]]:
    """What there is to say, in order, each with how soon it may go."""
    seen, elapsed = meter.seen, (duration(meter.elapsed), 2)
    if seen is None:
        return [("starting", 0), elapsed]
    moves = bool(seen.done or seen.doing or seen.total is not None)
    if seen.phase:
        place = [(position(seen, seen.done + seen.doing), 1)] if seen.done else []
        return [(escape(seen.phase, "terminal"), 0), *place, elapsed]
    parts = [(position(seen, seen.done + seen.doing), 0)] if moves else [("working", 0)]
    if meter.rate is not None:
        parts.append((rate_of(meter.rate), 3))
    parts.append(elapsed)
    if meter.is_over:
        parts.append(("finishing", 1))
    elif meter.left is not None:
        parts.append((f"{duration(meter.left)} left", 1))
    if seen.kept is not None and seen.judged:
        parts.append((f"{100 * seen.kept // seen.judged} % kept", 5))
    if seen.failed:
        parts.append((f"{seen.failed:,} failed", 4))
    if seen.note:
        parts.append((escape(seen.note, "terminal"), 6))
    return parts
