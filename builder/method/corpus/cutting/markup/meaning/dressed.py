"""Raised, lowered and struck text that only a style says: text editors export it so, without `sup`, `sub` and `del`."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.html import HtmlElement

_INLINE = ("span", "font", "small", "em", "i", "b", "strong", "u")
_MOST = 1_000_000
"""Characters of sheets that are read, of one page."""
_LEVEL = re.compile(r"vertical-align\s*:\s*(super|sub)(?![\w-])", re.IGNORECASE)
_STRUCK = re.compile(r"text-decoration(?:-line)?\s*:[^;]{0,60}line-through", re.IGNORECASE)
_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_PLAIN = re.compile(r"(?:span)?\.([a-zA-Z_][\w-]*)")
_HINTS = ("tical-align", "TICAL-ALIGN", "ine-through", "INE-THROUGH")


def name_dressed(tree: "HtmlElement", source: bytes) -> None:
    """Give the tags `sup`, `sub` and `del` to inline elements whose style or plain class says the same.

    Args:
        tree: The page; changed in place.
        source: The same, to see at once that there are none.
    """
    if not any(hint.encode() in source for hint in _HINTS):
        return
    for style in _styles()(tree):
        _name(style.getparent(), _meaning(style))  # type: ignore[attr-defined]  # a string that knows its element
    meanings = dict(_of_sheets(tree))
    if meanings:
        for element in tree.iter(*_INLINE):
            names = element.get("class")
            if names:
                _name(element, next((meanings[name] for name in names.split() if name in meanings), ""))


@cache
def _styles() -> "Callable[[HtmlElement], list[str]]":
    from lxml import etree

    tags = " or ".join(f"self::{tag}" for tag in _INLINE)
    hints = " or ".join(f"contains(., '{hint}')" for hint in _HINTS)
    path: etree.XPath = etree.XPath(f"//*[{tags}]/@style[{hints}]")
    return path  # type: ignore[return-value]  # a path of attributes gives a list of them


def _of_sheets(tree: "HtmlElement") -> "Iterator[tuple[str, str]]":
    left = _MOST
    for sheet in tree.iter("style"):
        text = (sheet.text or "")[:left]
        left -= len(text)
        for rule in _RULE.finditer(text):
            if meaning := _meaning(rule[2]):
                plain = (_PLAIN.fullmatch(selector.strip()) for selector in rule[1].rpartition(";")[2].split(","))
                yield from ((selector[1], meaning) for selector in plain if selector)


def _meaning(style: str) -> str:
    if level := _LEVEL.search(style):
        return "sup" if level[1].lower() == "super" else "sub"
    return "del" if _STRUCK.search(style) else ""


def _name(element: "HtmlElement", tag: str) -> None:
    """Name an element, but not one around or inside of another that says the same."""
    if not tag or next(element.iterancestors(tag), None) is not None:
        return
    if next(element.iterdescendants(tag), None) is None:
        element.tag = tag
