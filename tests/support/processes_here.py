"""Processes of this machine, by what was called."""

from contextlib import suppress
from pathlib import Path


def running(word: str) -> list[int]:
    """The processes, but for those that have ended and were not waited for, whose command line has a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if word in command:
                found.append(int(folder.name))
    return sorted(found)
