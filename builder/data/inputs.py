"""Files of an input: those of a folder, and what of them can be opened."""

import errno
import os
import stat
from pathlib import Path
from typing import IO, NoReturn

from builder.data.address import Address
from builder.data.remote.reading import open_remote
from builder.errors import RecipeError

NO_ACCESS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""What the system calls it that somebody may not read or write."""
_SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_binary(location: Path | str) -> IO[bytes]:
    """Open a local path or a URL for reading.

    Raises:
        OSError: If it cannot be opened.
    """
    if isinstance(location, Path):
        refuse_special(location)
        return location.open("rb")
    return open_remote(Address(location))


class NotAFileError(OSError):
    """What stands under a name is a folder, a named pipe, a socket or a device: reading it may never end."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}; take it out of the input", str(path))
        self.kind = kind


def refuse_special(path: Path) -> None:
    """See that what is read from a path comes to an end; what cannot be looked at is for the opening to refuse.

    Raises:
        NotAFileError: If it is no regular file.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _SPECIAL if test(mode)), "no file")
        raise NotAFileError(path, kind)


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted by path.

    Links to folders are followed, each folder once, so that none is left out in silence and none leads round in a
    circle. A link whose file is gone counts as a file, and so do pipes, sockets and devices: whoever opens one with
    `open_binary` will say that it cannot be read.

    Raises:
        RecipeError: If a folder cannot be listed.
    """
    files: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_cannot_list):
        state = Path(place).stat()
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        files += [Path(place, name) for name in names]
    return sorted(files)


def _cannot_list(error: OSError) -> NoReturn:
    raise RecipeError(
        f"{error.filename}: the folder cannot be listed ({error.strerror}); give this user access to it, or take it "
        "out of the input"
    ) from error
