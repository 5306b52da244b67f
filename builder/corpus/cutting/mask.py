"""Which blocks of a page are its main content.

No single judge is right on all kinds of pages: trafilatura drops whole posts, cards and tables, Resiliparse lets
teasers and comments pass, and names of classes mean something else on every site. So each fact about a block gives
points for or against it, and the sum decides.

The points are weights of a logistic regression, times ten and rounded, that foretells whether a block is in the true
main content of pages of seven types (articles, documentation, services, forums, listings, products, collections). Of
the facts tried, those stay whose weights agreed on two halves of the pages, or were near zero on one of them. Set by
hand are `UNWANTED`, `FURNITURE` and what NAV and its names cost: the pages have too few such blocks to tell.
"""

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.corpus.cutting import regions
from builder.corpus.cutting.regions import CERTAIN, CONTENT, HEADER, Region, settle
from builder.corpus.rules.header import navigation_headers, normalise_header

if TYPE_CHECKING:
    from builder.corpus.cutting.walk import Block

NEEDED = 3.5
"""Points from which a block is main content."""
DOUBTFUL = 6.0
"""A block that is this near to `NEEDED` is in doubt."""
LONG_KEY = 30
"""Characters, white space left out, from which a block is told apart from chance by its own text."""
ROOT_SHARE = 0.9
"""How much of what both extractors keep the container of the content must hold."""
REACH = 6
"""How many blocks are shortly before and after."""
_FURNITURE = re.compile(
    r"(?:tags?|tagged|categor(?:y|ies)|filed under|posted (?:in|on|by)|share (?:this|on|via)|read more|advertisement"
    r"|sign up|log in|subscribe|skip to|back to top|follow us)\b",
    re.IGNORECASE,
)

