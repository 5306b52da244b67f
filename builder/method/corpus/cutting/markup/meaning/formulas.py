r"""Formulas in place as TeX, whatever draws them: MathML, MathJax, KaTeX, pictures with a text.

One form for all: `$...$`, and `$$...$$` where the page gives a formula a line of its own. A formula that is a mere
number is that number. TeX that the page itself has in its text, as `\(...\)`, stays as it is. A formula of which there
is no text leaves `HOLE`, which `walk` counts; a segment with one is rejected as `formula`.
"""

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from builder.method.corpus.cutting.cleaning import HOLE
from builder.method.corpus.cutting.markup.meaning import mathml
from builder.method.corpus.cutting.markup.meaning.edits import replace
from builder.method.corpus.cutting.markup.meaning.found import MATH, Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.html import HtmlElement

_LONGEST = 10_000
_NEAR = 12
"""Elements around a formula among which a renderer's is looked for."""
_WRAPPERS = (
    "mwe-math-element", "katex-display", "katex", "MathJax_Display", "MathJax_SVG_Display", "MathJax", "MathJax_CHTML",
    "MathJax_SVG", "MathJax_MathML", "MathJax_PHTML", "mjx-chtml", "mjx-container",
)  # fmt: skip
"""Classes and tags of what a renderer puts around one formula; the outer ones first."""
_ALL_WRAPPERS = frozenset({*_WRAPPERS, "katex-mathml"})
_RENDERED = frozenset({*_WRAPPERS, "MathJax_Preview", "MJXp-math", "MathJax_Error"}) - {"katex", "katex-display"}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "p")
_SOURCES = ("data-latex", "data-tex", "data-expr", "data-katex", "data-math")
_LOOKS = ("style", "hidden", "class", "id")
_OWN_NAMES = _ALL_WRAPPERS | {"MathJax_Preview"}
_TEX_ENCODING = re.compile(r"tex", re.IGNORECASE)
_DELIMITED = re.compile(r"(\$\$?|\\[(\[])(.*?)(\$\$?|\\[)\]])", re.DOTALL)
_CDATA = re.compile(r"%? ?<!\[CDATA\[|%? ?\]\]>")
_STYLE = re.compile(r"\\(?:display|text)style\b\s*")
_NUMBER = re.compile(r"[-+−]?\d[\d.,\s\u202f]*%?")
_PICTURE_OF = re.compile(
    r"latex|mathtex|mimetex|texify|/math/render|media/math|quicklatex|mathurl|/eqn?s?[-_/]?\d|equation|formula|cht=tx",
    re.IGNORECASE,
)
_PICTURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:latex|tex|math|mwe-math\S*|equation|formula|eqn|ql-img\S*|texrender|inline-equation)(?=$|[\s_-])",
    re.IGNORECASE,
)
_SOURCE_IN_ADDRESS = re.compile(
    r"(?:latex\.codecogs\.com/\w+(?:\.latex|\.image)?\?|[?&](?:latex|chl|tex|eq|math|formula)=|"
    r"mimetex\.cgi\?|mathtex\.cgi\?)([^#]+)",
    re.IGNORECASE,
)
_LOOKS_LIKE_TEX = re.compile(r"\\[a-zA-Z]{2,}|\\[(\[{]|[\^_]\{|\$[^$]+\$|[\w)\]}]\^[\w({]")
_EQUATION = re.compile(r"[\w\s^_{}()\[\]+\-−*·×/=<>≤≥≈.,|'′²³√π∑∫∞\\]{3,120}")
_FIRST_MORE = re.compile(r"&(?:bg|fg|s|fs|size)=.*", re.IGNORECASE | re.DOTALL)
_IN_ADDRESS = {"space": " ", "plus": "+"}
_NAMED_IN_ADDRESS = re.compile(r"&(space|plus);")
"""How an editor of such addresses writes spaces and signs."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMAND = re.compile(r"\\(?:begin|end|label|tag|color|ref)\*?\s?\{[^{}]{0,80}\}|\\[a-zA-Z]+")
_SPEECH = 4
"""A formula with so many different words says something."""


def state_formulas(tree: "HtmlElement", source: bytes, found: Found) -> None:
    """Put the TeX of each formula in its place.

    Args:
        tree: The page; changed in place. Nothing is taken out of it yet.
        source: The same, which says quickly what need not be looked for.
        found: What was found in it.
    """
    for script in found.scripts:
        _script(script)
    crowded: dict[HtmlElement, bool] = {}
    for formula in found.formulas:
        if formula.getparent() is not None and next(formula.iterancestors(*MATH), None) is None:
            _formula(formula, crowded)
    if found.scripts or found.formulas or found.glyphs or b"katex" in source:
        for element in _drawn()(tree):
            if not crowded.get(element):
                _wrapper(element)
    for image in found.pictures:
        _picture(image)


@cache
def _drawn() -> "Callable[[HtmlElement], list[HtmlElement]]":
    from lxml import etree

    classes = " or ".join(f"contains(concat(' ', @class, ' '), ' {name} ')" for name in (*_WRAPPERS, "MathJax_Preview"))
    path: etree.XPath = etree.XPath(f"//*[@class and ({classes})]")
    return path  # type: ignore[return-value]  # a path of elements gives a list of them


def _formula(formula: "HtmlElement", crowded: "dict[HtmlElement, bool]") -> None:
    """A `math` element, with what a renderer has put around it: the same again as glyphs or a picture.

    Args:
        formula: The element.
        crowded: Whether elements hold more than one formula, as far as it was looked for.
    """
    outer = formula
    for around in islice(formula.iterancestors(), _NEAR):
        if _names(around) & _ALL_WRAPPERS:
            if around not in crowded:
                crowded[around] = _holds_text(around)
            outer = outer if crowded[around] else around
    if formula.tag == "mjx-container" or outer is not formula:
        _wrapper(outer)
    else:
        _state(formula, _of_math(formula), display=_is_display(formula))


def _script(script: "HtmlElement") -> None:
    """The source in a `script`, in place of what a renderer has drawn from it before."""
    kind, _, more = script.get("type", "").partition(";")
    source = script.text or ""
    if kind.strip() == "math/mml":
        source = _of_source(source)
    for _ in range(3):
        drawn = script.getprevious()
        if drawn is None or (drawn.tail or "").strip() or not _names(drawn) & _RENDERED or _holds_text(drawn):
            break
        _drop(drawn)
    _state(script, _tex(source), display="display" in more)


def _drop(element: "HtmlElement") -> None:
    around = element.getparent()
    if around is not None:  # no text behind it but white space, which goes with it
        around.remove(element)


def _wrapper(element: "HtmlElement") -> None:
    names = _names(element)
    if "MathJax_Preview" in names:
        beside = element.getnext()
        if beside is not None and not (element.tail or "").strip() and _names(beside) & _RENDERED:
            replace(element, "")
        return
    if _holds_text(element):
        return
    display = _is_display(element)
    source = next((element.get(name) for name in ("data-latex", "data-tex") if element.get(name)), "")
    formula = next(element.iter(*MATH), None)
    if not source and formula is not None:
        source = _of_math(formula)
        display = display or _is_display(formula)
    if not source and element.get("data-mathml"):
        source = _of_source(element.get("data-mathml") or "")
    if not source:
        source = next((found for inner in element.iter("img") if (found := _tex(inner.get("alt") or ""))), "")
    if not source:
        inner = next((inner for inner in element.iter("mjx-math") if inner.get("data-latex")), None)
        source = inner.get("data-latex") or "" if inner is not None else ""
    if not source and (inner := next(element.iter("script"), None)) is not None:
        source = inner.text or ""
    spoken = element.get("aria-label") or ""
    _state(element, _tex(source) or _tex(spoken), display=display)


def _names(element: "HtmlElement") -> set[str]:
    return {str(element.tag), *(element.get("class") or "").split()}


def _holds_text(element: "HtmlElement") -> bool:
    """Whether what has a renderer's name holds more than one formula."""
    several = len(list(islice(element.iter(*MATH), 2))) > 1
    return several or next(element.iter(*_HEADINGS), None) is not None


