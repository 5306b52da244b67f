"""What a block of a page is worth as main content, before any extractor is heard.

The points are weights of a logistic regression, times ten and rounded, that foretells whether a block is in the true
main content of pages of seven types (articles, documentation, services, forums, listings, products, collections). Of
the facts tried, those stay whose weights agreed on two halves of the pages, or were near zero on one of them. Set by
hand are `UNWANTED`, `UNHEARD`, `FURNITURE_LINE`, `OFTEN`, `ANSWER`, and what NAV, its names and those of legal text
cost: the pages have too few such blocks to tell.
"""

import re
from collections import Counter
from typing import TYPE_CHECKING

from builder.method.corpus.cutting import regions
from builder.method.corpus.cutting.content.headings import COMMENTS, FURNITURE, kind_of
from builder.method.corpus.cutting.regions import CONTENT, HEADER

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

LONG_KEY = 30
"""Characters, white space left out, from which a block is told apart from chance by its own text."""
LISTING_SHARE = 1 / 3
"""Share of a page's text that is links, margins left out, from which it lists other pages: links are its content."""
OFTEN_TIMES = 3
"""A text that stands this often on a page is a button or a label."""
FURNITURE_START = re.compile(
    r"(?:tags?|tagged|categor(?:y|ies)|filed under|posted (?:in|on|by)|share (?:this|on|via)|read more|advertisement"
    r"|sign up|log in|subscribe|skip to|back to top|follow us)\b",
    re.IGNORECASE,
)

# Where the block stands.
NO_HEADING, NAVIGATION_HEADING, LINKED_HEADING = -7.0, -13.0, -5.0
OTHER_REGION = -5.0  # the heading above is in a box of its own that the block is not in
UNDER_TITLE = 4.0
LATE = -5.0  # in the last 15 % of the page
OUTSIDE_ARTICLE = -6.0  # on a page whose <article> holds a good part of the text
# What it is.
CODE, SENTENCE = 11.0, 6.0  # extractors mangle code; furniture has no full stops
ANSWER = 4.0  # sentences under a question, which pages fold away and extractors then leave out
LINK, HALF_LINK = -2.0, -4.0
COPYRIGHT, FURNITURE_LINE, REPEATED, OFTEN = -15.0, -10.0, -2.0, -8.0
MARKS = {
    regions.NAV: -4.0, regions.FOOTER: -8.0, regions.ASIDE: -6.0, regions.DIALOG: -20.0, regions.BUTTON: -10.0,
    regions.FIGURE: -17.0, regions.HIDDEN: -4.0, regions.NAV_NAME: -4.0, regions.FOOT_NAME: -12.0,
    regions.SIDE_NAME: -4.0, regions.SHARE_NAME: -3.0, regions.COMMENT_NAME: -13.0, regions.RELATED_NAME: -8.0,
    regions.PROMO_NAME: -7.0, regions.POPUP_NAME: -8.0, regions.META_NAME: -2.0, regions.REVIEW_NAME: -3.0,
    regions.HEAD_NAME: -4.0, regions.USER_NAME: -7.0, regions.LEGAL_NAME: -45.0, regions.PRAISE_NAME: 5.0,
}  # fmt: skip
MARGINS = (
    regions.NAV | HEADER | regions.FOOTER | regions.ASIDE | regions.DIALOG | regions.BUTTON | regions.FOOT_NAME
    | regions.POPUP_NAME | regions.SHARE_NAME
)  # fmt: skip


def points_of(blocks: "list[Block]", keys: list[str], sizes: list[int], marks: list[int]) -> list[float]:
    """Points of each block for where it stands and what it is; headings get none.

    Args:
        blocks: The page, as `walk` gives it.
        keys: The text of each block without white space.
        sizes: Characters of each block, 0 for headings.
        marks: Marks of the region of each block.
    """
    total = sum(sizes)
    has_article = sum(size for size, mark in zip(sizes, marks, strict=True) if mark & regions.ARTICLE) > 0.2 * total
    link = 0.0 if _is_listing(blocks, sizes, marks) else LINK
    worth = {mark: sum(points for bit, points in MARKS.items() if mark & bit) for mark in set(marks)}
    times = Counter(key for key, block in zip(keys, blocks, strict=True) if not block.level)
    seen: set[str] = set()
    under, around, title, question, position = NO_HEADING, 0, 0.0, False, 0
    result = []
    for block, key, mark, size in zip(blocks, keys, marks, sizes, strict=True):
        if block.level:
            under, around = _heading_points(block), mark & ~HEADER & ~CONTENT
            title = UNDER_TITLE if block.level == 1 else title
            question = block.text.endswith("?")
            result.append(0.0)
            continue
        points = worth[mark] + under + title + _text_points(block, link, question=question)
        if around & ~mark:
            points += OTHER_REGION
        if position > 0.85 * total:
            points += LATE
        if has_article and not mark & regions.ARTICLE:
            points += OUTSIDE_ARTICLE
        if times[key] > 1 and block.row < 0:
            points += OFTEN if times[key] >= OFTEN_TIMES else 0.0
            points += REPEATED if key in seen and len(key) >= LONG_KEY / 2 else 0.0
            seen.add(key)
        position += size
        result.append(points)
    return result


def _is_listing(blocks: "list[Block]", sizes: list[int], marks: list[int]) -> bool:
    body = [(block, size) for block, size, mark in zip(blocks, sizes, marks, strict=True) if not mark & MARGINS]
    linked = sum(size for block, size in body if block.linked > 0.8 * size)
    return linked > LISTING_SHARE * sum(size for _, size in body)


def _heading_points(heading: "Block") -> float:
    points = NAVIGATION_HEADING if kind_of(heading.text) in (FURNITURE, COMMENTS) else 0.0
    return points + (LINKED_HEADING if 2 * heading.linked > len(heading.text) else 0.0)


def _text_points(block: "Block", link: float, *, question: bool) -> float:
    """Points for what a block is.

    Args:
        block: It.
        link: What it is worth to be a link, on this page.
        question: Whether the heading above is one.
    """
    text, size = block.text, len(block.text)
    points = CODE if block.kind == "code" else 0.0
    if text[-1] in ".!?:":
        points += SENTENCE
        if question and block.linked < 0.4 * size:
            points += ANSWER
    if block.linked > 0.4 * size:
        points += link if block.linked > 0.8 * size else HALF_LINK
    if "©" in text or "rights reserved" in text:
        points += COPYRIGHT
    return points + (FURNITURE_LINE if FURNITURE_START.match(text) else 0.0)
