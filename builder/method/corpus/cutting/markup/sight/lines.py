"""Inline elements that a page lays out as lines of their own: a space parts their words from those beside them."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.sight.sheets import rules_of
from builder.method.corpus.cutting.markup.sight.styles import Look, read_style

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from builder.method.corpus.cutting.markup.sight.sheets import ByClass

_INLINE = frozenset({"a", "abbr", "b", "cite", "em", "font", "i", "mark", "small", "span", "strong", "time", "u"})
_LINES = frozenset({"block", "flex", "flow-root", "grid", "list-item", "table", "-webkit-box", "-webkit-flex"})
_MOST = 1_000_000
"""Characters of sheets that are read, of one page."""
_CLASS = re.compile(r"(?:[a-zA-Z]+)?\.([a-zA-Z_-][\w-]*)")


def part_lines(looks: "dict[HtmlElement, Look]", by_class: "ByClass", sheets: "list[HtmlElement]") -> None:
    """Put spaces around inline elements that are lines by their style, or by a rule of the page for one class.

    Listings have lines of their own, and the first letter of a text that floats beside it is no line.

    Args:
        looks: What elements say of their looks.
        by_class: Elements of the page by their attribute `class`; its tree is changed in place.
        sheets: Its elements `style`.
    """
    lines = {element: _is_line(look) for element, look in looks.items() if "display" in look}
    names = _named("\n".join(sheet.text or "" for sheet in sheets if not sheet.get("media"))[:_MOST])
    for value, elements in by_class.items() if names else ():
        if not names.isdisjoint(value.split()):
            for element in elements:
                lines.setdefault(element, True)
    for element, is_line in lines.items():
        if is_line and element.tag in _INLINE and next(element.iterancestors("pre", "code"), None) is None:
            _part(element)


def _is_line(look: Look) -> bool:
    placed = look.get("position", "static") not in ("static", "relative") or look.get("float", "none") != "none"
    return look["display"] in _LINES and not placed


@lru_cache(maxsize=32)
def _named(sheets: str) -> frozenset[str]:
    """Classes whose last plain rule makes lines; rules for some screens only are not heard."""
    lines: dict[str, bool] = {}
    for head, text, around in rules_of(sheets):
        if not around and "display" in text.lower():
            look = read_style(text)
            for selector in head.split(",")[:100] if "display" in look else ():
                if name := _CLASS.fullmatch(selector.strip()):
                    lines[name[1]] = _is_line(look)
    return frozenset(name for name, is_line in lines.items() if is_line)


def _part(element: "HtmlElement") -> None:
    before, around = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = f"{before.tail or ''} "
    elif around is not None:
        around.text = f"{around.text or ''} "
    element.tail = f" {element.tail or ''}"