def _is_display(element: "HtmlElement") -> bool:
    names = _names(element)
    if names & {"katex-display", "MathJax_Display", "MathJax_SVG_Display", "mwe-math-element-block"}:
        return True
    if any("display" in name and "inline" not in name for name in names):
        return True
    return element.get("display") in ("block", "true") or element.get("mode") == "display"


def _of_math(formula: "HtmlElement") -> str:
    """The TeX of a `math` element: its annotation, its text for readers without pictures, or its own structure."""
    text = _said_of(formula)
    if not text:
        return mathml.tex_of(formula)
    words = {word.lower() for word in _WORD.findall(_COMMAND.sub(" ", text))}
    if len(words) < _SPEECH:
        return text
    shown = mathml.tex_of(formula)  # readers see this, and no text beside it that speaks of something else
    return text if 2 * len(words.intersection(map(str.lower, _WORD.findall(shown)))) >= len(words) else shown


def _said_of(formula: "HtmlElement") -> str:
    for note in formula.iter("annotation"):
        if _TEX_ENCODING.search(note.get("encoding") or "") and not len(note) and (text := _tex(note.text or "")):
            return text
    return next((text for name in ("alttext", *_SOURCES) if (text := _tex(formula.get(name) or ""))), "")


def _of_source(source: str) -> str:
    from lxml import etree, html

    if not source.strip() or len(source) > 20 * _LONGEST:
        return ""
    parser = etree.HTMLParser(encoding="utf-8")
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=html.HtmlElement))
    tree = etree.fromstring(source.encode("utf-8", "replace"), parser)
    formula = next(tree.iter(*MATH), None) if tree is not None else None
    return _of_math(formula) if formula is not None else ""


