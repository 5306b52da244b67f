"""What place a page is: posts in a forum, whose headings name their writers, or the front page of a site."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from builder.text.scripts import UNSPACED, is_latin
from builder.text.words import units, words

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block

_ONE_THREAD = re.compile(
    r"/(?:threads?/.|viewtopic|showthread|topic/\d|viewthread|thread-\d)|/t/[^/]+/\d|[?&;]topic=|/comments/\w",
    re.IGNORECASE,
)
_WHOLE_THREAD = re.compile(
    r"/(?:threads?/[^/?#]{0,200}\d|viewtopic|showthread|viewthread|thread-\d|forums?/[^?#])", re.IGNORECASE
)
"""Addresses of threads alone: `/t/` and `/topic/` may be pages of other kinds, with sections of their own."""
_FRONT = re.compile(
    r"https?://[^/?#]+/?(?:(?:[a-z]{2}(?:-[a-z]{2})?/?){1,2}|(?:index|home|default)\.\w{3,5})?", re.IGNORECASE
)
NAME_CHARS = 40
NAME_WORDS = 4
_NO_NAME = tuple("?:.!？：。！؟।။")
_THREAD = re.compile(
    r"[/.](?:forums?|threads?|viewtopic|showthread|topics?/\d|boards?|bbs|discussions?|viewthread|message_?boards?)\b"
    r"|/t/[^/]+/\d|[?&;]topic=|\bphpbb\b|//(?:forums?|boards?|bbs|community|discuss)\.",
    re.IGNORECASE,
)
# A word with a digit, a low line or an inner capital, or all small: nicknames look so, and headings seldom.
# "ステップ1" and "방법1" are headings as "Step 1" is: their scripts put no space before a number.
_NICKNAME = re.compile(
    rf"[^\W\d_{UNSPACED}\uac00-\ud7a3]+[\d_][\w.]*|[a-zà-ÿ]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[a-z][\w.\-]{{2,}}"
)
_RANK = re.compile(
    r"(?:[\w.\- ]{1,30}\W+)?(?:(?:senior|junior|new|full|active|notable|well-known|registered|premium|community|"
    r"distinguished|supporting|advanced)\ )?"
    r"(?:members?|moderators?|administrators?|newbie|greenhorn|guest|contributor|regular|veteran|rookie|"
    r"original\ poster|topic\ starter|\(?op\)?)\W*",
    re.IGNORECASE | re.VERBOSE,
)
_REPLY = re.compile(
    r"(?:re|aw|sv|antw|回复|回覆)\s?[:：]\s?\S.*|(?:post\s)?#\d{1,5}\b.*|(?:reply|post|comment) by .{1,40}", re.I
)


def is_front_page(url: str) -> bool:
    """Whether an address is that of a site and not of a page in it."""
    return _FRONT.fullmatch(url) is not None


def posts(blocks: "list[Block]", url: str) -> frozenset[int]:
    """Ordinals of the headings that name who wrote what stands under them, or the question of a thread.

    They are told by their form, by coming again on the page as few other headings do, and by the address of the page.
    """
    headings = [block for block in blocks if block.kind == "heading"]
    if not headings:
        return frozenset()
    if _WHOLE_THREAD.search(url):  # headings in a post are its writer's
        return frozenset(heading.ordinal for heading in headings)
    times = Counter((heading.level, heading.text) for heading in headings)
    thread = bool(_THREAD.search(url))
    replies = [heading for heading in headings if heading.level > 1 and _REPLY.fullmatch(heading.text[:200])]
    question = [heading for heading in headings if heading.level == 1 and _ONE_THREAD.search(url)]
    found = {heading.ordinal for heading in replies} if thread or len(replies) > 1 else set()
    found |= {heading.ordinal for heading in question}
    for level in {heading.level for heading in headings if heading.level > 1}:
        names = [heading for heading in headings if heading.level == level and _is_name(heading.text)]
        if not names:
            continue
        ranked = [heading for heading in names if _RANK.fullmatch(heading.text)]
        again = {heading.text for heading in names if times[level, heading.text] > 1}
        nicknames = {heading.text for heading in names if _NICKNAME.fullmatch(heading.text)}
        of_level = sum(heading.level == level for heading in headings)
        by_names = 2 * len(names) > of_level
        if (thread and by_names) or (
            by_names and again & nicknames and 4 * len(nicknames) >= len({n.text for n in names})
        ):
            found.update(heading.ordinal for heading in names)
        elif len(ranked) > 1:
            found.update(heading.ordinal for heading in ranked)
    return frozenset(found)


def _is_name(text: str) -> bool:
    if len(text) > NAME_CHARS or text.rstrip()[-1:] in _NO_NAME:
        return False
    parts = text.split() if is_latin(text) else words(text)
    return len(parts) <= units(NAME_WORDS, parts)
