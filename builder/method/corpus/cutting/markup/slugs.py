"""Ids that repeat a heading: they say what the section is about, and nothing about its role on the page.

A manual's section on comments has the id "comments", as the box of a blog's comments has. Extractors and our own
marks of regions would take both for the latter, so the id goes where it is only the heading once more. Where the
heading itself is one of page furniture ("Comments", "Related posts"), the page must have the habit: two other headings
whose ids repeat them.
"""

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from builder.method.corpus.rules.header import navigation_headers, normalise_header

if TYPE_CHECKING:
    from lxml.html import HtmlElement

HABIT = 2
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_NAMES = ("id", "name", "class")
_AROUND = 4
"""How many containers around a heading may be named after it."""
_HEADING_PIECES, _LONGEST_NAME = 50, 300
_WORD = re.compile(r"[^\W_]+")
_BEFORE = re.compile(
    r"(?:user-content-|sec(?:tion|t)?[-_:.]|id[-_:.]|h[1-6]?[-_:.]|anchor[-_:.]|toc[-_:.])+", re.IGNORECASE
)
_CUT_WORDS = 3
"""Words from which a name is a heading's though the heading goes on: generators cut long ones."""


def forget_slugs(tree: "HtmlElement") -> None:
    """Take the names from elements that are named after the heading they begin with."""
    certain: list[tuple[HtmlElement, str, str]] = []
    perhaps: list[tuple[HtmlElement, str, str]] = []
    for heading in tree.iter(*_HEADINGS):
        text = " ".join(islice(heading.itertext(), _HEADING_PIECES))[:_LONGEST_NAME]
        words = _words(text)
        if not words:
            continue
        if found := _named_after(heading, words):
            furniture = normalise_header(text) in navigation_headers(None)
            (perhaps if furniture else certain).extend(found)
    for element, name, value in certain + (perhaps if len(certain) >= HABIT else []):
        if value:
            element.set(name, value)
        else:
            element.attrib.pop(name, None)


def _named_after(heading: "HtmlElement", words: list[str]) -> "list[tuple[HtmlElement, str, str]]":
    """Elements around a heading with a name that repeats it, and what is left of the attribute's value."""
    found = []
    element: HtmlElement | None = heading
    for _ in range(_AROUND):
        if element is None or element.tag in ("body", "html"):
            break
        for name in _NAMES:
            value = element.get(name)
            if not value or len(value) > _LONGEST_NAME:
                continue
            parts = value.split() if name == "class" else [value]
            # A word alone is a class of a box more often than the heading of a section.
            kept = [part for part in parts if not _repeats(part, words) or (name == "class" and len(words) == 1)]
            if len(kept) < len(parts):
                found.append((element, name, " ".join(kept)))
        before = element.getprevious()
        if before is not None and (before.getprevious() is not None or _has_text(before)):
            break
        element = element.getparent()
    return found


def _repeats(name: str, words: list[str]) -> bool:
    own = _words_of_name(name)
    if "".join(own) == "".join(words):  # "RelatedWork" too
        return bool(own)
    return len(own) >= _CUT_WORDS and own == words[: len(own)]


@lru_cache(maxsize=20_000)
def _words_of_name(name: str) -> list[str]:
    return _words(_BEFORE.sub("", name, count=1))


def _has_text(element: "HtmlElement") -> bool:
    return bool((element.tail or "").strip()) or any(text.strip() for text in element.itertext())


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.replace("'", "").replace("’", "").casefold()) if not word.isdigit()]
