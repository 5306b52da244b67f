"""What a running stage wants the user to know at once; its parent shows it long before the stage ends."""

import sys
from pathlib import Path

from builder.storage import read_json, write_json

NOTICES = "logs/notices.json"


def notice(out: Path, text: str) -> None:
    """Tell the user something about a running stage: in its log, and in a file that its parent looks at.

    Args:
        out: The stage folder.
        text: One sentence; the same one is told once.
    """
    told = read_notices(out)
    if text not in told:
        print(f"warning: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the child's log
        write_json(out / NOTICES, [*told, text])


def read_notices(out: Path) -> list[str]:
    """What a stage has told so far, the first thing first."""
    path = out / NOTICES
    return list(read_json(path)) if path.is_file() else []