# What an extractor says; of a short text, if it is a line of its own there.
TRAFILATURA, RESILIPARSE = 9.0, 8.0
TRAFILATURA_SHORT, RESILIPARSE_SHORT = 7.0, 4.0
SHORT = -2.0
TRAFILATURA_LIST = 8.0  # it has kept most of the list or table
UNWANTED = -15.0  # neither has kept it, and it is in a margin of the page
BETWEEN = 4.0  # it has kept long texts shortly before and after
# Where the block stands.
NO_HEADING, NAVIGATION_HEADING, LINKED_HEADING = -7.0, -13.0, -5.0
OTHER_REGION = -5.0  # the heading above is in a box of its own that the block is not in
UNDER_TITLE, EARLY = 3.0, 4.0
LATE = -5.0  # in the last 15 % of the page
BEFORE_CONTENT = -6.0  # before the first block that Resiliparse keeps
OUTSIDE_ARTICLE = -6.0  # on a page whose <article> holds a good part of the text
OUTSIDE_ROOT = -6.0  # outside of the smallest container that holds nearly all that the extractors keep
# What it is.
CODE, SENTENCE = 11.0, 6.0  # extractors mangle code; furniture has no full stops
LINK, HALF_LINK = -2.0, -4.0
COPYRIGHT, FURNITURE, REPEATED = -8.0, -10.0, -2.0
_MARKS = {
    regions.NAV: -4.0, regions.FOOTER: -8.0, regions.ASIDE: -6.0, regions.DIALOG: -10.0, regions.BUTTON: -10.0,
    regions.FIGURE: -9.0, regions.HIDDEN: -4.0, regions.NAV_NAME: -4.0, regions.FOOT_NAME: -12.0,
    regions.SIDE_NAME: -4.0, regions.SHARE_NAME: -3.0, regions.COMMENT_NAME: -13.0, regions.RELATED_NAME: -8.0,
    regions.PROMO_NAME: -7.0, regions.POPUP_NAME: -8.0, regions.META_NAME: -2.0, regions.REVIEW_NAME: -3.0,
    regions.HEAD_NAME: -4.0, regions.USER_NAME: -7.0,
}  # fmt: skip
_MARGINS = (
    regions.NAV | HEADER | regions.FOOTER | regions.ASIDE | regions.DIALOG | regions.BUTTON | regions.FOOT_NAME
    | regions.POPUP_NAME | regions.SHARE_NAME
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which blocks are main content.

    Attributes:
        kept: Their numbers.
        doubt: Share of the page's text, 0 to 1, on which the evidence is close to even.
    """

    kept: frozenset[int]
    doubt: float


class Evidence:
    """What is known about the blocks of a page; extractors are heard one after the other."""

    def __init__(self, blocks: "list[Block]", resiliparse: str, *, conversation: bool = False) -> None:
        """Gather the facts.

        Args:
            blocks: The page, as `walk` gives it.
            resiliparse: Text of the main content in Resiliparse's judgement, a block a line.
            conversation: Whether the page says that it is a forum's or a question with answers: comments are content.
        """
        self._blocks = blocks
        self._keys = [key(block.text) for block in blocks]
        self._sizes = [0 if block.level else len(block.text) for block in blocks]
        self._total = sum(self._sizes)
        self._ignored = regions.COMMENT_NAME if conversation else 0
        self._resiliparse = _Mask(blocks, self._keys, resiliparse)
        self._marks = self._marks_that_tell()
        self._points = self._without_extractors()

    def verdict(self, trafilatura: str | None = None) -> Verdict:
        """Add up the points.

        Args:
            trafilatura: Text of the main content in trafilatura's judgement, a block a line; None if it was not
                asked, and Resiliparse's word counts for both.
        """
        one = self._resiliparse
        other = one if trafilatura is None else _Mask(self._blocks, self._keys, trafilatura)
        inside = self._within_root(other)
        kept, unsure = [], 0
        tables: dict[int, list[tuple[int, int, float]]] = {}
        for block, text, size, points in zip(self._blocks, self._keys, self._sizes, self._points, strict=True):
            if not size:
                continue
            number = block.number
            points += self._heard(block, other, short=len(text) < LONG_KEY)
            points += 0.0 if inside[block.region] else OUTSIDE_ROOT
            if block.row >= 0:
                tables.setdefault(block.unit, []).append((number, size, points))
            elif points > NEEDED:
                kept.append(number)
            if abs(points - NEEDED) < DOUBTFUL:
                unsure += size
        for cells in tables.values():  # a table without some of its cells cannot be read
            if sum(size * points for _, size, points in cells) > NEEDED * sum(size for _, size, _ in cells):
                kept += [number for number, _, _ in cells]
        return Verdict(frozenset(kept), unsure / (self._total or 1))

    def _heard(self, block: "Block", other: "_Mask", *, short: bool) -> float:
        """Points of a block for what the extractors say about it."""
        number, one = block.number, self._resiliparse
        points = SHORT if short else 0.0
        if one.has[number]:
            points += RESILIPARSE_SHORT if short else RESILIPARSE
        if other.has[number]:
            points += TRAFILATURA_SHORT if short else TRAFILATURA
        elif not one.has[number] and self._marks[number] & _MARGINS:
            points += UNWANTED
        points += TRAFILATURA_LIST if block.unit in other.units else 0.0
        return points + (BETWEEN if other.around(number) else 0.0)

    def _without_extractors(self) -> list[float]:
        """Points of each block for where it stands and what it is; headings get none."""
        articles = sum(size for size, marks in zip(self._sizes, self._marks, strict=True) if marks & regions.ARTICLE)
        has_article = articles > 0.2 * self._total
        worth = {marks: sum(points for bit, points in _MARKS.items() if marks & bit) for marks in set(self._marks)}
        navigation = navigation_headers(None)
        seen: set[str] = set()
        under, around, title, position = NO_HEADING, 0, 0.0, 0
        result = []
        for block, text, marks, size in zip(self._blocks, self._keys, self._marks, self._sizes, strict=True):
            if block.level:
                under = NAVIGATION_HEADING if normalise_header(block.text) in navigation else 0.0
                under += LINKED_HEADING if 2 * block.linked > len(block.text) else 0.0
                around = marks & ~HEADER & ~CONTENT
                title = UNDER_TITLE if block.level == 1 else title
                result.append(0.0)
                continue
            points = worth[marks] + under + title + _content_points(block)
            points += OTHER_REGION if around & ~marks else 0.0
            points += EARLY if position < 0.05 * self._total else LATE if position > 0.85 * self._total else 0.0
            points += OUTSIDE_ARTICLE if has_article and not marks & regions.ARTICLE else 0.0
            points += BEFORE_CONTENT if block.number < self._resiliparse.first else 0.0
            points += REPEATED if text in seen and len(text) >= LONG_KEY / 2 else 0.0
            seen.add(text)
            position += size
            result.append(points)
        return result

    def _marks_that_tell(self) -> list[int]:
        """Marks of each block, without those that more than half of the text has: they tell nothing apart."""
        marks = [settle(block.region, self._total) for block in self._blocks]
        share: Counter[int] = Counter()
        for size, mark in zip(self._sizes, marks, strict=True):
            share[mark] += size
        common = self._ignored
        for bit in (*_MARKS, HEADER):
            if 2 * sum(size for mark, size in share.items() if mark & bit) > self._total:
                common |= bit
        return [mark & ~(common & ~CERTAIN) for mark in marks]

    def _within_root(self, other: "_Mask") -> dict[Region, bool]:
        """Whether each region is in the smallest one that holds nearly all that both extractors keep."""
        one, found = self._resiliparse, dict[Region, int]()
        kept = [number for number in one.places if other.long[number]]
        if not kept:
            return {block.region: True for block in self._blocks}
        for number in kept:
            region = self._blocks[number].region
            found[region] = found.get(region, 0) + self._sizes[number]
        both = sum(found.values())
        for region, size in list(found.items()):
            for outer in _around(region):
                found[outer] = found.get(outer, 0) + size
        middle = self._blocks[kept[len(kept) // 2]].region
        root = next(
            outer for outer in (middle, *_around(middle)) if found[outer] >= ROOT_SHARE * both or not outer.parent
        )
        inside = {root: True}
        for block in self._blocks:
            chain = []
            at: Region | None = block.region
            while at is not None and at not in inside:
                chain.append(at)
                at = at.parent
            inside.update(dict.fromkeys(chain, at is not None and inside[at]))
        return inside


def _content_points(block: "Block") -> float:
    """Points for what a block is."""
    text, size = block.text, len(block.text)
    points = CODE if block.kind == "code" else 0.0
    points += SENTENCE if text[-1] in ".!?:" else 0.0
    points += LINK if block.linked > 0.8 * size else HALF_LINK if block.linked > 0.4 * size else 0.0
    points += COPYRIGHT if "©" in text or "rights reserved" in text else 0.0
    return points + (FURNITURE if _FURNITURE.match(text) else 0.0)


def key(text: str) -> str:
    """A text without white space: what two renderings of it have in common."""
    return "".join(text.split())


class _Mask:
    """What an extractor says about the blocks of a page.

    Attributes:
        has: Whether each block is in its text: a long one anywhere, a short one as a line of its own.
        long: Whether each block is a long one and in its text; headings never are.
        places: Numbers of those.
        first: The first of them, or 0.
        units: Lists and tables of which it has kept most.
    """

    def __init__(self, blocks: "list[Block]", keys: list[str], content: str) -> None:
        lines = [key(line) for line in content.split("\n")]
        whole, single = "".join(lines), set(lines)
        self.has = [text in whole if len(text) >= LONG_KEY else text in single for text in keys]
        inside: Counter[int] = Counter()
        sizes: Counter[int] = Counter()
        for block, text, has in zip(blocks, keys, self.has, strict=True):
            if block.unit and not block.level:
                sizes[block.unit] += len(text)
                inside[block.unit] += len(text) if has else 0
        self.units = {unit for unit, size in sizes.items() if inside[unit] >= 0.6 * size}
        self.long = [
            has and len(text) >= LONG_KEY and not block.level
            for block, text, has in zip(blocks, keys, self.has, strict=True)
        ]
        self.places = [number for number, long in enumerate(self.long) if long]
        self.first = self.places[0] if self.places else 0

    def around(self, number: int) -> bool:
        """Whether it has kept long texts shortly before and after a block."""
        index = bisect_left(self.places, number)
        after = index + (index < len(self.places) and self.places[index] == number)
        if index == 0 or after == len(self.places):
            return False
        return number - self.places[index - 1] <= REACH and self.places[after] - number <= REACH


def _around(region: Region) -> list[Region]:
    """The regions that a region is in, innermost first."""
    found = []
    at = region.parent
    while at is not None:
        found.append(at)
        at = at.parent
    return found
