"""What a style says, and whether an element that has it is seen."""

import re
from collections.abc import Mapping
from functools import lru_cache

from builder.method.corpus.cutting.markup.sight.colours import read_colour

Look = Mapping[str, str]
"""Properties of one element with their values, in small letters."""

FOLDED = frozenset({"display", "size", "opacity", "visibility"})
"""Ways of hiding in which pages fold what a control unfolds. The rest keep a text from readers for good."""
_OFF = 900.0
"""A box that begins so many pixels before the page is not on it."""
_FAR = 3_000.0
"""A box so many pixels to the right is on no screen either. Below is where readers scroll to."""
_FAINT = 0.05
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_TELLING = re.compile(
    r"display|visib|overflow|opacity|clip|scale|rotate|matrix|calc|-\s*[\d.]{2}|(?<!-)color|backg|font|9{4}|\d{4}|\d\s*vw|\\|/\*",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z%]*)")
_CALL = re.compile(r"([a-z0-9-]+)\(([^()]*)\)")
_PIXELS = {
    "": 1.0, "px": 1.0, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8,
    "mm": 3.78, "q": 0.945, "vw": 12.8, "vh": 7.2, "vmin": 7.2, "vmax": 12.8, "dvw": 12.8, "dvh": 7.2, "svw": 12.8,
    "svh": 7.2, "lvw": 12.8, "lvh": 7.2, "%": 12.8,
}  # fmt: skip
_DISPLAYS = frozenset(
    {
        "none", "block", "inline", "inline-block", "flex", "inline-flex", "grid", "inline-grid", "flow-root",
        "table", "inline-table", "table-row", "table-cell", "table-column", "table-caption", "table-row-group",
        "table-header-group", "table-footer-group", "table-column-group", "list-item", "run-in", "ruby", "flow",
        "-webkit-box", "-webkit-flex", "-webkit-inline-box", "-webkit-inline-flex", "-ms-flexbox", "-ms-grid",
        "initial", "inherit", "unset", "revert", "revert-layer", "math", "contents",
    }
)  # fmt: skip
_VISIBLE = frozenset({"visible", "hidden", "collapse", "inherit", "initial", "unset", "revert", "revert-layer"})
_FADING = frozenset({"opacity", "filter"})
_OVERFLOW = frozenset({"overflow", "overflow-x", "overflow-y"})
_CLIPPING = frozenset({"clip", "clip-path", "-webkit-clip-path"})
_TRANSFORMING = frozenset({"transform", "-webkit-transform", "scale", "translate"})
_MARGINS = ("margin-left", "margin-top", "margin-right", "margin-inline-start")
_PLACES = ("left", "top", "right", "bottom", "inset-inline-start", "inset-block-start")
_MOVING = frozenset({"text-indent", "margin", "inset", *_MARGINS, *_PLACES})
_CUTS = frozenset({"hidden", "clip", "auto", "scroll"})


@lru_cache(maxsize=20_000)
def read_style(style: str) -> Look:
    """The properties that a style attribute, or the body of a rule, gives; empty where nothing in it can hide a text.

    Comments and escapes are read as browsers read them, `!important` wins, and a value that browsers refuse counts as
    none: `display: none; display: nothing` hides.
    """
    if not _TELLING.search(style):
        return {}
    if "\\" in style:
        style = _ESCAPE.sub(_character, style)
    if "/*" in style:
        style = _COMMENT.sub(" ", style)
    look: dict[str, str] = {}
    forced: set[str] = set()
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        important = value.endswith("important")
        if important:
            value = value.rpartition("!")[0].strip()
        if value and _is_valid(name, value) and (important or name not in forced):
            look[name] = value
            if important:
                forced.add(name)
    return look


