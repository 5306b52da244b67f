"""Folders in a work directory where a command tries something: of one process at a time, and of no build."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from builder.errors import StageError
from builder.workspace.layout import SCRATCH
from builder.workspace.locks import locked, running_in


@contextmanager
def scratch(root: Path, name: str) -> Iterator[Path]:
    """An empty folder in a work directory, gone afterwards; that of a stage that failed stays, for its log.

    What commands before this one have left goes first.

    Args:
        root: The work directory; it goes too if it was not there, and nothing else is in it.
        name: One of `SCRATCH`.

    Raises:
        StageError: If another process works there, or it cannot be written.
    """
    was_there = root.is_dir()
    sweep(root)
    with locked(root / name):
        own = root / name / str(os.getpid())  # a process of a killed one may still be about to end
        try:
            own.mkdir(parents=True)
            yield own
        except StageError:
            raise
        except BaseException:
            _remove(root, name, was_there)
            raise
        _remove(root, name, was_there)


def sweep(root: Path) -> None:
    """Remove what commands have left in a work directory that failed or were killed; one that runs keeps its folder."""
    for place in (root / name for name in SCRATCH):
        if place.is_symlink():
            with suppress(OSError):
                place.unlink()  # what it leads to is nobody's scratch
        elif place.is_dir() and running_in(place) is None:
            with suppress(StageError), locked(place):
                shutil.rmtree(place, ignore_errors=True)


def _remove(root: Path, name: str, was_there: bool) -> None:
    shutil.rmtree(root / name, ignore_errors=True)
    if not was_there and not any(root.iterdir()):
        root.rmdir()
