"""Texts of named sets, an earlier release or a set of the public, that no segment may repeat."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.row_groups import Group, row_groups
from builder.data.storage import open_rows
from builder.data.tables.file_rows import file_rows, table_files
from builder.data.tables.hub_rows import hub_rows
from builder.errors import RecipeError
from builder.method.corpus.dedup.index import loose_digest
from builder.recipe.sections.corpus import KnownSet

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

_BATCH = 2_000


@dataclass
class KnownTexts:
    """The texts of all sets, one behind the other.

    Attributes:
        names: Of the sets, in the order of the recipe.
        starts: Where each set begins, and behind the last one how many texts there are.
        digests: blake2b-128 of each normalised text, as two numbers; shape (texts, 2).
        groups: Where the texts are; the first is at place 0.
    """

    names: list[str]
    starts: list[int]
    digests: "np.ndarray[Any, np.dtype[np.uint64]]"
    groups: list[Group]

    def __len__(self) -> int:
        return self.starts[-1]

    @property
    def sizes(self) -> dict[str, int]:
        """Texts of each set."""
        return {name: end - start for name, start, end in zip(self.names, self.starts, self.starts[1:], strict=False)}

    def sets_of(self, texts: "Numbers") -> "Numbers":
        """The number of the set of each of some texts."""
        import numpy as np

        return np.searchsorted(self.starts, texts, side="right") - 1

    def repeated(self, digests: "np.ndarray[Any, np.dtype[np.uint64]]") -> "Numbers":
        """For each digest the first set that has it, or -1."""
        import numpy as np

        if not len(self):
            return np.full(len(digests), -1, np.int64)
        every, first = np.unique(_joined(self.digests), return_index=True)
        wanted = _joined(digests)
        place = np.minimum(np.searchsorted(every, wanted), len(every) - 1)
        return np.where(every[place] == wanted, self.sets_of(first[place]), -1)


def _joined(digests: Any) -> Any:
    """Two numbers as one value that can be sorted."""
    import numpy as np

    return np.ascontiguousarray(digests).view([("high", "<u8"), ("low", "<u8")]).reshape(-1)


def read_known(folder: Path, sets: Sequence[KnownSet]) -> KnownTexts:
    """Copy the texts of all sets into a folder of Parquet files, and take their digests.

    Raises:
        RecipeError: If a file cannot be read, or no row of a set has its column.
    """
    import numpy as np
    import pyarrow as pa

    shutil.rmtree(folder, ignore_errors=True)
    starts, digests = [0], bytearray()
    for number, known in enumerate(sets):
        with open_rows(folder / f"{number:05d}.parquet", pa.schema([("text", pa.string())])) as write:
            waiting = []
            for said in texts_of(known):
                text = said.encode("utf-8", "replace").decode("utf-8")  # half a character is none that Parquet holds
                digests += loose_digest(text)
                waiting.append({"text": text})
                if len(waiting) == _BATCH:
                    write(waiting)
                    waiting = []
            write(waiting)
        starts.append(len(digests) // 16)
    by_place = np.frombuffer(bytes(digests), dtype="<u8").reshape(-1, 2)
    return KnownTexts([known.name for known in sets], starts, by_place, row_groups(folder) if sets else [])


def texts_of(known: KnownSet) -> Iterator[str]:
    """The texts of a set: of a column of texts all, of a column of turns those of the assistant.

    Raises:
        RecipeError: If a file cannot be read, or no row has text in the column.
    """
    present, found, any_text = set[str](), False, False
    for row in _rows(known):
        if not isinstance(row, dict) or known.column not in row:
            present |= {str(name) for name in row} if isinstance(row, dict) else set()
            continue
        found = True
        for text in _texts(row[known.column]):
            any_text = True
            yield text
    if not found:
        raise RecipeError(
            f"{known.path or known.dataset}: no row of the set {known.name!r} has the column {known.column!r} (found: "
            f"{', '.join(sorted(present)) or 'none'}); name the one with the texts in dedup.against"
        )
    if not any_text:
        raise RecipeError(
            f"{known.path or known.dataset}: the column {known.column!r} of the set {known.name!r} holds no text, "
            "and no turns of an assistant (role, content); name another in dedup.against"
        )


def _rows(known: KnownSet) -> Iterator[Any]:
    if known.path is None:
        rows = hub_rows(known.dataset or "", known.split, known.revision, known.config)
        yield from (row for _, row in rows)
        return
    for file in table_files(known.path, f"the set {known.name!r} of dedup.against"):
        yield from (row for _, row in file_rows(file))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    turns = value if isinstance(value, list) else []
    said = (turn.get("content") for turn in turns if isinstance(turn, dict) and turn.get("role") == "assistant")
    return [text for text in said if isinstance(text, str) and text.strip()]
