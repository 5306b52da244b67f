"""Text from the web where people read it: one function for every place, so that no page can hide, forge or drive.

What cannot be seen is shown first, whatever the target: control characters, which move cursors and set titles; marks
that turn the direction of writing, which make a text read otherwise than it is; characters without width; halves of
surrogate pairs, which no file can hold.
"""

import html
import re
from typing import Literal

from builder.text.unseen import UNSEEN

Target = Literal["html", "terminal", "markdown", "yaml"]

_UNSEEN = re.compile(f"[{UNSEEN}]")
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&!${}@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_OPENING = re.compile(r"^(\d*)([-+=:.)])")
_QUOTED = re.compile(rf'["\\\n\t]|{_UNSEEN.pattern}')
_SHORT = {"\n": r"\n", "\t": r"\t", '"': r"\"", "\\": r"\\"}


def escape(text: object, target: Target) -> str:
    r"""Text of others, made safe to be shown in `target`.

    Args:
        text: Anything; its `str` is taken.
        target: `terminal`: lines of text that move no cursor. `html`: the content of an element or of a quoted
            attribute. `markdown`: one line in which nothing is markup, not even at the start of a line, in a heading
            or in a table cell. `yaml`: a double-quoted scalar, on one line, that is read back as exactly the text.

    Returns:
        The text with unseen characters as pictures (`␛`) or numbers (`⟨U+202E⟩`; `\u202E` in YAML). Line feeds and
        tabs stay, except that they are spaces in Markdown and `\n` and `\t` in YAML.
    """
    if target == "yaml":
        return f'"{_QUOTED.sub(_yaml_escape, str(text))}"'
    seen = _UNSEEN.sub(_picture, str(text))
    if target == "html":
        return html.escape(seen, quote=True)
    if target == "markdown":
        return _OPENING.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", " ".join(seen.split())))
    return seen


def shortened(text: object, most: int, *, both_ends: bool = False) -> str:
    """Text of others for a terminal, cut where it has more characters than `most`, with how many it has.

    Args:
        text: Anything; its `str` is taken, and escaped.
        most: How many characters stay.
        both_ends: Whether the middle is left out instead of the end; the number is then that of the characters left
            out.
    """
    shown = escape(text, "terminal")
    if len(shown) <= most:
        return shown
    if both_ends:
        half = most // 2
        return f"{shown[:half]} ... ({len(shown) - most:,} characters) ... {shown[-half:]}"
    return f"{shown[:most]} ... ({len(shown):,} characters)"


def _picture(character: re.Match[str]) -> str:
    code = ord(character.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _yaml_escape(character: re.Match[str]) -> str:
    code = ord(character.group())
    return _SHORT.get(character.group()) or (f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}")
