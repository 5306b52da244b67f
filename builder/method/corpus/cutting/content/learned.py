"""A mask learned from pages with known main content: boosted trees on the facts about a block, in whole numbers.

The model is data, `mask_model.json`: points of words, conditions ("fact above threshold"), trees of the same depth as
rows of conditions, and the points at their leaves. A block's points are the sum over the trees, so any machine gives
the same. The card of the model is in docs/main-content.md; `scripts/train_mask.py` makes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.method.corpus.cutting.regions import NAV

if TYPE_CHECKING:
    from numpy import ndarray

    from builder.method.corpus.cutting.blocks import Block

    Ints = ndarray[Any, Any]

MODEL = Path(__file__).with_name("mask_model.json")
_ROWS = 1_000
"""Blocks that are judged at once: a bound on memory."""


@dataclass(frozen=True)
class Model:
    """A learned mask.

    Attributes:
        version: Its name, as segments are marked with it.
        facts: Names of the facts that it asks for.
        columns: Of each depth, the place among `facts` of what the conditions of each tree ask, from left to right.
        thresholds: The same for what the fact must exceed.
        leaves: Points of the leaves of each tree, from left to right.
        needed: Points from which a block is main content.
        words: Points of words, whose sums are facts as well.
    """

    version: str
    facts: tuple[str, ...]
    columns: "tuple[Ints, ...]"
    thresholds: "tuple[Ints, ...]"
    leaves: "Ints"
    needed: int
    words: Mapping[str, int]

    def points(
        self, names: list[str], table: "Ints", rows: list[int] | None = None, count: int | None = None
    ) -> "Ints":
        """Points of blocks.

        Args:
            names: Of the facts.
            table: A row for each block and a column for each name.
            rows: Numbers of the blocks, where the table has not all; the others get no points.
            count: How many blocks there are, if so.
        """
        import numpy as np

        place = {name: index for index, name in enumerate(names)}
        asked = np.ascontiguousarray(table[:, [place[name] for name in self.facts]])
        parts = [self._points(asked[start : start + _ROWS]) for start in range(0, len(table), _ROWS)]
        points: Ints = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        if rows is None:
            return points
        every: Ints = np.zeros(count or 0, dtype=np.int64)
        every[rows] = points
        return every

    def _points(self, table: "Ints") -> "Ints":
        import numpy as np

        values, trees = table.ravel(), np.arange(len(self.leaves))
        row = (np.arange(len(table)) * table.shape[1])[:, None]
        place: Ints = np.zeros((len(table), len(trees)), dtype=np.int64)
        for depth, (columns, thresholds) in enumerate(zip(self.columns, self.thresholds, strict=True)):
            node = place + (trees << depth)
            asked = columns.take(node)
            asked += row
            place += place
            place += values.take(asked) > thresholds.take(node)
        points: Ints = self.leaves.ravel().take(place + (trees << len(self.columns))).sum(axis=1)
        return points


@lru_cache(maxsize=2)
def load(path: Path = MODEL) -> Model:
    """The model that comes with the package, or another of the same form."""
    return read(json.loads(path.read_text(encoding="utf-8")))


def read(data: Mapping[str, Any]) -> Model:
    """A model from what its file says."""
    import numpy as np

    columns, thresholds = np.array(data["conditions"], dtype=np.int64).T
    levels = [np.array(level, dtype=np.int64).ravel() for level in data["levels"]]
    return Model(
        version=data["version"],
        facts=tuple(data["facts"]),
        columns=tuple(columns[level] for level in levels),
        thresholds=tuple(thresholds[level] for level in levels),
        leaves=np.array(data["leaves"], dtype=np.int64),
        needed=data["needed"],
        words=data["words"],
    )


def judged(blocks: "list[Block]") -> list[int]:
    """Numbers of the blocks whose points decide: headings, and links of the site's navigation, are not main content."""
    return [block.number for block in blocks if not block.level and not _leads_away(block)]


def main_content(blocks: "list[Block]", points: "Ints", needed: int) -> frozenset[int]:
    """Numbers of the blocks that are main content; the cells of a table stay or go together.

    Args:
        blocks: The page, as `walk` gives it.
        points: Of each block; those of blocks that are not `judged` are not looked at.
        needed: From how many points a block is main content.
    """
    kept: list[int] = []
    tables: dict[int, list[tuple[int, int, int]]] = {}
    every = points.tolist()
    for number in judged(blocks):
        block, worth = blocks[number], every[number]
        if block.row >= 0:
            tables.setdefault(block.unit, []).append((block.number, len(block.text), worth))
        elif worth >= needed:
            kept.append(block.number)
    for cells in tables.values():  # a table without some of its cells cannot be read
        if sum(size * worth for _, size, worth in cells) >= needed * sum(size for _, size, _ in cells):
            kept += [number for number, _, _ in cells]
    return frozenset(kept)


def _leads_away(block: "Block") -> bool:
    """Whether a block is little but links of the site's navigation; trees know little of pages with nothing else."""
    marks = block.region.marks
    return marks > 0 and bool(marks & NAV) and 10 * block.linked >= 9 * len(block.text)
