"""A few of many, evenly spread and always the same ones."""

from typing import Generic, TypeVar

T = TypeVar("T")


def spread(of: list[T], most: int) -> list[T]:
    """At most so many of a list, evenly spread over it."""
    return [of[number * len(of) // most] for number in range(most)] if len(of) > most else of


class Spread(Generic[T]):
    """A few of a stream whose length is not known, evenly spread over it.

    Attributes:
        kept: The few, at least `few` where there were so many, and fewer than twice that.
        seen: How many there were.
    """

    def __init__(self, few: int) -> None:
        self.kept, self.seen = list[T](), 0
        self._few, self._step = max(1, few), 1

    def add(self, item: T) -> None:
        """Take the next of the stream."""
        if self.seen % self._step == 0:
            self.kept.append(item)
            if len(self.kept) >= 2 * self._few:
                self.kept, self._step = self.kept[::2], self._step * 2
        self.seen += 1
