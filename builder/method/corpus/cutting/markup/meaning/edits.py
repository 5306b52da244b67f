"""Small changes to a tree: elements give way to text, or to nothing, in time that does not grow with their page."""

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

INLINE = "span"
"""What an element becomes that is no more than its text: `source` takes its tags out afterwards."""
_BLOCKS = frozenset(
    {
        "p", "div", "li", "ul", "ol", "table", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "br", "pre", "dt",
        "dd", "body", "section", "article", "blockquote", "hr", "main", "header", "footer", "nav", "aside", "caption",
        "figure", "figcaption", "img", "summary", "details",
    }
)  # fmt: skip
_STEPS = 8
"""How many elements are looked at for the text beside one: pages of strangers nest without end."""


def replace(element: "HtmlElement", text: str) -> None:
    """Put a text in the place of an element; what follows it stays."""
    element.clear(keep_tail=True)
    element.tag = INLINE
    element.text = text


def take_out(element: "HtmlElement") -> None:
    """Leave an element out, and the space before it if a mark follows that stands right behind a word."""
    replace(element, "")
    if (element.tail or " ")[0] not in ".,;:!?)]”’»":
        return
    before = element.getprevious()
    if before is not None and before.tail:
        before.tail = before.tail.rstrip()
    elif before is None and (around := element.getparent()) is not None and around.text:
        around.text = around.text.rstrip()


def unwrap(element: "HtmlElement", opening: str = "", closing: str = "") -> None:
    """Keep what is in an element, between two marks."""
    element.tag = INLINE
    element.text = opening + (element.text or "")
    if closing and len(element):
        element[-1].tail = (element[-1].tail or "") + closing
    elif closing:
        element.text += closing


def words_in(element: "HtmlElement", limit: int) -> str | None:
    """The text in an element with single spaces; None if there is more than `limit`, or a block in it."""
    parts = [element.text or ""]
    for inner in islice(element.iterdescendants(), 4 * _STEPS):
        if inner.tag in _BLOCKS or not isinstance(inner.tag, str):
            return None
        parts += (inner.text or "", inner.tail or "")
        if len(parts) > 8 * _STEPS:
            return None
    text = " ".join("".join(parts).split())
    return text if len(text) <= limit else None


def before(element: "HtmlElement") -> str:
    """The text right before an element in its block; empty where there is none near."""
    return next((text for text in islice(_backwards(element), _STEPS) if text), "")


def after(element: "HtmlElement") -> str:
    """The text right behind an element in its block; empty where there is none near."""
    return next((text for text in islice(_forwards(element), _STEPS) if text), "")


def _backwards(element: "HtmlElement") -> "Iterator[str]":
    at = element
    while True:
        beside = at.getprevious()
        around = at.getparent()
        if beside is not None:
            if beside.tail:
                yield beside.tail
            if beside.tag in _BLOCKS:
                return
            while len(beside):  # down to the last text in it
                beside = beside[-1]
                yield beside.tail or ""
                if beside.tag in _BLOCKS:
                    return
            yield beside.text or ""
            at = beside
        elif around is None:
            return
        else:
            yield around.text or ""
            if around.tag in _BLOCKS:
                return
            at = around


def _forwards(element: "HtmlElement") -> "Iterator[str]":
    at = element
    yield at.tail or ""
    while True:
        beside = at.getnext()
        if beside is not None:
            if beside.tag in _BLOCKS:
                return
            while True:
                yield beside.text or ""
                if not len(beside):
                    break
                beside = beside[0]
                if beside.tag in _BLOCKS:
                    return
            at = beside
            yield at.tail or ""
        else:
            around = at.getparent()
            if around is None or around.tag in _BLOCKS:
                return
            at = around
            yield at.tail or ""
