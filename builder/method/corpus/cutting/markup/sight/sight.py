"""What of a page no reader sees is taken out of its tree, so that it is no text in any mode.

Asked is what the page itself says: attributes, styles of elements, its own sheets, names of classes that have one
meaning everywhere. Sheets elsewhere are not read. Panels that a control unfolds stay (`folded`), and so does the frame
of a page that a script shows at once (`frame`).
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from builder.method.corpus.cutting.markup.sight.folded import Controls
from builder.method.corpus.cutting.markup.sight.frame import leave_frame
from builder.method.corpus.cutting.markup.sight.lines import part_lines
from builder.method.corpus.cutting.markup.sight.paint import has_ink, unpainted
from builder.method.corpus.cutting.markup.sight.shadow import open_shadows
from builder.method.corpus.cutting.markup.sight.sheets import ByClass, looks_of_sheets
from builder.method.corpus.cutting.markup.sight.streamed import place_streamed
from builder.method.corpus.cutting.markup.sight.styles import (
    FOLDED,
    Look,
    concealed,
    font_pixels,
    hides_words,
    read_style,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import XPath
    from lxml.html import HtmlElement

    from builder.method.corpus.cutting.markup.meaning.found import Found

_NEVER = ("datalist", "noembed", "noframes")
_ATTRIBUTES = {
    name: re.compile(rb"""%b(?<=[\s"'/]%b)[\s=>/]""" % (name.encode(), name.encode())) for name in ("hidden", "popover")
}
# Whole names of classes for text that screen readers alone are to read.
_SPOKEN = re.compile(
    r"(?<![\w:-])(?!not[-_])(?:[a-z0-9]{1,10}[-_]{1,2}){0,3}(?:sr-?only|(?:visually|accessibly|accessible|a11y)-?hid(?:den|e)|"
    r"hid(?:den|e)-?visually|hidden-?accessible|screen-?reader(?:s)?-?(?:text|only|element)|only-?screen-?reader|"
    r"show-for-sr|for-screen-?readers?|element-invisible|assistive-text|off-?screen(?:-text)?)"
    r"(?:-text|-focusable|--focusable)?(?![\w:-])|(?<![\w:-])screen-?readers?(?![\w:-])",
    re.IGNORECASE,
)
_HINT = re.compile(r"sr|hid|reader|invisible|assistive|screen", re.IGNORECASE)
_COPY = re.compile(
    r"(?<![\w-])(?:slick-cloned|swiper-slide-duplicate|splide__slide--clone|glide__slide--clone|tns-slide-cloned|bx-clone"
    r"|owl-item\s+cloned)(?![\w-])"
)
_TURN = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ABSOLUTE_SIZE = re.compile(r"[\d.]+(?:px|rem|pt|pc|in|cm|mm|q|vw|vh)?")


def drop_unseen(
    tree: "HtmlElement", source: bytes, small: bytes, elements: "list[HtmlElement]", found: "Found"
) -> None:
    """Take out of a page's tree what readers do not see; called before anything else takes a part out of the tree.

    Args:
        tree: The page.
        source: The same as it was parsed, to see at once what is not in it.
        small: The source in small letters.
        elements: All elements that are in it or were: passes in Python over them are dear.
        found: What was found among them.
    """
    from lxml import etree

    if found.templates:
        open_shadows(found.templates)
    if b"$R" in source:
        place_streamed(source, elements)
    etree.strip_elements(tree, *_NEVER, with_tail=False)
    by_class: ByClass = {}
    for element in elements:
        if names := element.get("class"):
            by_class.setdefault(names, []).append(element)
    looks = _looks(tree, small, by_class, found)
    if b"display" in small:
        part_lines(looks, by_class, found.sheets)
    hidden = _hidden(tree, looks, small, by_class, found.dialogs)
    words = {element: way for element, look in looks.items() if (way := hides_words(look)) and element not in hidden}
    inked = any(map(has_ink, looks.values()))
    ink = list(unpainted(looks, foreign=_is_dressed_elsewhere(tree, found.sheets))) if inked else []
    if not (hidden or words or ink):
        return
    ways = {**hidden, **words}
    _leave_folded(tree, ways, small, found.links)
    leave_frame(tree, ways)
    for element, way in words.items():
        if element in ways:
            _blank(element, _OVERRIDES[way], looks)
    for element in ink:
        _blank(element, has_ink, looks)
    for element in hidden:
        if element in ways:
            element.tag = "unseen"
    etree.strip_elements(tree, "unseen", with_tail=False)


@lru_cache(maxsize=16)
def _path(path: str) -> "XPath":
    from lxml import etree

    return etree.XPath(path)


def _find(tree: "HtmlElement", path: str, **names: str) -> "list[Any]":
    return cast("list[Any]", _path(path)(tree, **names))


