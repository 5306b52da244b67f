"""The files of an input, as they stand in a fingerprint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from builder.data.inputs import files_below
from builder.errors import RecipeError
from builder.workspace.inputs.known import FileState, KnownInputs

_READ_AT_ONCE = 1 << 30
"""So many bytes are read although no stage reads them."""


class Look(NamedTuple):
    """A file of an input, as it was when its fingerprint was made.

    Attributes:
        path: Where it is.
        state: Its state.
        noted: Whether the stage notes its digest while it reads it, so that it need not be read for that alone.
    """

    path: Path
    state: FileState
    noted: bool


class Inputs:
    """Makes the listings of one work directory and remembers the files of the last ones.

    Args:
        known: What the work directory knows of files.
    """

    def __init__(self, known: KnownInputs | None = None) -> None:
        self.known = known or KnownInputs()
        self.looks: list[Look] = []

    def listing(self, path: Path, *, only: Callable[[str], bool] | None = None, noted: bool = False) -> list[list[Any]]:
        """Relative name, size and token of a file, or of every file below a folder.

        Neither the place of the input nor that of the work directory is part of it.

        Args:
            path: The file or folder.
            only: Which files of a folder count, by their relative names; all where left out.
            noted: As of `Look`.

        Raises:
            RecipeError: If there is nothing at `path`, or no file that counts.
        """
        entries = []
        for file, name in _files(path, only):
            state = FileState.of(file.stat() if file.exists() else file.lstat())
            self.looks.append(Look(file, state, noted))
            entries.append([name, state.size, self.known.token(file, name, state)])
        return entries

    def learn(self, *, noted: bool = True) -> None:
        """Read those files of the last listings whose content is not known, and keep that.

        Args:
            noted: Whether also those that the stage notes while it reads them; it has left out what it has not read
                from front to back.
        """
        for look in self._unknown():
            if noted or not look.noted:
                self.known.digest(look.path, look.state)
        self.known.save()

    def learn_of_done(self) -> None:
        """The same for a stage that was done before files were noted, if that takes seconds."""
        if sum(look.state.size for look in self._unknown()) <= _READ_AT_ONCE:
            self.learn()

    def _unknown(self) -> list[Look]:
        return [look for look in self.looks if not self.known.knows(look.state)]

    def keep(self) -> None:
        """Keep what had to be read to tell which files these are, so that it is read once."""
        if self.known.has_read:
            self.known.save()


def _files(path: Path, only: Callable[[str], bool] | None) -> list[tuple[Path, str]]:
    if not path.exists():
        raise RecipeError(f"{path}: no such file or folder; the recipe names it as input")
    if path.is_file():
        return [(path, path.name)]
    files = [(file, file.relative_to(path).as_posix()) for file in files_below(path)]
    if not files:
        raise RecipeError(f"{path}: the folder is empty; the recipe names it as input")
    counting = [item for item in files if only is None or only(item[1])]
    if not counting:
        raise RecipeError(
            f"{path}: the folder holds no file that is loaded with a model (weights, settings, tokenizer); name the "
            "folder that has its config.json"
        )
    return counting
