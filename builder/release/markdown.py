"""Text of others inside our Markdown: in a fence that it cannot close (`builder.escape` is for single lines)."""

import re

from builder.escape import escape

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_BACKTICKS = re.compile(r"`+")


def fence(text: str, language: str = "") -> str:
    """A fenced block around `text`, unseen characters shown; longer than any run of backticks inside."""
    text = escape(text, "terminal")
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def outside_fences(markdown: str) -> str:
    """The text without its fenced blocks: what we wrote, without what we quote."""
    kept, closing = [], ""
    for line in markdown.splitlines():
        opened = _FENCE.match(line)
        if closing:
            if line.strip().startswith(closing) and not line.strip().strip(closing[0]):
                closing = ""
        elif opened:
            closing = opened.group(1)
        else:
            kept.append(line)
    return "\n".join(kept)
