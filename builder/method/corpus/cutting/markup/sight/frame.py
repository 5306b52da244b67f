"""The frame of a page: what is hidden until a script shows it, and holds nearly all there is to read."""

from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.sight.styles import FOLDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

_LEAST = 300
"""Characters of text in a frame. Below that it does not pay to ask."""
_WHOLE = 0.5
"""A frame holds at least this share of the page's text."""
_OUTSIDE = 0.25
"""Prose that is seen outside of a frame is at most this share of the frame's text."""
_PROSE = 60
"""A text of so many characters in one piece is prose, and no label."""
_DEEPEST = 4
_UNREAD = ("script", "style", "noscript", "template", "textarea")
_TEXT = f"text()[not({' or '.join(f'parent::{tag}' for tag in _UNREAD)})]"
_HEADINGS = "descendant::*[self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6]"


def leave_frame(tree: "HtmlElement", ways: "dict[HtmlElement, str]") -> None:
    """Take the frame of a page, and one within it, out of its hidden elements.

    A page that would show next to nothing is no page that somebody reads: a script shows its frame. That is so where
    the frame holds at least half of the text, and readers see outside of it no heading at all, or no prose, and in any
    case little prose. What is hidden in the frame once more stays hidden. So a text that a page shows with a heading
    and a paragraph can have nothing hidden beside it, however long.
    """
    for _ in range(_DEEPEST):
        frame = _frame(tree, ways)
        if frame is None:
            return
        del ways[frame]


def _frame(tree: "HtmlElement", ways: "dict[HtmlElement, str]") -> "HtmlElement | None":
    outermost = [
        element
        for element, way in ways.items()
        if way in FOLDED and not any(up in ways for up in element.iterancestors())
    ]
    sized = [(_chars(element), at) for at, element in enumerate(outermost) if _may_be_long(element)]
    if not sized or max(sized)[0] < _LEAST:
        return None
    chars, at = max(sized)
    if _has_more(tree, chars / _WHOLE) or chars < _WHOLE * _chars(tree):
        return None
    prose = sum(len(text) for element, text in _prose(tree) if _is_seen(element, ways))
    if prose > _OUTSIDE * chars:
        return None
    heads = any(_is_seen(heading, ways) and _chars(heading) for heading in tree.xpath(_HEADINGS))
    return None if prose and heads else outermost[at]


def _may_be_long(element: "HtmlElement") -> bool:
    """Whether there is enough text in it, that of scripts counted: this is soon asked."""
    size = 0
    for text in element.itertext():
        size += len(text)
        if size >= _LEAST:
            return True
    return False


def _has_more(tree: "HtmlElement", chars: float) -> bool:
    """Whether there is more text in it for sure; soon seen, since few hidden elements are half of a page."""
    size = 0
    for element in tree.iter():
        if (text := element.text) and element.tag not in _UNREAD:
            size += len(text.strip())
            if size > chars:
                return True
    return False


def _chars(element: "HtmlElement") -> int:
    return sum(len(text.strip()) for text in element.xpath(f"descendant-or-self::*/{_TEXT}", smart_strings=False))


def _prose(tree: "HtmlElement") -> "Iterator[tuple[HtmlElement, str]]":
    for text in tree.xpath(f"descendant::*/{_TEXT}[string-length(normalize-space()) > {_PROSE}]"):
        yield (text.getparent().getparent() if text.is_tail else text.getparent()), text


def _is_seen(element: "HtmlElement", ways: "dict[HtmlElement, str]") -> bool:
    return element not in ways and not any(around in ways for around in element.iterancestors())
