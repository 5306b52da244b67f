"""Output whose reader may be gone: a closed terminal, a pipe that nobody reads."""

import os
import sys
from contextlib import suppress

_USUAL = 80
"""Columns of a terminal that does not say how many it has."""


def is_terminal() -> bool:
    """Whether stderr is a terminal on which a line can be written anew."""
    try:
        return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed
        return False


def columns() -> int:
    """How many columns the terminal has now; a user may change that at any time."""
    try:
        wide = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        wide = 0
    return wide or _USUAL


def let_go_of_output() -> None:
    """Drop what cannot be written any more: Python would try again when it ends, and end with a code of its own."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
