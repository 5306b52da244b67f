"""Text in the colour of what is behind it, as far as a page itself says the colours of both."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.sight.colours import Colour, look_alike, read_colour
from builder.method.corpus.cutting.markup.sight.styles import Look, is_transparent

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_WHITE: Colour = (255, 255, 255, 1.0)
_BLACK: Colour = (0, 0, 0, 1.0)
_UNKNOWN: Colour = (-1, -1, -1, 1.0)
_OPAQUE = 0.9
_VALUE = re.compile(r"[a-z]+\([^()]*\)|[^\s,/]+")


def has_ink(look: Look) -> bool:
    """Whether a style says a colour of letters or of what is behind them."""
    return "color" in look or "background-color" in look or "background" in look or "-webkit-text-fill-color" in look


def unpainted(looks: "Mapping[HtmlElement, Look]", *, foreign: bool) -> "Iterator[HtmlElement]":
    """Elements whose letters cannot be told from what is behind them.

    Args:
        looks: What is known of the looks of elements.
        foreign: Whether the page is also dressed by sheets that are not here. What has a name may then have a colour
            that is not known, and so may the page itself; otherwise the page is white and its letters are black.
    """
    for element, look in looks.items():
        if has_ink(look) and (is_transparent(look) or _is_lost(element, look, looks, foreign)):
            yield element


def _is_lost(element: "HtmlElement", look: Look, looks: "Mapping[HtmlElement, Look]", foreign: bool) -> bool:
    letters = _letters(look)
    if letters is None:
        if _behind(look) is None:
            return False
        letters = _from_around(element, looks, _letters, foreign, _BLACK)
    if letters[0] < 0 or letters[3] < _OPAQUE:
        return False
    behind = _behind(look) or _from_around(element, looks, _behind, foreign, _WHITE)
    return behind[0] >= 0 and look_alike(letters, behind)


def _from_around(
    element: "HtmlElement",
    looks: "Mapping[HtmlElement, Look]",
    of: "Callable[[Look], Colour | None]",
    foreign: bool,
    default: Colour,
) -> Colour:
    at: HtmlElement | None = element
    while at is not None:
        look = looks.get(at)
        colour = of(look) if look is not None and at is not element else None
        if colour is not None:
            return colour
        if foreign and ("class" in at.attrib or "id" in at.attrib):
            return _UNKNOWN
        at = at.getparent()
    return _UNKNOWN if foreign else default


def _letters(look: Look) -> Colour | None:
    value = look.get("-webkit-text-fill-color") or look.get("color")
    return None if value is None else read_colour(value)


def _behind(look: Look) -> Colour | None:
    """What a style puts behind letters; None for nothing, `_UNKNOWN` for pictures and what has another's colour."""
    if look.get("background-image", "none") != "none":
        return _UNKNOWN
    value = look.get("background-color") or look.get("background")
    if value is None:
        return None
    if "url(" in value or "gradient" in value or "var(" in value:
        return _UNKNOWN
    for part in _VALUE.findall(value):
        colour = read_colour(part)
        if colour is not None:
            return None if colour[3] <= 0.05 else colour if colour[3] >= _OPAQUE else _UNKNOWN
    return None
