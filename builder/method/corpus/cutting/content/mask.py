"""Which blocks of a page are its main content.

No single judge is right on all kinds of pages: trafilatura drops whole posts, cards and tables, Resiliparse lets
teasers and comments pass, and names of classes mean something else on every site. So each fact about a block gives
points for or against it, and the sum decides. What a block is worth by itself is in `points`; here the extractors are
heard. The points for what they say were found in the same way.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.method.corpus.cutting import regions
from builder.method.corpus.cutting.content.headings import threads
from builder.method.corpus.cutting.content.heard import Heard, key
from builder.method.corpus.cutting.content.points import LONG_KEY, MARGINS, MARKS, points_of
from builder.method.corpus.cutting.regions import CERTAIN, HEADER, Region, settle

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

NEEDED = 3.5
"""Points from which a block is main content."""
DOUBTFUL = 6.0
"""A block that is this near to `NEEDED` is in doubt."""
ROOT_SHARE = 0.9
"""How much of what both extractors keep the container of the content must hold."""
AGAINST = sum(bit for bit, points in MARKS.items() if points < 0)
"""Marks that speak against a block."""

# What an extractor says; of a short text, if it is a line of its own there. That Resiliparse has one says nothing.
TRAFILATURA, RESILIPARSE, TRAFILATURA_SHORT = 9.0, 8.0, 7.0
TRAFILATURA_LIST = 8.0  # it has kept most of the list or table
UNWANTED = -15.0  # neither has kept it, and it is in a margin of the page
UNHEARD = 4.0  # Resiliparse has left a long text out, and trafilatura was not asked: it drops cards and folded text
BETWEEN = 4.0  # it has kept long texts shortly before and after
AFTER_ALL = -2.0  # it has kept neither the block nor any long text after it
BEFORE_CONTENT = -6.0  # before the first block that Resiliparse keeps
OUTSIDE_ROOT = -6.0  # outside of the smallest container that holds nearly all that the extractors keep


@dataclass(frozen=True, slots=True)
class MainContent:
    """Which blocks are main content.

    Attributes:
        kept: Their numbers.
        doubt: Share of the page's text, 0 to 1, on which the evidence is close to even.
        points: Of each block; 0 of headings.
    """

    kept: frozenset[int]
    doubt: float
    points: list[float]


class Evidence:
    """What is known about the blocks of a page; extractors are heard one after the other.

    Attributes:
        blocks: The page.
        keys: The text of each block without white space.
        resiliparse: What Resiliparse says about them.
        conversation: Whether the page says that it is a forum's or a question with answers.
    """

    def __init__(self, blocks: "list[Block]", resiliparse: str, *, conversation: bool = False) -> None:
        """Gather the facts.

        Args:
            blocks: The page, as `walk` gives it.
            resiliparse: Text of the main content in Resiliparse's judgement, a block a line.
            conversation: Whether the page says that it is a forum's or a question with answers: comments are content.
        """
        self.blocks = blocks
        self.keys = [key(block.text) for block in blocks]
        self._sizes = [0 if block.level else len(block.text) for block in blocks]
        self._total = sum(self._sizes)
        self.conversation = conversation
        self._ignored = regions.COMMENT_NAME if conversation else 0
        self._threads: set[int] | None = None
        self.resiliparse = Heard(blocks, self.keys, resiliparse)
        self._marks = self._marks_that_tell()
        self._points = points_of(blocks, self.keys, self._sizes, self._marks)

    def main_content(self, trafilatura: str | None = None) -> MainContent:
        """Add up the points.

        Args:
            trafilatura: Text of the main content in trafilatura's judgement, a block a line; None if it was not
                asked, and Resiliparse's word counts for both.
        """
        one = self.resiliparse
        other = one if trafilatura is None else Heard(self.blocks, self.keys, trafilatura)
        inside = self._within_root(other)
        kept, unsure, worth = [], 0, list[float]()
        tables: dict[int, list[tuple[int, int, float]]] = {}
        for block, text, size, points in zip(self.blocks, self.keys, self._sizes, self._points, strict=True):
            if not size:
                worth.append(0.0)
                continue
            number = block.number
            points += self._heard(block, other, short=len(text) < LONG_KEY)
            points += 0.0 if inside[block.region] else OUTSIDE_ROOT
            worth.append(points)
            if block.row >= 0:
                tables.setdefault(block.unit, []).append((number, size, points))
            elif points > NEEDED:
                kept.append(number)
            if abs(points - NEEDED) < DOUBTFUL:
                unsure += size
        for cells in tables.values():  # a table without some of its cells cannot be read
            if sum(size * points for _, size, points in cells) > NEEDED * sum(size for _, size, _ in cells):
                kept += [number for number, _, _ in cells]
        return MainContent(frozenset(kept), unsure / (self._total or 1), worth)

    def threads(self) -> set[int]:
        """Numbers of the blocks in comments on what stands before them."""
        if self._threads is None:
            self._threads = threads(self.blocks)
        return self._threads

    def _heard(self, block: "Block", other: Heard, *, short: bool) -> float:
        """Points of a block for what the extractors say about it."""
        number, one = block.number, self.resiliparse
        points = 0.0 if short or not one.has[number] else RESILIPARSE
        if other.has[number]:
            points += TRAFILATURA_SHORT if short else TRAFILATURA
        elif not one.has[number] and self._marks[number] & MARGINS:
            points += UNWANTED
        elif other is one and not short and not self._marks[number] & AGAINST:
            points += UNHEARD
        if block.unit in other.units:
            points += TRAFILATURA_LIST
        if number < one.first:
            points += BEFORE_CONTENT
        if number > other.last and not other.has[number]:
            points += AFTER_ALL
        return points + (BETWEEN if other.around(number) else 0.0)

    def _marks_that_tell(self) -> list[int]:
        """Marks of each block, without those that more than half of the text has: they tell nothing apart."""
        regions_of = [block.region for block in self.blocks]
        marks = [known if (known := at.marks) >= 0 else settle(at, self._total) for at in regions_of]
        share: Counter[int] = Counter()
        for size, mark in zip(self._sizes, marks, strict=True):
            share[mark] += size
        common = self._ignored
        for bit in (*MARKS, HEADER):
            if 2 * sum(size for mark, size in share.items() if mark & bit) > self._total:
                common |= bit
        telling = [mark & ~(common & ~CERTAIN) for mark in marks]
        if not self._ignored:
            for number in self.threads():
                telling[number] |= regions.COMMENT_NAME
        return telling

    def _within_root(self, other: Heard) -> dict[Region, bool]:
        """Whether each region is in the smallest one that holds nearly all that both extractors keep."""
        one, kept_chars = self.resiliparse, dict[Region, int]()
        kept = [number for number in one.places if number in other.long]
        if not kept:
            return {block.region: True for block in self.blocks}
        for number in kept:
            region = self.blocks[number].region
            kept_chars[region] = kept_chars.get(region, 0) + self._sizes[number]
        both = sum(kept_chars.values())
        for region, size in list(kept_chars.items()):
            for outer in _around(region):
                kept_chars[outer] = kept_chars.get(outer, 0) + size
        middle = self.blocks[kept[len(kept) // 2]].region
        root = next(
            outer for outer in (middle, *_around(middle)) if kept_chars[outer] >= ROOT_SHARE * both or not outer.parent
        )
        inside = {root: True}
        for block in self.blocks:
            chain = []
            at: Region | None = block.region
            while at is not None and at not in inside:
                chain.append(at)
                at = at.parent
            inside.update(dict.fromkeys(chain, at is not None and inside[at]))
        return inside


def _around(region: Region) -> list[Region]:
    """The regions that a region is in, innermost first."""
    around = []
    at = region.parent
    while at is not None:
        around.append(at)
        at = at.parent
    return around
