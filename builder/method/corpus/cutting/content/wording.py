"""What the words of the heading above a block and of the classes around it say, as whole numbers.

Each word has points of its own, learned from pages with known main content. Only words that stand on pages of several
hosts have any, so no name of a site or of a person decides.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.regions import NAME_WORD, WRAPPER_SHARE

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.cutting.content.table import Ints
    from builder.method.corpus.cutting.regions import Region

WORDING = ("wording heading", "wording classes", "wording")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_HEADING_WORDS, _HEADING_START = 8, 4
_READ = 200
"""Characters of a heading in which its first words are looked for."""
NO_HEADING = ["#"]


def words(text: str) -> list[str]:
    """The first words of a heading in small letters; all numbers are one."""
    found = _WORD.findall(text[:_READ].lower())[:_HEADING_WORDS]
    return ["0" if word[0].isdigit() else word for word in found]


def heading_tokens(text: str) -> list[str]:
    """What is looked up for the blocks under a heading."""
    found = words(text)
    tokens = ["#" + word for word in dict.fromkeys(found)]
    return [*tokens, f"#^{' '.join(found[:_HEADING_START])}", f"##{len(found)}"]


def class_tokens(region: "Region") -> list[str]:
    """What is looked up for all that is in a container."""
    return _class_words(".", region.name)


def place_tokens(region: "Region") -> list[str]:
    """What is looked up for the blocks right in a container: its classes, its tag and that around it."""
    tag = f"<{region.tag} {region.parent.tag if region.parent is not None else ''}"
    return [tag, *_class_words("<.", region.name)]


@lru_cache(maxsize=4_000)
def _class_words(before: str, name: str) -> list[str]:
    return [before + word.lower() for word in dict.fromkeys(NAME_WORD.findall(name))]


def wording_facts(blocks: "list[Block]", points: Mapping[str, int], asked: list[int] | None = None) -> "Ints":
    """Sums of the points of what is looked up for each block: of its heading, its containers, and of both.

    Args:
        blocks: The page.
        points: Of words.
        asked: Numbers of the blocks that are asked about, in order; all for None. The others get none.
    """
    import numpy as np

    def worth(tokens: list[str]) -> int:
        return sum(map(points.get, tokens, repeat(0)))

    total = max(1, sum(0 if block.level else len(block.text) for block in blocks))
    places = _Places(worth, total)
    under, read = worth(NO_HEADING), 0
    rows: Ints = np.zeros((len(blocks), len(WORDING)), dtype=np.int32)
    for number in range(len(blocks)) if asked is None else asked:
        above = [block for block in blocks[read : number + 1] if block.level]
        if above:
            under = worth(heading_tokens(above[-1].text))
        read = number + 1
        place = places.worth_of(blocks[number].region)
        rows[number] = under, place, under + place
    return rows


class _Places:
    """Points of the containers of a page; those of one kind are looked up once."""

    def __init__(self, worth: "Callable[[list[str]], int]", total: int) -> None:
        self._worth, self._frame = worth, WRAPPER_SHARE * total
        self._around: dict[Region, int] = {}
        self._names: dict[str, int] = {"": 0}
        self._right: dict[tuple[str, str, str], int] = {}
        self._known: dict[Region, int] = {}

    def worth_of(self, region: "Region") -> int:
        """Points of what is right in a container."""
        known = self._known.get(region)
        if known is None:
            key = region.tag, region.parent.tag if region.parent is not None else "", region.name
            if key not in self._right:
                self._right[key] = self._worth(place_tokens(region))
            known = self._known[region] = self._right[key] + self._within(region)
        return known

    def _within(self, region: "Region") -> int:
        """Points of a container and of all around it."""
        chain = []
        at: Region | None = region
        while at is not None and at not in self._around:
            chain.append(at)
            at = at.parent
        points = self._around[at] if at is not None else 0
        for inner in reversed(chain):
            if inner.chars <= self._frame:  # the name of a page's frame says nothing
                if inner.name not in self._names:
                    self._names[inner.name] = self._worth(class_tokens(inner))
                points += self._names[inner.name]
            self._around[inner] = points
        return points