def _looks(tree: "HtmlElement", small: bytes, by_class: "ByClass", found: "Found") -> "dict[HtmlElement, Look]":
    """What elements say of their looks, where it may matter."""
    looks = looks_of_sheets(tree, small, by_class, found.sheets) if found.sheets else {}
    for style in _find(tree, "descendant-or-self::*/@style"):
        if look := read_style(style):
            element = style.getparent()
            looks[element] = {**looks[element], **look} if element in looks else look
    old = [value.getparent() for value in _find(tree, "descendant-or-self::*/@bgcolor")] if b"bgcolor" in small else []
    old += [font for font in found.fonts if "color" in font.attrib]
    body = tree.find("body")
    if body is not None and "text" in body.attrib:
        old.append(body)
    for element in old:
        looks[element] = {**_old_colours(element), **looks.get(element, {})}
    return looks


def _old_colours(element: "HtmlElement") -> Look:
    colours = {"background-color": element.get("bgcolor"), "color": element.get("color") or element.get("text")}
    return {name: value.strip().lower() for name, value in colours.items() if value}


def _hidden(
    tree: "HtmlElement",
    looks: "dict[HtmlElement, Look]",
    small: bytes,
    by_class: "ByClass",
    dialogs: "list[HtmlElement]",
) -> "dict[HtmlElement, str]":
    """Elements that are not seen with all that is in them, and how they are hidden."""
    hidden = _concealed(looks)
    told = [key for key, attribute in _ATTRIBUTES.items() if attribute.search(small)]
    if told:
        path = "|".join(f"descendant-or-self::*/@{key}" for key in told)
        for element in dict.fromkeys(value.getparent() for value in _find(tree, path)):
            folded = (element.get("hidden") or "").strip().lower() == "until-found"
            if not folded and "display" not in looks.get(element, {}):
                hidden.setdefault(element, "display")
    for dialog in dialogs:
        if "open" not in dialog.attrib and "display" not in looks.get(dialog, {}):
            hidden[dialog] = "dialog"
    for classes, elements in by_class.items():
        if is_no_text(classes):
            hidden.update(dict.fromkeys(elements, "spoken"))
    for root in (tree, tree.find("body")):
        if root is not None:
            hidden.pop(root, None)
    return hidden


def _concealed(looks: "dict[HtmlElement, Look]") -> "dict[HtmlElement, str]":
    """How elements are hidden by their looks; those of the same style have one look."""
    ways: dict[int, str] = {}
    hidden: dict[HtmlElement, str] = {}
    for element, look in looks.items():
        key = id(look)
        if key not in ways:
            ways[key] = concealed(look)
        if ways[key]:
            hidden[element] = ways[key]
    return hidden


@lru_cache(maxsize=50_000)
def is_no_text(classes: str) -> bool:
    """Whether classes of an element say that it is a copy of what is beside it, or that only screen readers read it."""
    return is_spoken(classes) or _COPY.search(classes) is not None


def is_spoken(classes: str) -> bool:
    """Whether classes of an element say that only screen readers read it."""
    return _HINT.search(classes) is not None and _SPOKEN.search(_TURN.sub("-", classes)) is not None


def _is_dressed_elsewhere(tree: "HtmlElement", sheets: "list[HtmlElement]") -> bool:
    linked = (link for link in tree.iter("link") if "stylesheet" in (link.get("rel") or "").lower())
    return next(linked, None) is not None or any("@import" in (sheet.text or "") for sheet in sheets)


def _leave_folded(
    tree: "HtmlElement", ways: "dict[HtmlElement, str]", small: bytes, links: "list[HtmlElement]"
) -> None:
    """Take out of the hidden elements those that a control unfolds, then those within them, to a depth of three."""

    def is_seen(element: "HtmlElement") -> bool:
        return element not in ways and not any(around in ways for around in element.iterancestors())

    panels = [element for element, way in ways.items() if way in FOLDED]
    controls = Controls(tree, small, links, panels, is_seen)
    for _ in range(3):
        unfolded = [panel for panel in panels if controls.unfold(panel)]
        if not unfolded:
            return
        for panel in unfolded:
            del ways[panel]
        panels = [panel for panel in panels if panel in ways]


def _shows_itself(look: Look) -> bool:
    return look.get("visibility") in ("visible", "initial")


def _has_size(look: Look) -> bool:
    """Whether letters have a size that is no share of the size around them."""
    size = look.get("font-size", "")
    if _ABSOLUTE_SIZE.fullmatch(size) is None and not size.isalpha():
        return "font" in look and bool(font_pixels(look))
    return font_pixels(look) != 0


_OVERRIDES = {"visibility": _shows_itself, "font-size": _has_size}


def _blank(element: "HtmlElement", shows: "Callable[[Look], bool]", looks: "dict[HtmlElement, Look]") -> None:
    """Take the words of an element, but not those of descendants whose own looks show them."""
    from lxml import etree

    seen = [False]
    for event, part in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            seen.append(seen[-1] or (part is not element and part in looks and shows(looks[part])))
            if not seen[-1]:
                part.text = None
        else:
            seen.pop()
            if part is not element and not seen[-1]:
                part.tail = None