def _character(escape: re.Match[str]) -> str:
    if not escape.group(1):
        return escape.group(2)
    code = int(escape.group(1), 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _is_valid(name: str, value: str) -> bool:
    if name == "display":
        return all(word in _DISPLAYS for word in value.split())
    if name == "visibility":
        return value in _VISIBLE
    if name == "opacity":
        return _LENGTH.fullmatch(value) is not None or value in _VISIBLE
    return True


def concealed(look: Look) -> str:
    """How an element that looks so is kept from readers with all that is in it, in one word; empty if it is not."""
    if look.get("display") == "none" or look.get("content-visibility") == "hidden":
        return "display"
    told = look.keys()
    if not told.isdisjoint(_FADING) and _is_faint(look):
        return "opacity"
    if not told.isdisjoint(_OVERFLOW) and _has_no_size(look):
        return "size"
    if not told.isdisjoint(_CLIPPING) and _is_cut_away(look):
        return "clip"
    if not told.isdisjoint(_TRANSFORMING) and _is_transformed_away(look):
        return "transform"
    return "off-screen" if not told.isdisjoint(_MOVING) and _is_off_screen(look) else ""


def hides_words(look: Look) -> str:
    """How the words of an element are hidden though descendants may show theirs; empty if they are not."""
    if look.get("visibility") in ("hidden", "collapse"):
        return "visibility"
    return "font-size" if font_pixels(look) == 0 else ""


def font_pixels(look: Look) -> float | None:
    """The size of letters, as far as it is told here."""
    size = look.get("font-size", "")
    if not size and "font" in look:
        size = next((part for part in look["font"].split("/")[0].split() if part[0] in "0123456789."), "")
    return pixels(size) if size else None


@lru_cache(maxsize=20_000)
def pixels(value: str) -> float | None:
    """A length in pixels, percentages taken of a screen's width; None if it is none that is known here."""
    if value.startswith("calc("):
        return _product(value[5:].rstrip(")"))
    length = _LENGTH.fullmatch(value)
    if length is None or length.group(2) not in _PIXELS:
        return None
    return float(length.group(1)) * _PIXELS[length.group(2)]


def _product(inside: str) -> float | None:
    value = 1.0
    for factor in inside.split("*"):
        part = pixels(factor.strip()) if "calc" not in factor else None
        if part is None:
            return None
        value *= part
    return value


def _is_faint(look: Look) -> bool:
    value = look.get("opacity", "")
    number = _LENGTH.fullmatch(value)
    if number is not None:
        return float(number.group(1)) / (100 if number.group(2) == "%" else 1) <= _FAINT
    return any(name == "opacity" and _zero(inside) for name, inside in _CALL.findall(look.get("filter", "")))


def _has_no_size(look: Look) -> bool:
    overflow = f"{look.get('overflow', '')} {look.get('overflow-x', '')} {look.get('overflow-y', '')}".split()
    if not _CUTS.intersection(overflow):
        return False
    sizes = (look.get(name, "") for name in ("width", "height", "max-width", "max-height", "line-height"))
    return any(size is not None and size <= 1 for size in map(pixels, sizes))


def _is_cut_away(look: Look) -> bool:
    placed = look.get("position") in ("absolute", "fixed")
    if placed and _no_area(look.get("clip", "")):
        return True
    path = look.get("clip-path") or look.get("-webkit-clip-path", "")
    for name, inside in _CALL.findall(path):
        values = re.split(r"[\s,]+", inside.partition("round")[0].partition(" at ")[0].strip())
        if name == "rect" and _no_area(path):
            return True
        if name == "inset":
            numbers = [_percent(value) for value in values]
            top, right, bottom, left = (numbers * 4)[:4] if len(numbers) != 3 else [*numbers, numbers[1]]
            if top + bottom >= 99 or left + right >= 99:
                return True
        if name in ("circle", "ellipse") and any(_zero(value) for value in values if value):
            return True
        if name == "polygon" and len({point.strip() for point in inside.split(",")}) == 1:
            return True
    return False


def _no_area(value: str) -> bool:
    call = _CALL.search(value)
    if call is None or call.group(1) != "rect":
        return False
    edges = [pixels(edge) for edge in re.split(r"[\s,]+", call.group(2).strip())]
    if len(edges) != 4:
        return False
    top, right, bottom, left = edges
    flat = top is not None and bottom is not None and bottom - top <= 1
    return flat or (left is not None and right is not None and right - left <= 1)


def _percent(value: str) -> float:
    number = _LENGTH.fullmatch(value)
    return float(number.group(1)) if number is not None and number.group(2) == "%" else 0.0


def _zero(value: str) -> bool:
    number = _LENGTH.fullmatch(value.strip())
    return number is not None and abs(float(number.group(1))) <= 0.01


def _is_transformed_away(look: Look) -> bool:
    if any(map(_zero, look.get("scale", "").split())):
        return True
    for name, inside in _CALL.findall(look.get("transform") or look.get("-webkit-transform", "")):
        values = [value.strip() for value in inside.split(",")]
        if name in ("scale", "scalex", "scaley") and any(map(_zero, values)):
            return True
        if name == "scale3d" and any(map(_zero, values[:2])):
            return True
        if name == "matrix" and len(values) == 6 and all(map(_zero, values[:2])):
            return True
        if name in ("rotatex", "rotatey") and values[0] in ("90deg", "-90deg", "270deg", "0.25turn", "100grad"):
            return True
        if name.startswith("translate") and name != "translatez":
            sides = values[:1] if name == "translatex" else values[:2]
            if any(_is_away(look, pixels(side), beyond=name != "translatey") for side in sides):
                return True
    return any(_is_away(look, pixels(side), beyond=False) for side in look.get("translate", "").split()[:2])


def _is_off_screen(look: Look) -> bool:
    if _is_away(look, pixels(look.get("text-indent", "")), beyond=True):
        return True
    margins = look.get("margin", "").split()
    inset = look.get("inset", "").split()
    if any(_is_away(look, pixels(value), beyond=False) for value in margins):
        return True
    for side in _MARGINS:
        if _is_away(look, pixels(look.get(side, "")), beyond=side == "margin-left"):
            return True
    if look.get("position", "static") == "static":
        return False
    if any(_is_away(look, pixels(value), beyond=False) for value in inset):
        return True
    return any(_is_away(look, pixels(look.get(side, "")), beyond=side == "left") for side in _PLACES)


def _is_away(look: Look, offset: float | None, *, beyond: bool) -> bool:
    """Whether a box is moved off the page; the track of a carousel is moved too, and wider than its way."""
    if offset is None or -_OFF < offset < _FAR or (offset > 0 and not beyond):
        return False
    return (pixels(look.get("width", "")) or 0.0) <= abs(offset)


def is_transparent(look: Look) -> bool:
    """Whether letters have no colour of their own, and nothing else shows them, such as a background in their shape."""
    colour = read_colour(look.get("-webkit-text-fill-color") or look.get("color", ""))
    if colour is None or colour[3] > _FAINT:
        return False
    shown = "text" in (
        look.get("background-clip", "") + look.get("-webkit-background-clip", "") + look.get("background", "")
    )
    return not shown and not ({"text-shadow", "-webkit-text-stroke", "background-image"} & look.keys())
