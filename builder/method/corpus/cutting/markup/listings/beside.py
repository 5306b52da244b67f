"""What stands beside a listing and belongs to how it is drawn: buttons, names of languages, columns of numbers."""

from itertools import islice
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.listings.gutters import (
    GUTTER,
    holds_numbers,
    is_cell_prompt,
    is_control_text,
    numbers_in,
    role_of,
    text_of,
)
from builder.method.corpus.cutting.markup.listings.languages import is_language

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_LEVELS = 4
_NEAR = 4
"""So many elements before and after a listing are looked at."""
_SHORT = 60
_FRAMES = frozenset({"div", "figure", "td", "th", "tr", "tbody", "table", "span", "header"})
_KEPT = frozenset({"pre", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "img"})
_BUTTONS = frozenset({"button", "clipboard-copy"})


def clear_beside(pre: "HtmlElement") -> str:
    """Take out what stands beside a listing, and give the language that a label there has named, or nothing."""
    language, node = "", pre
    for _ in range(_LEVELS):
        parent = node.getparent()
        if parent is None:
            break
        framed, near = False, [node.getprevious(), node.getnext()]
        if parent.tag in _FRAMES or "-" in parent.tag:
            near = [*islice(node.itersiblings(preceding=True), _NEAR + 1), *islice(node.itersiblings(), _NEAR + 1)]
            framed = _is_frame(parent, node, near)
        for element in near:
            if element is None or not (framed or element.getnext() is node or element.getprevious() is node):
                continue
            said = _says(element, pre, framed=framed)
            if said is not None:
                language = language or said
                element.drop_tree()
        if not framed:
            break
        node = parent
    return language


def _is_frame(parent: "HtmlElement", node: "HtmlElement", near: "list[HtmlElement]") -> bool:
    """Whether an element holds one listing and no text but labels."""
    if len(near) > _NEAR:
        return False
    texts = [parent.text, node.tail, *(element.tail for element in near)]
    if any(text and text.strip() and not is_control_text(text) for text in texts):
        return False
    return all(holds_numbers(element) or text_of(element, _SHORT) != "x" for element in near)


def _says(element: "HtmlElement", pre: "HtmlElement", *, framed: bool) -> str | None:
    """The language that an element names which is part of a listing's frame, or nothing; None if it is no such part."""
    if element.tag in _BUTTONS or element.get("role") == "button":
        return "" if text_of(element, _SHORT) != "x" else None
    if _is_gutter(element, pre):
        return ""
    if element.tag in _KEPT or text_of(element, 2 * _SHORT) == "x":
        return None
    if is_cell_prompt(element):
        return ""
    language, pieces = "", [" ".join(piece.split()) for piece in element.itertext()]
    for piece in filter(None, pieces):
        if framed and is_language(piece):
            language = language or piece.lower()
        elif not is_control_text(piece):
            return None
    return language if any(pieces) else None


def _is_gutter(element: "HtmlElement", pre: "HtmlElement") -> bool:
    """Whether an element beside a listing holds the numbers of its lines, by name or because it counts them."""
    if not holds_numbers(element):
        return False
    numbers = numbers_in(element)
    if not numbers:
        return False
    if any(role_of(part.get("class")) & GUTTER for part in islice(element.iter(), 6)):
        return True
    counted = all(number == numbers[0] + place for place, number in enumerate(numbers))
    lines = text_of(pre).strip("\n").count("\n") + 1
    return counted and len(numbers) > 1 and abs(len(numbers) - lines) <= 1
