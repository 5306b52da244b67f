"""What an engine had in hand when its process died or stood still, so that one bad row does not end a stage.

The process notes what it takes up; whoever sees it die adds that to the deaths. When a chunk has cost `CHUNK_LIVES`
processes, it is tried in `PARTS` parts, the part that dies in parts again, and so on down to one row: of 8,192 rows the
deadly one is found with four more deaths. A row that has cost `ROW_LIVES` of its own is given up.
"""

import itertools
import json
import os
from contextlib import suppress
from pathlib import Path

from builder.data.storage import read_json, write_json

CHUNK_LIVES = 2
ROW_LIVES = 2
PARTS = 16
"""Two would need the fewest trials, but a start of an engine takes longer than a trial of some rows."""
MOST_FOUND = 12
"""Three rows and the parts that lead to them."""
_IN_HAND, _DEATHS = "logs/in_hand", "logs/deaths.json"


Part = tuple[int, int]
"""Places of rows in their chunk, from the first to before the second."""


class Journal:
    """The notes of one engine process.

    Args:
        out: The stage folder.
        rank: Which of the stage's engines this is.
    """

    def __init__(self, out: Path, rank: int) -> None:
        self._path = out / _IN_HAND / f"{rank:05d}.json"
        self._deaths = _deaths(out)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.clear()

    def take(self, chunk: int, what: "Part | str | None" = None) -> None:
        """Note that a chunk, a part of it, or one row (its id) alone is taken up."""
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps([chunk, what, os.getpid()]), encoding="ascii")
        temporary.replace(self._path)

    def clear(self) -> None:
        """Note that nothing is in hand."""
        self._path.unlink(missing_ok=True)

    def deaths(self, chunk: int) -> int:
        """How many processes a chunk has cost, all its rows taken at once."""
        return sum(what is None for what in self._of(chunk))

    def is_deadly(self, row: str) -> bool:
        """Whether a row is to be given up."""
        return sum(what == row for _, what in self._deaths) >= ROW_LIVES

    def suspect(self, chunk: int, size: int) -> Part | None:
        """Among which rows of a chunk a deadly one is to be looked for; None if they may all be taken at once.

        The whole chunk, as soon as it has died too often; then the latest part that has; and when the row is found, the
        others get their chance again.
        """
        looked_in: Part | None = None
        at_once = 0
        for what in self._of(chunk):
            if what is None:
                at_once += 1
                looked_in = (0, size) if at_once >= CHUNK_LIVES else None
            elif isinstance(what, list):
                looked_in = (what[0], what[1])
            elif self.is_deadly(what):
                looked_in = None
        return looked_in

    def _of(self, chunk: int) -> list["list[int] | str | None"]:
        return [what for number, what in self._deaths if number == chunk]


def parts(of: Part) -> list[Part]:
    """Rows in `PARTS` parts of nearly the same size, or fewer where there are fewer rows."""
    start, stop = of
    count = min(PARTS, stop - start)
    cuts = [start + (stop - start) * at // count for at in range(count + 1)] if count else []
    return list(itertools.pairwise(cuts))


def reset(out: Path) -> None:
    """Delete what processes of an earlier run had in hand: nobody has seen what they died of."""
    for path in (out / _IN_HAND).glob("*.json"):
        path.unlink(missing_ok=True)


def keep_only(out: Path, *, pid: int | None = None, rank: int | None = None) -> None:
    """Of several engines, leave only the notes of the one that died or stood still; the others end for its sake."""
    for path in (out / _IN_HAND).glob("*.json"):
        with suppress(OSError, ValueError):
            if (
                path.stem != f"{rank:05d}"
                if rank is not None
                else json.loads(path.read_text(encoding="ascii"))[2] != pid
            ):
                path.unlink()


def note_deaths(out: Path) -> bool:
    """Add what dead processes had in hand to the deaths; return whether there was anything."""
    in_hand = []
    for path in sorted((out / _IN_HAND).glob("*.json")):
        with suppress(OSError, ValueError):
            in_hand.append(json.loads(path.read_text(encoding="ascii"))[:2])
        path.unlink(missing_ok=True)
    if in_hand:
        write_json(out / _DEATHS, [*map(list, _deaths(out)), *in_hand])
    return bool(in_hand)


def found(out: Path) -> int:
    """How many parts and rows are known to be deadly; more than before means that the search gets on.

    Of one chunk at most `MOST_FOUND` count: an engine that dies of anything else must not be started for ever.
    """
    chunks: dict[int, set[str]] = {}
    for chunk, what in _deaths(out):
        if what is not None:
            chunks.setdefault(chunk, set()).add(json.dumps(what))
    return sum(min(MOST_FOUND, len(deadly)) for deadly in chunks.values())


def _deaths(out: Path) -> list[tuple[int, "list[int] | str | None"]]:
    path = out / _DEATHS
    return [(chunk, what) for chunk, what in read_json(path)] if path.is_file() else []
