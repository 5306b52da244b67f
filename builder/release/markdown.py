"""Text of others inside our Markdown: in a fence that it cannot close (`builder.escape` is for single lines)."""

import re
from collections.abc import Iterator

from builder.escape import escape

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*(\w*)")
_BACKTICKS = re.compile(r"`+")
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
    return [(language, text) for language, text in _parts(markdown) if language in EXAMPLES]


def own_text(markdown: str) -> str:
    """What we wrote: the text with its examples, without the fences in which we quote."""
    return "\n".join(text for language, text in _parts(markdown) if language is None or language in EXAMPLES)


def _parts(markdown: str) -> Iterator[tuple[str | None, str]]:
    """The pieces of a text: outside of fences with None, inside of one with its language."""
    kept: list[str] = []
    closing, language = "", ""
    for line in markdown.splitlines():
        opened = _FENCE.match(line)
        if closing:
            if line.strip().startswith(closing) and not line.strip().strip(closing[0]):
                yield language, "\n".join(kept)
                kept, closing = [], ""
            else:
                kept.append(line)
        elif opened:
            yield None, "\n".join(kept)
            kept, (closing, language) = [], opened.groups()
        else:
            kept.append(line)
    yield language if closing else None, "\n".join(kept)
