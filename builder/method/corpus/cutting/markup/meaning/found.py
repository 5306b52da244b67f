"""Elements of a page that mean something beyond their text, found in one pass: passes are what takes time."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MATH = ("math", "mml:math", "m:math")
STRUCK = ("del", "s", "strike")
_LEVELS = ("sup", "sub")
_TAGS = (
    "a", "img", "script", "mjx-container", "nobr", "q", "ruby", "style", "dialog", "font", "template", *MATH, *STRUCK,
    *_LEVELS,
)  # fmt: skip
_TELLS_FORMULA = ("math", "Math", "tex", "TeX", "equation", "formula", "eqn", "ql-img", "cht=tx")


@dataclass(slots=True)
class Found:
    """Elements of a page in document order.

    Attributes:
        formulas: `math` and what MathJax 3 draws.
        glyphs: `nobr`, which MathJax 2 puts around the letters it draws.
        scripts: Those that hold a formula.
        pictures: Those that may show a formula.
        emoji: Pictures whose text is no more than a character or two.
        links: Those to a place of a page.
        levels: `sup` and `sub`.
        struck: What its author has taken back.
        quotes: `q`.
        rubies: `ruby`.
        sheets: `style`.
        dialogs: `dialog`.
        fonts: `font`.
        templates: `template`.
    """

    formulas: "list[HtmlElement]" = field(default_factory=list)
    glyphs: "list[HtmlElement]" = field(default_factory=list)
    scripts: "list[HtmlElement]" = field(default_factory=list)
    pictures: "list[HtmlElement]" = field(default_factory=list)
    emoji: "list[HtmlElement]" = field(default_factory=list)
    links: "list[HtmlElement]" = field(default_factory=list)
    levels: "list[HtmlElement]" = field(default_factory=list)
    struck: "list[HtmlElement]" = field(default_factory=list)
    quotes: "list[HtmlElement]" = field(default_factory=list)
    rubies: "list[HtmlElement]" = field(default_factory=list)
    sheets: "list[HtmlElement]" = field(default_factory=list)
    dialogs: "list[HtmlElement]" = field(default_factory=list)
    fonts: "list[HtmlElement]" = field(default_factory=list)
    templates: "list[HtmlElement]" = field(default_factory=list)


def find(tree: "HtmlElement") -> Found:
    """Look for all of them at once."""
    found = Found()
    holders = {
        "mjx-container": found.formulas, "nobr": found.glyphs, "q": found.quotes, "ruby": found.rubies,
        "style": found.sheets, "dialog": found.dialogs, "font": found.fonts,
        "template": found.templates,
        **dict.fromkeys(MATH, found.formulas),
        **dict.fromkeys(STRUCK, found.struck), **dict.fromkeys(_LEVELS, found.levels),
    }  # fmt: skip
    for element in tree.iter(*_TAGS):
        tag = element.tag
        if tag == "a":
            if "#" in element.get("href", ""):
                found.links.append(element)
        elif tag == "img":
            _picture(element, found)
        elif tag == "script":
            if element.get("type", "").startswith("math/"):
                found.scripts.append(element)
        else:
            holders[tag].append(element)
    return found


def _picture(image: "HtmlElement", found: Found) -> None:
    alt = image.get("alt", "")
    if alt and not alt.isascii() and len(alt) < 12 and not any(map(str.isalnum, alt)):
        found.emoji.append(image)
    elif "=" in alt or "^" in alt or "\\" in alt or "$" in alt or _tells(image):
        found.pictures.append(image)


def _tells(image: "HtmlElement") -> bool:
    told = f"{image.get('class', '')} {image.get('src', '')[:300]} {image.get('data-src', '')[:300]}"
    return any(sign in told for sign in _TELLS_FORMULA)
