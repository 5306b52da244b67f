"""What an engine had in hand when its process died or stood still, so that one bad row does not end a stage.

The process notes what it takes up; whoever sees it die adds that to the deaths. When a chunk has cost `CHUNK_LIVES`
processes, its rows are tried one by one, and a row that has cost `ROW_LIVES` of its own is given up.
"""

import json
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from builder.data.storage import read_json, write_json

CHUNK_LIVES = 2
ROW_LIVES = 2
_IN_HAND, _DEATHS = "logs/in_hand", "logs/deaths.json"


class Journal:
    """The notes of one engine process.

    Args:
        out: The stage folder.
        rank: Which of the stage's engines this is.
    """

    def __init__(self, out: Path, rank: int) -> None:
        self._path = out / _IN_HAND / f"{rank:05d}.json"
        deaths = [tuple(death) for death in _deaths(out)]
        self._chunks = Counter(number for number, row in deaths if row is None)
        self._rows = Counter(row for _, row in deaths if row is not None)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.clear()

    def take(self, chunk: int, row: str | None = None) -> None:
        """Note that a chunk, or one row of it alone, is taken up."""
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps([chunk, row, os.getpid()]))
        temporary.replace(self._path)

    def clear(self) -> None:
        """Note that nothing is in hand."""
        self._path.unlink(missing_ok=True)

    def deaths(self, chunk: int) -> int:
        """How many processes a chunk has cost, all its rows taken at once."""
        return self._chunks[chunk]

    def is_deadly(self, row: str) -> bool:
        """Whether a row is to be given up."""
        return self._rows[row] >= ROW_LIVES


def reset(out: Path) -> None:
    """Delete what processes of an earlier run had in hand: nobody has seen what they died of."""
    for path in (out / _IN_HAND).glob("*.json"):
        path.unlink(missing_ok=True)


def keep_only(out: Path, *, pid: int | None = None, rank: int | None = None) -> None:
    """Of several engines, leave only the notes of the one that died or stood still; the others end for its sake."""
    for path in (out / _IN_HAND).glob("*.json"):
        with suppress(OSError, ValueError):
            if path.stem != f"{rank:05d}" if rank is not None else json.loads(path.read_text())[2] != pid:
                path.unlink()


def note_deaths(out: Path) -> bool:
    """Add what dead processes had in hand to the deaths; return whether there was anything."""
    in_hand = []
    for path in sorted((out / _IN_HAND).glob("*.json")):
        with suppress(OSError, ValueError):
            in_hand.append(json.loads(path.read_text())[:2])
        path.unlink(missing_ok=True)
    if in_hand:
        write_json(out / _DEATHS, _deaths(out) + in_hand)
    return bool(in_hand)


def _deaths(out: Path) -> list[list[int | str | None]]:
    path = out / _DEATHS
    return list(read_json(path)) if path.is_file() else []
