"""MathML as TeX, where a page gives no TeX itself: what stands above, below, under a root or a bar keeps its place."""

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MOST_ELEMENTS = 2_000
"""Of one formula; larger ones count as formulas without a text."""
_LONGEST = 10_000
_TOKENS = frozenset({"mi", "mn", "mo", "ms", "mtext", "ci", "cn"})
_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mspace", "none", "mprescripts", "mphantom", "maligngroup"})
_NAMES = {
    "\u2061": "", "\u2062": "", "\u2063": "", "\u2064": "", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ",
    "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "±": r"\pm ",
    "→": r"\to ", "∈": r"\in ", "∂": r"\partial ", "√": r"\sqrt ", "≈": r"\approx ", "−": "-", "{": r"\{", "}": r"\}",
}  # fmt: skip
_FUNCTIONS = frozenset(
    {
        "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "lim", "max", "min", "sup", "inf", "det",
        "dim", "ker", "gcd", "arg", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "Pr",
    }
)  # fmt: skip
_ACCENTS = {
    "^": "hat", "ˆ": "hat", "~": "tilde", "˜": "tilde", "¯": "bar", "‾": "overline", "→": "vec", "⃗": "vec", "˙": "dot",
    "¨": "ddot", "_": "underline", "⏞": "overbrace", "⏟": "underbrace",
}  # fmt: skip


def tex_of(formula: "HtmlElement") -> str:
    """A `math` element as TeX; empty if there is no text in it, or too much."""
    elements = list(islice(formula.iter(), MOST_ELEMENTS + 1))
    if len(elements) > MOST_ELEMENTS:
        return ""
    said: dict[HtmlElement, str] = {}
    for element in reversed(elements):  # what is inside comes first
        said[element] = _say(element, [said[inner] for inner in element if inner in said])
        if len(said[element]) > _LONGEST:
            return ""
    return " ".join(said[formula].split())


def _say(element: "HtmlElement", inner: list[str]) -> str:
    tag = str(element.tag).rpartition(":")[2]
    if tag in _LEFT_OUT:
        return " " if tag == "mspace" else ""
    if tag in _TOKENS:
        return _token(tag, (element.text or "") + "".join(map(str, inner)))
    if tag in _PLACES and len(inner) >= 2:
        return _PLACES[tag](element, inner)
    if tag == "msqrt":
        return rf"\sqrt{{{''.join(inner)}}}"
    if tag == "mtr" or tag == "mlabeledtr":
        return " & ".join(inner)
    if tag == "mtable":
        rows = r" \\ ".join(inner)
        return rf"\begin{{matrix}} {rows} \end{{matrix}}" if len(inner) > 1 else rows
    if tag == "mfenced":
        return (element.get("open") or "(") + ", ".join(inner) + (element.get("close") or ")")
    loose = "" if inner and tag != "math" else (element.text or "").strip()
    return loose + "".join(inner)


def _token(tag: str, raw: str) -> str:
    text = " ".join(raw.split())
    if tag in ("mtext", "ms"):
        return rf"\text{{{text}}}" if any(map(str.isalpha, text)) else text or " "
    if tag == "mi" and text in _FUNCTIONS:
        return rf"\{text} "
    if tag == "mi" and len(text) > 1 and text.isalpha() and text.isascii():
        return rf"\mathrm{{{text}}}"
    named = "".join(_NAMES.get(letter, letter) for letter in text)
    return f" {named} " if tag == "mo" and text in ("=", "<", ">", "+", "−", "-", ":=", "≡") else named


def _fraction(element: "HtmlElement", inner: list[str]) -> str:
    thin = (element.get("linethickness") or "").strip() in ("0", "0px", "0pt")
    return rf"\{'binom' if thin else 'frac'}{{{inner[0].strip()}}}{{{inner[1].strip()}}}"


def _over(_: "HtmlElement", inner: list[str]) -> str:
    accent = _ACCENTS.get(inner[1].strip().replace(r"\to", "→"))
    if accent:
        return rf"\{accent}{{{inner[0].strip()}}}"
    return _base(inner[0]) + _raised("^", inner[1])


def _base(text: str) -> str:
    text = text.strip()
    return text if len(text) < 2 or text[0] == "\\" or text.isalnum() else f"{{{text}}}"


def _raised(mark: str, text: str) -> str:
    text = text.strip()
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}" if text else ""


def _two(_: "HtmlElement", inner: list[str]) -> str:
    up = inner[2] if len(inner) > 2 else ""
    return _base(inner[0]) + _raised("_", inner[1]) + _raised("^", up)


_PLACES = {
    "mfrac": _fraction,
    "mroot": lambda _, inner: rf"\sqrt[{inner[1].strip()}]{{{inner[0].strip()}}}",
    "msup": lambda _, inner: _base(inner[0]) + _raised("^", inner[1]),
    "msub": lambda _, inner: _base(inner[0]) + _raised("_", inner[1]),
    "msubsup": _two,
    "munderover": _two,
    "munder": lambda _, inner: _base(inner[0]) + _raised("_", inner[1]),
    "mover": _over,
    "mmultiscripts": _two,
}
