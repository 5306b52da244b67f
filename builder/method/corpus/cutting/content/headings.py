"""What a heading says about the text under it, as far as it is page furniture."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.method.corpus.cutting import regions
from builder.method.corpus.rules.header import navigation_headers, normalise_header

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

PLAIN, QUESTION, OTHERS, FURNITURE, COMMENTS = range(5)
"""An ordinary heading, a question, one that may head other pages or services, one of furniture, one of comments."""
ARTICLE_CHARS = 500
"""Characters of prose that comments must follow to be comments on it."""
_COMMENTS = re.compile(
    r"(?:leave|post|add|write|submit) (?:a|an|your|us) (?:comments?|reply|response|review)\b"
    r"|(?:your|latest|recent|top|all|readers?|user|facebook|disqus|newest|older|previous) "
    r"(?:comments?|replies|responses)$"
    r"|no comments?\b|comments? section\b|comments? (?:are )?closed\b|cancel reply\b"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten) (?:comments?|thoughts?|responses?|replies)\b"
    r"|(?:join|start|continue) the (?:conversation|discussion)\b|what do you think$|have your say\b"
    r"|share your thoughts\b"
)
_COUNTED = re.compile(
    r"\s*(?:\d[\d,]* +(?:user |reader )?(?:comments?|replies|reply|responses?|thoughts?|reviews?)\b"
    r"|(?:comments?|replies|responses?) *[(\[:]? *\d[\d,]*[)\]]?\s*$)",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"(?:related|recommended|popular|trending|more|similar|latest|recent|further|also|you (?:may|might)|next|previous"
    r"|read|see also|about the author|share|subscribe|sign up|newsletter|follow|contact|reviews?|featured"
    r"|customers? (?:also|reviews?)|table of contents|contents)\b"
)
_LONGEST = 120


@lru_cache(maxsize=4_000)
def kind_of(heading: str) -> int:
    """Which of the kinds above a heading is."""
    words = normalise_header(heading)
    if len(heading) < _LONGEST and (_COMMENTS.match(words) or _COUNTED.match(heading)):
        return COMMENTS
    if words in navigation_headers(None):
        return FURNITURE
    if _OTHERS.match(words):
        return OTHERS
    return QUESTION if heading.endswith("?") else PLAIN


def threads(blocks: "list[Block]") -> set[int]:
    """Numbers of the blocks in comments on what stands before them, however long the comments are.

    A container that is named after comments counts, and what is under a heading of comments, up to the next one of the
    same or a higher level that is not in the same container. Both must follow prose under another heading.
    """
    found: set[int] = set()
    prose, headed, under = 0, False, 0
    region: regions.Region | None = None
    named: dict[regions.Region, bool] = {}
    for block in blocks:
        inside = named.get(block.region)
        if inside is None:
            inside = _named(block.region, named)
        if block.level:
            kind = kind_of(block.text)
            if kind == COMMENTS and prose >= ARTICLE_CHARS:
                under, region = block.level, block.region
            elif under and block.level <= under and block.region is not region:
                under = 0
            headed = headed or kind != COMMENTS
        enough = headed and prose >= ARTICLE_CHARS
        if enough and (under or inside):
            found.add(block.number)
        elif not inside and not block.level and block.linked == 0 and block.text[-1] in ".!?:":
            prose += len(block.text)
    return found


def _named(region: regions.Region, named: dict[regions.Region, bool]) -> bool:
    """Whether a container, or one around it, is named after comments."""
    chain = []
    at: regions.Region | None = region
    while at is not None and at not in named:
        chain.append(at)
        at = at.parent
    inside = named[at] if at is not None else False
    for inner in reversed(chain):
        inside = inside or bool(inner.own & regions.COMMENT_NAME)
        named[inner] = inside
    return inside
