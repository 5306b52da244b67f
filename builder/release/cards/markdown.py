"""Text of others inside our Markdown: in a fence that it cannot close (`builder.text.escape` is for single lines)."""

import re
from typing import TYPE_CHECKING

from builder.text.escape import escape

if TYPE_CHECKING:
    from markdown_it.token import Token  # noqa: V104  # in an annotation

_BACKTICKS = re.compile(r"`+")
_LINE_END = re.compile(r"\r\n?|\n")
EXAMPLES = ("python", "sql", "bash")
"""Languages of fences that we write ourselves; in the others we quote."""


def fence(text: str, language: str = "") -> str:
    """A fenced block around `text`, unseen characters shown; longer than any run of backticks inside."""
    text = escape(text, "terminal")
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def examples(markdown: str) -> list[tuple[str, str]]:
    """Language and text of the fences that hold examples, in their order."""
    return [(_language(token), _text(token)) for token in _fences(markdown) if _language(token) in EXAMPLES]


def own_text(markdown: str) -> str:
    """What we wrote: the text with its examples, without the fences in which we quote."""
    lines = _LINE_END.split(markdown)
    for token in reversed(_fences(markdown)):
        if token.map is not None:
            start, end = token.map
            lines[start:end] = [_text(token)] if _language(token) in EXAMPLES else []
    return "\n".join(lines)


def _fences(markdown: str) -> list["Token"]:
    from markdown_it import MarkdownIt

    return [token for token in MarkdownIt("commonmark").parse(markdown) if token.type == "fence"]


def _language(token: "Token") -> str:
    return token.info.partition(" ")[0]


def _text(token: "Token") -> str:
    return token.content.removesuffix("\n")
