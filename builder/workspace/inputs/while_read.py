"""The digest of a file, made while somebody reads it anyway: a large corpus is not read for that alone."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from builder.data.address import Address
from builder.workspace.inputs.known import FileState, add_lines, read_line
from builder.workspace.layout import READ


def noted(handle: IO[bytes], location: Path | Address, stage: Path | None) -> IO[bytes]:
    """An opened file that notes what it holds once it is read to its end; remote ones are known by their addresses."""
    return handle if stage is None or isinstance(location, Address) else cast("IO[bytes]", NotedFile(handle, stage))


class NotedFile:
    """A file that is read from front to back, no more than that, and what it holds noted at its end.

    Args:
        handle: The opened file.
        stage: The folder of the stage that reads it.
    """

    def __init__(self, handle: IO[bytes], stage: Path) -> None:
        self._handle, self._stage = handle, stage
        self._digest = hashlib.sha256()
        self._before = self._state()

    def __enter__(self) -> "NotedFile":
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._handle.close()

    def read(self, size: int = -1) -> bytes:
        """Read on; at the end of the file its digest is noted."""
        data = self._handle.read(size)
        self._digest.update(data)
        if not data and size:
            self._note()
        return data

    def _note(self) -> None:
        state, self._before = self._before, None
        if state is None or state != self._state() or not state.is_settled():
            return
        with suppress(OSError):  # then it is read once more
            add_lines(self._stage / READ, [read_line(state, self._digest.hexdigest())])

    def _state(self) -> FileState | None:
        try:
            return FileState.of(os.fstat(self._handle.fileno()))
        except OSError:
            return None
