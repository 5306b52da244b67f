"""What an extractor says about the blocks of a page."""

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.content.points import LONG_KEY

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

REACH = 6
"""How many blocks are shortly before and after."""


def key(text: str) -> str:
    """A text without white space: what two renderings of it have in common."""
    return "".join(text.split())


class Heard:
    """What an extractor says about the blocks of a page.

    Attributes:
        has: Whether each block is in its text: a long one anywhere, a short one as a line of its own.
        places: Numbers of the long ones in its text; headings are left out.
        long: The same, as a set.
        first: The first of them, or 0.
        last: The last of them, or the last block.
        units: Lists and tables of which it has kept most.
    """

    def __init__(self, blocks: "list[Block]", keys: list[str], content: str) -> None:
        lines = [key(line) for line in content.split("\n")]
        whole, single = "".join(lines), set(lines)
        self.has = [text in single or (len(text) >= LONG_KEY and text in whole) for text in keys]
        inside: Counter[int] = Counter()
        sizes: Counter[int] = Counter()
        self.places = []
        for number, (block, text, has) in enumerate(zip(blocks, keys, self.has, strict=True)):
            if block.level:
                continue
            if block.unit:
                sizes[block.unit] += len(text)
                inside[block.unit] += len(text) if has else 0
            if has and len(text) >= LONG_KEY:
                self.places.append(number)
        self.units = {unit for unit, size in sizes.items() if inside[unit] >= 0.6 * size}
        self.long = frozenset(self.places)
        self.first = self.places[0] if self.places else 0
        self.last = self.places[-1] if self.places else len(blocks)

    def around(self, number: int) -> bool:
        """Whether it has kept long texts shortly before and after a block."""
        index = bisect_left(self.places, number)
        after = index + (index < len(self.places) and self.places[index] == number)
        if index == 0 or after == len(self.places):
            return False
        return number - self.places[index - 1] <= REACH and self.places[after] - number <= REACH
