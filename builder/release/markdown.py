"""Text of others inside our Markdown: escaped in a line, or in a fence that it cannot close."""

import re

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&!${}])")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_BACKTICKS = re.compile(r"`+")


def escape(text: object) -> str:
    """One line of plain text: nothing in it is markup, not even in a table cell or a heading."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def fence(text: str, language: str = "") -> str:
    """A fenced block around `text`; the fence is longer than any run of backticks inside."""
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