def _tex(source: str) -> str:
    """TeX on one line without delimiters; empty where it is too long."""
    if len(source) > _LONGEST:
        return ""
    text = _CDATA.sub("", " ".join(source.replace(HOLE, "").split())).strip()
    if delimited := _DELIMITED.fullmatch(text):
        text = delimited[2].strip()
    while text.startswith("{") and text.endswith("}") and r"\displaystyle" in text[:16]:
        text = _STYLE.sub("", text[1:-1].strip(), count=1).strip()
    if text.startswith((r"\displaystyle", r"\textstyle")):
        text = _STYLE.sub("", text, count=1)
    return text.strip()


def _state(element: "HtmlElement", tex: str, *, display: bool) -> None:
    looks = {name: value for name in _LOOKS if (value := element.get(name)) is not None}
    if not tex:
        replace(element, HOLE if _may_be_seen(element) else "")
    elif _NUMBER.fullmatch(tex) or _is_prose(tex):
        replace(element, tex)
    else:
        mark = "$$" if display else "$"
        replace(element, f"{mark}{tex}{mark}")
    element.attrib.update(looks)  # whether a reader sees it is asked afterwards
    if "class" in looks:
        element.set("class", " ".join(name for name in looks["class"].split() if name not in _OWN_NAMES))


def _may_be_seen(element: "HtmlElement") -> bool:
    """Whether a formula without a text shows anything: empty elements wait for a script, or are left over."""
    return element.tag == "img" or len(element) > 0 or bool((element.text or "").strip())


def _is_prose(text: str) -> bool:
    """Whether a formula's text is said in words: "the square root of two"."""
    return len(_WORD.findall(text)) > 2 and not re.search(r"[\\^_{}=]", text)


def _picture(image: "HtmlElement") -> None:
    alt, address = image.get("alt") or "", image.get("src") or image.get("data-src") or ""
    names = image.get("class") or ""
    drawn = bool(_PICTURE_NAME.search(names) or _PICTURE_OF.search(address[:300]))
    if not drawn and not _is_formula(alt):
        return
    source = "" if _FILE_NAME.search(alt) else alt
    given = _SOURCE_IN_ADDRESS.search(address[:_LONGEST])
    exact = given and (len(address) < _LONGEST)
    certain = bool(exact or _PICTURE_NAME.search(names) or _RENDERERS.search(address[:300]))
    if not certain and not _is_formula(alt):
        return  # a picture with "formula" in its address may show anything
    if exact and given and not _LOOKS_LIKE_TEX.search(source):
        read = unquote if "codecogs" in address else unquote_plus  # there a plus is a plus
        source = _FIRST_MORE.sub("", read(_NAMED_IN_ADDRESS.sub(lambda name: _IN_ADDRESS[name[1]], given[1])))
    _state(image, _tex(source), display="display" in names or alt.strip().startswith((r"\[", "$$")))


_FILE_NAME = re.compile(r"\.(?:png|gif|svg|jpe?g|webp)\s*$", re.IGNORECASE)
_RENDERERS = re.compile(
    r"codecogs\.com|latex\.php|mathtex\.cgi|mimetex\.cgi|/math/render|media/math|quicklatex|mathurl|cht=tx|texify",
    re.IGNORECASE,
)


def _is_formula(alt: str) -> bool:
    """Whether the text of a picture is TeX or an equation; "A = B" may be, "Tom & Anna = friends" is not."""
    alt = alt.strip()
    if not 2 < len(alt) < _LONGEST or _FILE_NAME.search(alt) or "://" in alt:
        return False
    if _LOOKS_LIKE_TEX.search(alt):
        return True
    return "=" in alt and bool(_EQUATION.fullmatch(alt)) and not _WORD.search(alt)
