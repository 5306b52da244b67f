"""What a work directory knows of the files that its stages have read: a file is the same one if its content is.

In a fingerprint a file stands with its name, its size and a token. The token is its time of modification when it was
first looked at, so nothing has to be read before a build can say what is there. Once a stage has read a file, its
sha256 is known for the state that it was in: size, times and inode. A file in that very state is not read again. One in
another state (touched, copied, moved, written anew) is read, and its content decides: where it is known, the file gets
the token that this content has had, else its digest becomes its token.

Both are lines of JSON that are only ever added, in the work directory and in the logs of stages, so several processes
may write at once, and a line that is torn only means that a file is read once more.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from builder.workspace.layout import INPUTS, READ

Token = int | str
"""A time of modification in nanoseconds, or a sha256."""
_BLOCK_BYTES = 1 << 22
_TICK_NS = 20_000_000
"""Two changes of a file within a tick of the kernel's clock, 10 ms at most, may leave the same times."""


class FileState(NamedTuple):
    """What changes with a file: whoever writes it changes `ctime_ns`, which no program can set back."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> "FileState":
        """The state that the system tells."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def is_settled(self) -> bool:
        """Whether the file was last changed so long ago that another change would show in its times."""
        return not 0 <= time.time_ns() - self.ctime_ns < _TICK_NS


class KnownInputs:
    """The record of a work directory.

    Args:
        root: The work directory; without one nothing is known and nothing kept.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._digests: dict[FileState, str] = {}
        self._tokens: dict[tuple[str, FileState], Token] = {}
        self._states: dict[tuple[str, int], list[FileState]] = {}
        self._unsaved: list[dict[str, Any]] = []
        self.has_read = False
        """Whether a file was read whose digest is not saved yet."""
        if root is not None:
            self._load([root / INPUTS, *sorted(root.glob(f"*/{READ}"))])

    def token(self, path: Path, name: str, state: FileState) -> Token:
        """What stands for a file in a fingerprint, beside name and size.

        Args:
            path: Where it is.
            name: Its path relative to the input.
            state: Its state.
        """
        known = self._tokens.get((name, state))
        if known is not None:
            return known
        contents = self._contents(name, state.size)
        digest = self.digest(path, state) if contents else None
        token: Token = state.mtime_ns if digest is None else contents.get(digest, digest)
        self._add_token(name, state, token)
        self._unsaved.append({"name": name, "state": state, "token": token})
        return token

    def knows(self, state: FileState) -> bool:
        """Whether the content of a file in this state is known."""
        return state in self._digests

    def digest(self, path: Path, state: FileState, beat: Callable[[], None] = lambda: None) -> str | None:
        """The sha256 of a file in this state, read only if it is not known; None if it cannot be told.

        `beat` is called while it is read.
        """
        if state not in self._digests and (found := _digest(path, state, beat)):
            self._digests[state] = found
            self._unsaved.append(read_line(state, found))
            self.has_read = True
        return self._digests.get(state)

    def save(self) -> None:
        """Add what is new to the record; where that cannot be written, files are read again."""
        if self._root is None or not self._root.is_dir():
            return
        with suppress(OSError):
            add_lines(self._root / INPUTS, self._unsaved)
        self._unsaved, self.has_read = [], False

    def read_by(self, stage: Path) -> None:
        """Take over what a stage has noted of the files that it has read."""
        self._load([stage / READ])

    def _contents(self, name: str, size: int) -> dict[str, Token]:
        """The contents that a file of this name and size has had, by digest, each with its token."""
        found: dict[str, Token] = {}
        for state in self._states.get((name, size), ()):
            if state in self._digests:
                found.setdefault(self._digests[state], self._tokens[name, state])
        return found

    def _add_token(self, name: str, state: FileState, token: Token) -> None:
        if (name, state) not in self._tokens:
            self._states.setdefault((name, state.size), []).append(state)
        self._tokens[name, state] = token

    def _load(self, files: Iterable[Path]) -> None:
        for line in (line for file in files for line in _lines(file)):
            with suppress(KeyError, TypeError, ValueError):
                state = FileState(*map(int, line["state"]))
                if "sha256" in line:
                    self._digests[state] = str(line["sha256"])
                elif isinstance(line["token"], int | str):
                    self._add_token(str(line["name"]), state, line["token"])


def read_line(state: FileState, digest: str) -> dict[str, Any]:
    """A line of the record: what a file in this state holds."""
    return {"state": state, "sha256": digest}


def add_lines(file: Path, values: Iterable[dict[str, Any]]) -> None:
    """Add lines of JSON to a file in one piece."""
    text = "".join(f"{json.dumps(value, separators=(',', ':'))}\n" for value in values)
    if not text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    with os.fdopen(handle, "wb", buffering=0) as stream:
        stream.write(text.encode("ascii"))


def _lines(file: Path) -> Iterator[Any]:
    """The whole lines of a record; none where there is no file of ours."""
    with suppress(OSError):
        if not stat.S_ISREG(file.lstat().st_mode):
            return
        with file.open("rb") as stream:
            for line in stream:
                with suppress(ValueError, RecursionError):
                    yield json.loads(line)


def _digest(path: Path, state: FileState, beat: Callable[[], None]) -> str | None:
    """The sha256 of a file; None if it is no plain file, cannot be read, or is in another state than that."""
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        if not state.is_settled():
            time.sleep(_TICK_NS / 1e9)
        with path.open("rb", buffering=0) as file:
            if FileState.of(os.fstat(file.fileno())) != state:
                return None
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                beat()
            return digest.hexdigest() if FileState.of(os.fstat(file.fileno())) == state else None
    except OSError:
        return None
