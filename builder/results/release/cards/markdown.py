"""Text of others inside our Markdown: in a fence that it cannot close (`builder.text.escape` is for single lines)."""

import re
from typing import TYPE_CHECKING

from builder.text.escape import escape

if TYPE_CHECKING:
    from markdown_it.token import Token  # noqa: V104  # in an annotation

_BACKTICKS = re.compile(r"`+")
_LINE_END = re.compile(r"\r\n?|\n")
_OPENS = re.compile(r"(?P<indent>[ \t]*)(?P<item>(?:-|\w{1,4}[.)]) )?(?P<marks>```+)[^`]*$")
"""The first line of code in a fence, perhaps of one that is the item of a list."""
EXAMPLES = ("python", "sql", "bash")
"""Languages of fences that we write ourselves; in the others we quote."""


def fence(text: str, language: str = "") -> str:
    """A fenced block around `text`, unseen characters shown; longer than any run of backticks inside."""
    text = escape(text, "terminal")
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def quoted(text: str, most: int | None = None) -> str:
    """Text of others as a quotation: its words in which nothing is markup, line by line, without indents.

    Code of theirs, which stands in a fence, stands in one within the quotation, with its indents and blank lines.

    Args:
        text: The text.
        most: So many characters are shown of a longer one, which then ends in an ellipsis.
    """
    if most is not None and len(text) > most:
        text = f"{text[:most].rsplit(maxsplit=1)[0]} …"
    parts = [fence("\n".join(lines)) if is_code else _words(lines) for is_code, lines in _parts(text)]
    return "\n".join(f"> {line}".rstrip() for line in ("\n".join(filter(None, parts)) or "–").split("\n"))


def _parts(text: str) -> list[tuple[bool, list[str]]]:
    """The lines of words and those of code in turn, without the marks of the fences, by whether they are code."""
    parts, opened = [(False, list[str]())], None
    for line in text.splitlines():
        found = _OPENS.match(line)
        if opened is None and found:
            opened = found
            parts[-1][1].append(found["item"] or "")
            parts.append((True, []))
        elif opened and set(line.strip()) == {"`"} and len(line.strip()) >= len(opened["marks"]):
            opened = None
            parts.append((False, []))
        else:
            parts[-1][1].append(line.removeprefix(opened["indent"]) if opened else line)
    return parts


def _words(lines: list[str]) -> str:
    return "\\\n".join(escape(line, "markdown") for line in lines if line.strip())


def prose(paragraphs: list[str]) -> str:
    """Paragraphs of others in which nothing is markup."""
    return "\n\n".join(escape(paragraph, "markdown") for paragraph in paragraphs)


def examples(markdown: str) -> list[tuple[str, str]]:
    """Language and text of the fences that hold examples, in their order; a quotation has fences without one."""
    return [(_language(token), _text(token)) for token in _fences(markdown) if _language(token) in EXAMPLES]


def own_text(markdown: str) -> str:
    """What we wrote: the text with its examples, without the fences and quotations in which we quote."""
    lines, quotations = _LINE_END.split(markdown), list[tuple[int, int]]()
    for token in _tokens(markdown):
        if token.type == "blockquote_open" and token.map is not None and token.level == 0:
            quotations.append((token.map[0], token.map[1]))
    taken = [(start, end, list[str]()) for start, end in quotations]
    for token in _fences(markdown):
        if token.map is not None and not any(start <= token.map[0] < end for start, end in quotations):
            kept = [_text(token)] if _language(token) in EXAMPLES else []
            taken.append((token.map[0], token.map[1], kept))
    for start, end, kept in sorted(taken, reverse=True):
        lines[start:end] = kept
    return "\n".join(lines)


def _tokens(markdown: str) -> list["Token"]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").parse(markdown)


def _fences(markdown: str) -> list["Token"]:
    return [token for token in _tokens(markdown) if token.type == "fence"]


def _language(token: "Token") -> str:
    return token.info.partition(" ")[0]


def _text(token: "Token") -> str:
    return token.content.removesuffix("\n")
