"""What runs on a cluster: work in parts, of which each process takes one that is free after the other."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from builder.data.storage import is_hidden

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime

WAITING = "waiting"
"""The unit of a process's progress until it says something itself."""


def rank_folder(rank: int) -> str:
    """Where a process of a stage tells its progress, below the stage folder."""
    return f"logs/engines/{rank:05d}"


class Parts(Protocol):
    """The parts of some work. Their files say which are done, as no cluster says so reliably."""

    def left(self) -> int:
        """How many are still to be done."""

    def free(self) -> None:
        """Let every part be taken; only for when no process runs."""

    def note_deaths(self) -> bool:
        """Note what processes that have ended had in hand; return whether there was anything."""

    def found(self) -> int:
        """How much is known of what processes die of; more than before means that it is worth while to go on."""


@dataclass(frozen=True)
class Job:
    """Some work of a stage.

    Attributes:
        out: The stage folder, on a file system that all machines share.
        work: What each process does, given nothing, its number and how many there are.
        parts: Of the work.
        runtime: Where it runs.
        called: What a process is called.
        loads_model: Whether a process loads a model, and so has `runtime.tensor_parallel` GPUs.
        cpus: Cores of a process; None for what the recipe says of an engine.
    """

    out: Path
    work: Callable[[None, int, int], object]
    parts: Parts
    runtime: "Runtime"
    called: str = "engine"
    loads_model: bool = False
    cpus: int | None = None

    @property
    def gpus(self) -> int:
        """GPUs of a process."""
        return self.runtime.tensor_parallel if self.loads_model else 0

    @property
    def logs(self) -> Path:
        """Where the cluster's logs go."""
        return self.out / "logs" / "cluster"


@dataclass(frozen=True)
class Taken:
    """Marks of who has which part.

    Attributes:
        folder: Theirs.
    """

    folder: Path

    def free(self) -> None:
        """Remove all marks."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, part: int, rank: int) -> bool:
        """Whether a part is this process's from now on, or was before it was started again."""
        mark, written = self.folder / f"{part:05d}", self.folder / f".{part:05d}.{rank}"
        self.folder.mkdir(parents=True, exist_ok=True)
        written.write_text(str(rank), encoding="ascii")
        try:
            _put(written, mark)
        except FileExistsError:
            with suppress(FileNotFoundError):  # freed this moment; whoever comes next may take it
                return mark.read_text(encoding="ascii") == str(rank)
            return False
        finally:
            written.unlink(missing_ok=True)
        return True

    def parts(self) -> set[int]:
        """Those that somebody has."""
        marks = self.folder.iterdir() if self.folder.is_dir() else ()
        return {int(mark.name) for mark in marks if not is_hidden(mark.name)}


def _put(written: Path, mark: Path) -> None:
    """Give a file a second name, which comes to be with what it says, and for one of several alone.

    Raises:
        FileExistsError: If somebody else has it.
    """
    try:
        os.link(written, mark)
    except FileExistsError:
        raise
    except OSError:  # a file system without links; for a moment the mark says nothing
        with mark.open("x", encoding="ascii") as file:
            file.write(written.read_text(encoding="ascii"))
