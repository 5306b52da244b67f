"""Figures on a page: written there by a program alone, and known again as that."""

import hashlib
import re
from pathlib import Path

from builder.data.storage import write_text
from builder.errors import StageError

NOT_YET = "It was not yet run to its end; no figure stands here."
END = "<!-- to here -->"
_MARK = re.compile(r"<!-- sha256 ([0-9a-f]{64}) -->\n")


def begin(command: str) -> str:
    """The line above the place of what a command writes.

    Args:
        command: Its name, as `make real-check`.
    """
    return f"<!-- {command} writes what follows -->"


def block(command: str, text: str) -> str:
    """What stands between the marks of a page, with the digest by which it is known as written here."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{begin(command)}\n<!-- sha256 {digest} -->\n\n{text}\n{END}\n"


def is_as_written(page: str, command: str) -> bool:
    """Whether a page has the block as its program left it, or says that there was no run."""
    before, begun, rest = page.partition(f"{begin(command)}\n")
    inside, ended, _ = rest.partition(f"{END}\n")
    if not begun or not ended or begin(command) in before:
        return False
    found = _MARK.match(inside)
    if found is None:
        return inside.strip() == NOT_YET
    text = inside[found.end() + 1 : -1]
    return hashlib.sha256(text.encode()).hexdigest() == found[1]


def write_block(page: Path, command: str, text: str) -> None:
    """Put a report in its place on a page; all else on it stays as it is.

    Raises:
        StageError: If the page has no such place.
    """
    whole = page.read_text(encoding="utf-8")
    before, begun, rest = whole.partition(f"{begin(command)}\n")
    _, ended, after = rest.partition(f"{END}\n")
    if not begun or not ended:
        raise StageError(f"{page}: has no lines {begin(command)} and {END} between which the table could stand")
    write_text(page, f"{before}{block(command, text)}{after}")
