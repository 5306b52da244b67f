"""Instructions that nearly repeat one another, by the exact Jaccard index of their word pairs.

Prefix filtering (Chaudhuri et al. 2006, Bayardo et al. 2007) finds them: when two sets have an index of at least t,
and all sets are sorted alike, then the first |x| - ceil(t |x|) + 1 elements of both share one. Sorted by rarity, hardly
any other sets do. MinHash would miss some, and on texts this short its parameters would have to follow t.
"""

import math
from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from builder.text.words import normalise, widened

if TYPE_CHECKING:
    import numpy as np

_KINDS = 1 << 22
"""Rarity is counted by the lower bits of a hash; a collision costs time and changes no result."""
_STEP = 1 << 20


def word_pairs(instruction: str) -> set[int]:
    """Hashes of the pairs of neighbouring words, beginning and end being words too; case and signs do not count.

    In scripts without spaces they are runs of letters (`words.widened`).
    """
    from xxhash import xxh3_64_intdigest

    words = ["", *(widened(normalise(instruction).split(), 2) or instruction.split()), ""]
    return {xxh3_64_intdigest(f"{one} {other}") & 0xFFFFFFFF for one, other in pairwise(words)}


class NearInstructions:
    """The instructions kept so far, asked for each next one whether it nearly repeats one of them.

    All are read beforehand, since their rarest word pairs must be known; four bytes a word are held.

    Args:
        instructions: Ids and instructions of all that may come.
        threshold: The index from which one repeats another, 0.5 to 1.
    """

    def __init__(self, instructions: Iterable[tuple[str, str]], threshold: float) -> None:
        self._threshold = threshold
        self._pairs, self._starts = array("I"), array("Q", [0])
        self._place: dict[str, int] = {}
        for key, instruction in instructions:
            self._place[key] = len(self._place)
            self._pairs.extend(word_pairs(instruction))
            self._starts.append(len(self._pairs))
        self._counts = _count(self._pairs)
        self._kept: list[str] = []
        self._holders: dict[int, list[int]] = {}

    def admit(self, key: str) -> str | None:
        """The id of the first kept instruction that this one nearly repeats; None if there is none, and it is kept."""
        pairs = sorted(self._of(key), key=lambda pair: (self._counts[pair % _KINDS], pair))
        # Rounding must never make the prefix too short.
        prefix = pairs[: len(pairs) - math.ceil(self._threshold * len(pairs) - 1e-9) + 1]
        twin = self._first_like(set(pairs), prefix)
        if twin is not None:
            return self._kept[twin]
        for pair in prefix:
            if self._counts[pair % _KINDS] > 1:
                self._holders.setdefault(pair, []).append(len(self._kept))
        self._kept.append(key)
        return None

    def _first_like(self, pairs: set[int], prefix: list[int]) -> int | None:
        first, seen = len(self._kept), set[int]()
        for pair in prefix:
            for number in self._holders.get(pair, ()):
                if number >= first:
                    break
                if number not in seen:
                    seen.add(number)
                    first = number if self._alike(pairs, self._of(self._kept[number])) else first
        return first if first < len(self._kept) else None

    def _alike(self, one: set[int], other: "array[int]") -> bool:
        shared = len(one.intersection(other))
        return shared / (len(one) + len(other) - shared) >= self._threshold

    def _of(self, key: str) -> "array[int]":
        place = self._place[key]
        return self._pairs[self._starts[place] : self._starts[place + 1]]


def _count(pairs: "array[int]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """How often each kind of word pair comes."""
    import numpy as np

    counts = np.zeros(_KINDS, np.int64)
    values = np.frombuffer(pairs, np.uint32) if pairs else np.empty(0, np.uint32)
    for start in range(0, len(values), _STEP):
        counts += np.bincount(values[start : start + _STEP] % _KINDS, minlength=_KINDS)
    return counts
