"""How long a stage has run, how fast its rows pass in this run, and how long it takes from here."""

from dataclasses import dataclass, field

from builder.workspace.progress import Seen

SETTLED_SECONDS = 2.0
"""How long rows must have passed before a rate means anything."""


@dataclass
class Meter:
    """Watches one stage; every time it is told what there is to see, and when.

    The start of an engine, and all else that is no row, is in the time and not in the rate. What earlier runs have done
    is in neither.

    Attributes:
        began: When the stage began, in seconds of any clock.
        seen: What was to be seen last.
        elapsed: Seconds since then, as of the last look.
        mixed: Whether what is counted has changed, as from signatures to segments.
    """

    began: float
    seen: Seen | None = None
    elapsed: float = 0.0
    mixed: bool = False
    _working: float = field(default=0.0, repr=False)
    _passed: int = field(default=0, repr=False)
    _gone: int = field(default=0, repr=False)

    def look(self, seen: Seen | None, now: float) -> None:
        """Take in what a stage says of itself at a time."""
        if seen is not None and self.seen is not None and seen.unit != self.seen.unit:
            self.mixed |= self._gone + self._passed > 0
            self._working, self._passed, self._gone = 0.0, 0, 0  # other things are counted from here
        elif self.seen is not None and not self.seen.phase and not self.is_over:
            self._working += now - self.began - self.elapsed
        self.elapsed = now - self.began
        passed = 0 if seen is None else seen.done + seen.doing - seen.before
        if passed < self._passed:  # the stage was started again and counts from there
            self._gone += self._passed
        self._passed, self.seen = passed, seen

    @property
    def is_over(self) -> bool:
        """Whether all rows are done; what a stage still does is about their files."""
        seen = self.seen
        return seen is not None and seen.total is not None and seen.done + seen.doing >= seen.total > 0

    @property
    def rate(self) -> float | None:
        """Rows a second of this run, in the time that went into rows; None as long as there is little to go by."""
        rows = self._gone + self._passed
        return rows / self._working if rows and self._working >= SETTLED_SECONDS else None

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes at this rate, if it is known how many rows there are."""
        if self.seen is None or self.seen.total is None or self.rate is None:
            return None
        return max(0, self.seen.total - self.seen.done - self.seen.doing) / self.rate
