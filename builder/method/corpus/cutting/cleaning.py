"""How the text of one element is cleaned: white space, unseen characters, marks that stick to headings."""

import re

_HEADING_TAIL = re.compile(
    r"(?<=\S)\s*(?:¶|§|🔗|(?<=\s)#|(?<=\s)permalink(?:\s+to\s.*)?"
    r"|\[\s*(?:edit(?:\s+source)?(?:\s*\|\s*edit\s+source)?)?\s*\])\s*$",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff]")


def one_line(raw: str) -> str:
    """The words of `raw` with single spaces, without characters that cannot be seen."""
    text = " ".join(raw.split())
    return text if text.isprintable() else " ".join(_UNSEEN.sub("", text).split())


def code_lines(raw: str) -> str:
    """The lines of `raw` with their indentation, without blank ends."""
    lines = _UNSEEN.sub("", raw.replace("\xa0", " ").replace("\r\n", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def clean_heading(raw: str) -> str:
    """A heading on one line, without permalink and edit marks at its end."""
    text, before = one_line(raw), ""
    while text != before:
        text, before = _HEADING_TAIL.sub("", text), text
    return text.strip("¶🔗 ")
