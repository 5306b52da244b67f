"""A child process: how it ends with its parent, and what it said last."""

import ctypes
import os
import re
import signal
import sys
from pathlib import Path

_ERROR = re.compile(r"(?:\[rank\d+\]: ?)?[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)?: |\w+Error$")


def last_words(log: Path, start: int = 0) -> str:
    """The error a process ended with as its log has it from `start` on, without the frames of its traceback."""
    text = log.read_bytes()[start:].decode("utf-8", "replace") if log.is_file() else ""
    lines = [re.sub(r"^\[rank\d+\]: ?", "", line) for line in text.splitlines() if line.strip()]
    errors = [at for at, line in enumerate(lines) if _ERROR.match(line)]
    said = lines[errors[-1] :][:4] if errors else lines[-3:]
    return "".join(f"\n  | {line[:300]}" for line in said)


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent ends (Linux; elsewhere nothing happens).

    Args:
        parent: Process id of the parent that started this process; if that has ended already, so does this one.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)
