"""Figures that are not known exactly: a low, a likely and a high one; and how times and sizes read."""

from collections.abc import Iterable
from typing import NamedTuple

_SIZES = ("B", "kB", "MB", "GB", "TB")


class Range(NamedTuple):
    """A figure between two others."""

    low: float
    mid: float
    high: float

    def times(self, other: "Range | float") -> "Range":
        """The product."""
        factor = exactly(other) if isinstance(other, int | float) else other
        return Range(self.low * factor.low, self.mid * factor.mid, self.high * factor.high)

    def plus(self, other: "Range | float") -> "Range":
        """The sum."""
        term = exactly(other) if isinstance(other, int | float) else other
        return Range(self.low + term.low, self.mid + term.mid, self.high + term.high)

    def at_most(self, limit: float) -> "Range":
        """None of the three above a limit."""
        return Range(*(min(value, limit) for value in self))

    def as_dict(self, digits: int = 1) -> dict[str, float]:
        """As JSON has it."""
        return {name: round(value, digits) for name, value in self._asdict().items()}


def exactly(value: float) -> Range:
    """A figure that is known."""
    return Range(value, value, value)


NOTHING = Range(0.0, 0.0, 0.0)


def total(ranges: Iterable[Range]) -> Range:
    """The sum of some."""
    result = NOTHING
    for item in ranges:
        result = result.plus(item)
    return result


def in_words(seconds: float) -> str:
    """A time, as `45 s`, `12 min`, `3 h 20 min` or `5 d 3 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def between(seconds: Range) -> str:
    """A time with its range, as `12 min (9 min to 17 min)`."""
    low, mid, high = map(in_words, seconds)
    return mid if low == high else f"{mid} ({low} to {high})"


def size(count: float) -> str:
    """A number of bytes, as `14 MB`."""
    power = 0
    while count >= 999.5 and power + 1 < len(_SIZES):
        count, power = count / 1000, power + 1
    return f"{count:.0f} {_SIZES[power]}" if count >= 9.95 or not power else f"{count:.1f} {_SIZES[power]}"
