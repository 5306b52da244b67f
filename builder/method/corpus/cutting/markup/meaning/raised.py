"""How raised and lowered text reads on one line: 10²³, H₂O, x^(n+1), a_i, 1st, and footnote marks not at all.

The rule: digits and signs become the raised and lowered ones of Unicode. Anything else stands behind `^` or `_`, in
brackets where its end would not be seen. Ordinals, titles and trade marks (1st, Mme, TM) stay as they are. A mark of a
footnote is what is raised behind a word or the end of a sentence; behind a number, a letter or a unit it is a power.
"""

import re

LONGEST = 40
"""Characters; what is raised beyond that is small print, and no power or index."""
_UP = str.maketrans("0123456789+-−–=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾")
_DOWN = str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_FIGURES = re.compile(r"[-+−–]?\d{1,12}[-+−–]?|[-+−–]|\(\d{1,4}\)")
_SIMPLE = re.compile(r"[^\W_²³¹⁰-₎]+|\d+\.\d+|[*†‡′]{1,3}")
_LIST_OF_MARKS = re.compile(r"\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*+|[a-z](?:\s*,\s*[a-z])*+")
_IN_BRACKETS = re.compile(r"\[[^\[\]]*\](?:\s*,?\s*\[[^\[\]]*\])*+")
_SIGNS = re.compile(r"[*∗†‡§¶#⁂※☆★]{1,4}")
_AS_IT_IS = frozenset("™®©℠°ºª'’″′\"”“")
_MADE = {"tm": "™", "(tm)": "™", "sm": "℠", "(r)": "®", "(c)": "©"}
_ORDINALS = frozenset(
    {
        "st", "nd", "rd", "th", "er", "ère", "ere", "ème", "eme", "ième", "ieme", "nde", "ier", "ers", "res",
    }
)  # fmt: skip
_SHORT_ORDINALS = frozenset(
    {
        "e", "o", "a", "d", "r", "os", "as", "re", "de", "ste", "n",
    }
)  # fmt: skip
_ORDINAL_LANGUAGES = frozenset(
    {
        "fr", "nl", "es", "pt", "it", "ca", "gl", "eu", "oc",
    }
)  # fmt: skip
_ROMAN = re.compile(r"(?:^|\W)[IVXLC]+$")
_TITLES = frozenset(
    {
        "mme", "mmes", "mlle", "mlles", "mr", "mrs", "dr", "drs", "st", "ste", "no", "nos", "mc", "vve", "mgr",
        "pr",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+$")
_LATIN_OR_GREEK = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u1f00-\u1fff]")
_NO_NOTE_AFTER = frozenset(
    {
        "feet", "foot", "inch", "inches", "yard", "yards", "mile", "miles", "metre", "metres", "meter", "meters",
        "acre", "acres", "second", "seconds", "square", "cubic", "kilometre", "kilometres", "kilometer",
        "kilometers", "centimetre", "centimetres", "centimeter", "centimeters", "millimetre", "millimetres",
        "millimeter", "millimeters", "micron", "microns", "sinh", "cosh", "tanh", "coth", "sech", "csch", "arcsin",
        "arccos", "arctan", "arcsec",
    }
)  # fmt: skip
_SENTENCE_END = ".,;:!?…\"”’»'"


def raised(behind: str, content: str, following: str, language: str) -> str | None:
    """What raised text becomes.

    Args:
        behind: The text before it.
        content: What is raised, with single spaces.
        following: The text after it.
        language: Of the page, two letters.

    Returns:
        The text in its place, nothing for the mark of a footnote; None if it stays as it is.
    """
    if not content or content in _AS_IT_IS:
        return None
    small, last = content.casefold(), behind[-1:]
    if small in _MADE:
        return _MADE[small]
    if is_note(behind, content):
        return ""
    if _is_degree(last, small, following, language):
        return "°"
    if _is_ordinal(behind, small, language):
        return None
    packed = "".join(content.split())
    if _FIGURES.fullmatch(packed):
        return packed.translate(_UP)
    word = _WORD.search(behind)
    if not last or last.isspace() or (word and len(word.group()) > 2 and len(content) > 2 and content.isalpha()):
        return None
    return "^" + _closed(content, following)


def lowered(behind: str, content: str, following: str) -> str | None:
    """What lowered text becomes; None if it stays as it is."""
    packed = "".join(content.split())
    if _FIGURES.fullmatch(packed):
        return packed.translate(_DOWN)
    if not content or not behind or behind[-1].isspace():
        return None
    return "_" + _closed(content, following)


def is_mark(content: str) -> bool:
    """Whether a text may be the mark of a footnote or of a reference."""
    text = content.strip("[]()^ ")
    if not text or _SIGNS.fullmatch(text) or _LIST_OF_MARKS.fullmatch(text.lower()):
        return True
    brackets = _IN_BRACKETS.fullmatch(content)
    name, _, number = text.rpartition(" ")
    return bool(brackets) or (len(name) <= 10 and name.isalpha() and number.isalnum() and len(number) <= 4)


def is_note(behind: str, content: str) -> bool:
    """Whether raised text that is no link is a footnote's mark."""
    if _IN_BRACKETS.fullmatch(content):
        return True
    word = _WORD.search(behind)
    letters = word.group() if word else ""
    if _SIGNS.fullmatch(content):
        return len(letters) != 1 and behind[-1:] not in (")", "]", "}")
    if not _LIST_OF_MARKS.fullmatch(content):
        return False
    if behind[-1:] and behind[-1] in _SENTENCE_END:
        return True
    if not letters or letters.casefold() in _NO_NOTE_AFTER:
        return False
    foreign = not _LATIN_OR_GREEK.match(letters[-1])
    return foreign or len(letters) > 3 or (len(letters) > 1 and "," in content)


def _is_degree(last: str, small: str, following: str, language: str) -> bool:
    if small not in ("o", "0") or not last.isdigit():
        return False
    unit = following.lstrip()[:1] in ("C", "F") and not following.lstrip()[1:2].isalpha()
    return unit or (small == "o" and language not in _ORDINAL_LANGUAGES)


def _is_ordinal(behind: str, small: str, language: str) -> bool:
    counted = behind[-1:].isdigit() or bool(_ROMAN.search(behind[-12:]))
    if counted and small.rstrip(".") in _ORDINALS:
        return True
    if counted and language in _ORDINAL_LANGUAGES and small.rstrip(".") in _SHORT_ORDINALS:
        return True
    word = _WORD.search(behind[-12:])
    start = word.group() if word else ""
    return (start[:1].isupper() or start == "n") and (start + small.rstrip(".")).casefold() in _TITLES


def _closed(content: str, following: str) -> str:
    """In brackets where the end would not be seen."""
    open_end = following[:1].isalnum() or following[:1] in ("^", "_")
    return content if _SIMPLE.fullmatch(content) and not open_end else f"({content})"
