"""Raised, lowered and struck text that only a style says: text editors export it so, without `sup`, `sub` and `del`."""

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.html import HtmlElement

_INLINE = ("span", "font", "small", "em", "i", "b", "strong", "u")
_LONGEST, _MOST, _NEAR = 500_000, 200, 500
"""Characters of a sheet and properties in it that are looked at, and characters of a rule before one."""
_TELLING = re.compile(r"-(?:align\s*:\s*(?:super|sub)(?![\w-])|through)", re.IGNORECASE)
_LEVEL = re.compile(r"vertical-align\s*:\s*(super|sub)(?![\w-])", re.IGNORECASE)
_STRUCK = re.compile(r"text-decoration(?:-line)?\s*:[^;]{0,60}line-through", re.IGNORECASE)
_PLAIN = re.compile(r"(?:span)?\.([a-zA-Z_][\w-]*)")
_SMALL_LEVEL = re.compile(rb"tical-align\s*:\s*su[pb]")
_IN_STYLE = re.compile(rb"style\s*=[^<>]{0,500}?(?:tical-align\s*:\s*su[pb]|ine-through)")
_HINTS = ("tical-align", "TICAL-ALIGN", "ine-through", "INE-THROUGH")


def name_dressed(tree: "HtmlElement", small: bytes) -> None:
    """Give the tags `sup`, `sub` and `del` to inline elements whose style or plain class says the same.

    Args:
        tree: The page; changed in place.
        small: Its source in small letters, to see at once that there are none.
    """
    if b"ine-through" not in small and not (b"tical-align" in small and _SMALL_LEVEL.search(small)):
        return
    for style in _styles()(tree) if _IN_STYLE.search(small) else ():
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
    for sheet in tree.iter("style"):
        text = (sheet.text or "")[:_LONGEST]
        for found in islice(_TELLING.finditer(text), _MOST):
            start = text.rfind("{", max(0, found.start() - _NEAR), found.start())
            if start < 0 or "}" in text[start : found.start()]:
                continue
            meaning = _meaning(text[start + 1 : found.end()])
            for selector in re.split(r"[{};]", text[max(0, start - _NEAR) : start])[-1].split(","):
                if meaning and (plain := _PLAIN.fullmatch(selector.strip())):
                    yield plain[1], meaning


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
