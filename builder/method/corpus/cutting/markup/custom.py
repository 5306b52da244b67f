"""Elements of a page's own, such as `<x-card>`: which of them part text as a `div` does."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_BLOCKS = (
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr",
    "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody", "td", "th", "tr",
    "ul",
)  # fmt: skip
_INLINE = frozenset({"a", "label", "span"})
_NEAR = 16
"""So many elements after one are looked at."""


def read_as(element: "HtmlElement") -> str:
    """Make an element with a name of its own a `div` or a `span`, and say which.

    It is a `div` where it holds blocks, or where neither text nor a link stands beside it in the element around it.
    Inline elements are unwrapped before, so their text stands there as the parent's own.
    """
    if _stands_alone(element) or next(element.iterdescendants(*_BLOCKS), None) is not None:
        element.tag = "div"
        return "div"
    for inner in element.iter():  # those in it are in the same sentence; nobody asks about them again
        if "-" in inner.tag:
            inner.tag = "span"
    return "span"


def _stands_alone(element: "HtmlElement") -> bool:
    parent = element.getparent()
    if parent is None or parent.tag in ("p", "span"):
        return False
    before = element.getprevious()
    if before is None:
        text = parent.text
    elif before.tag in _INLINE:
        return False
    else:
        text = before.tail
    if text and text.strip():
        return False
    return not _runs_on(element)


def _runs_on(element: "HtmlElement") -> bool:
    """Whether text or a link follows in the same line."""
    at = element
    for _ in range(_NEAR):
        if at.tail and at.tail.strip():
            return True
        after = at.getnext()
        if after is None or not ("-" in after.tag or after.tag in _INLINE):
            return False
        if after.tag in _INLINE:
            return True
        at = after
    return False
