"""How the text of one element is cleaned: white space, unseen characters, marks that stick to headings."""

import re

_EDIT = re.compile(r"\[\s*(?:edit(?:\s+source)?(?:\s*\|\s*edit\s+source)?)?\s*\]", re.IGNORECASE)
_EDIT_CHARS = 40
_PERMALINK = re.compile("permalink", re.IGNORECASE)
_PERMALINK_TO = re.compile(r"(?<=\s)permalink\s+to\s", re.IGNORECASE)
HOLE = "\ufdd0"
"""Where a formula stood of which there is no text; a character that no page may have, and that is left out."""
_UNSEEN = re.compile(f"[{HOLE}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff]")


def one_line(raw: str) -> str:
    """The words of `raw` with single spaces, without characters that cannot be seen."""
    text = " ".join(raw.split())
    return text if text.isprintable() else " ".join(_UNSEEN.sub("", text).split())


def code_lines(raw: str) -> str:
    """The lines of `raw` with their indentation, without blank ends."""
    lines = _UNSEEN.sub("", raw.replace("\xa0", " ").replace("\r\n", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def clean_heading(raw: str) -> str:
    """A heading on one line, without permalink and edit marks at its end; read from there, in time linear in it."""
    text = one_line(raw)
    named = _PERMALINK_TO.search(text)
    start: int | None = named.start() if named else len(text)
    end = 0
    while start:
        end = start
        while text[end - 1].isspace():
            end -= 1
        start = _mark_before(text, end)
    return text[:end].strip("¶🔗 ")


def _mark_before(text: str, end: int) -> int | None:
    """Where a mark begins that a heading ends with."""
    if text[end - 1] in "¶§🔗" or text[max(0, end - 2) : end] == " #":
        return end - 1
    if text[end - 1] == "]":
        start = text.rfind("[", max(0, end - _EDIT_CHARS), end)
        return start if start >= 0 and _EDIT.fullmatch(text, start, end) else None
    start = end - len(_PERMALINK.pattern)
    return start if start > 0 and text[start - 1] == " " and _PERMALINK.fullmatch(text, start, end) else None
