"""Which task reads which files, or which records of a file that several tasks share."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from builder.method.corpus.reading.crawl import Input, Shard

_BITS = 64
_WHOLE = 1 << _BITS
_GOLDEN = 0x9E3779B97F4A7C15
"""The golden ratio in 2^64ths: its multiples are spread evenly over a file, however many of them there are."""


class Part(Protocol):
    """Which records of a file a task takes."""

    def has(self, number: int) -> bool:
        """Whether the record of that number is among them."""


@dataclass(frozen=True)
class Stretch:
    """The records whose places, spread evenly over a file, fall into a stretch of it.

    Attributes:
        begin: Where it begins, in 2^64ths of the file.
        end: Where it ends.
    """

    begin: int = 0
    end: int = _WHOLE

    def has(self, number: int) -> bool:
        """Whether the record of that number is among them."""
        return self.begin <= number * _GOLDEN % _WHOLE < self.end


def dealt(inputs: list[Input], shard: Shard) -> Iterator[tuple[Input, Part, bool]]:
    """What a task reads: a file, which of its records it takes, and whether no task before it reads the file.

    Files go round. Where there are fewer archives and tables than tasks, they are laid end to end and cut into as many
    stretches of the same size as there are tasks, so that a task reads one or two of them, and a large file is shared
    by more tasks than a small one. A file of HTML is one record.
    """
    shared = [number for number, item in enumerate(inputs) if item.format != "html"]
    if len(shared) >= shard.tasks:
        shared = []
    stretches = dict(zip(shared, _stretches([inputs[number] for number in shared], shard), strict=True))
    for number, item in enumerate(inputs):
        if number not in stretches:
            if shard.has(number):
                yield item, Stretch(), True
        elif part := stretches[number]:
            yield item, part, part.begin == 0


def _stretches(items: list[Input], shard: Shard) -> Iterator[Stretch | None]:
    """Of each file what a task takes of it; where the size of one is not known, they count the same."""
    known = all(item.size is not None for item in items)
    sizes = [max(1, item.size or 0) if known else 1 for item in items]
    total = sum(sizes)
    for size, end in zip(sizes, accumulate(sizes), strict=True):
        # In units of 1/tasks of a byte, so that what one task does not take, the next one does.
        bounds = (((shard.rank + at) * total - (end - size) * shard.tasks) for at in (0, 1))
        begin, until = (min(max(0, (bound << _BITS) // (size * shard.tasks)), _WHOLE) for bound in bounds)
        yield Stretch(begin, until) if begin < until else None
