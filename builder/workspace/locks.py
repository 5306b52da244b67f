"""One build at a time in a work directory, one writer at a time in a stage folder."""

import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builder.errors import StageError
from builder.workspace.layout import LOCK

WAIT_SECONDS = 10.0
"""How long what a killed build has left may take to end."""
PROCESSES = Path("/proc")
_LOOK_SECONDS = 0.1
_OF_PATTERNS = "*?["
"""Characters of glob; `dedup` would find none of its signatures below such a folder, and no duplicate."""
_OF_BUILD = ".lock"


@dataclass(frozen=True)
class Running:
    """A build that holds a work directory.

    Attributes:
        process: Its id; `unknown` where it has not said so.
        since: When it began, in seconds since 1970.
    """

    process: str
    since: float

    def __str__(self) -> str:
        return f"process {self.process}, since {time.strftime('%Y-%m-%d %H:%M', time.localtime(self.since))}"


def running_in(root: Path) -> Running | None:
    """The build that holds a work directory now; None if there is none, or it cannot be told. Nothing is written."""
    try:
        # A folder of others may have a pipe, a device or a link there.
        handle = os.open(root / _OF_BUILD, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode):
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.read(handle, 20).decode("ascii", "replace")
        return Running(said if said.isdecimal() else "unknown", found.st_mtime)
    except OSError:
        return None  # locks are not to be had there, and the build says so
    finally:
        os.close(handle)
    return None


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the work directory for one build; the lock goes with the process, however it ends.

    Raises:
        StageError: If the folder has a name that libraries misread, cannot be written, or another build holds it.
    """
    _refuse_name(root)
    with _held(root) as handle:
        handle.truncate(0)
        handle.write(json.dumps(os.getpid()))
        handle.flush()
        yield


def _held(root: Path) -> IO[str]:
    """The file of the lock, held. One that was removed meanwhile, as with a scratch folder, would keep nobody out."""
    while True:
        handle = _opened(root)
        try:
            # Who only asks whether a build runs here holds the lock for a moment.
            if not (_take(handle.fileno(), root) or _take_later(handle.fileno(), root)):
                handle.seek(0)
                owner = handle.read().strip() or "unknown"
                raise StageError(
                    f"{root}: the work directory is in use by process {owner}; wait for it, or use --work-dir"
                )
            if _is_in_place(handle.fileno(), root):
                return handle
        except BaseException:
            handle.close()
            raise
        handle.close()


def _opened(root: Path) -> IO[str]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = os.open(root / _OF_BUILD, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        return os.fdopen(file, "a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise StageError(f"{root}: the work directory cannot be written ({error.strerror}); use --work-dir") from error


def _is_in_place(file: int, root: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.lstat(root / _OF_BUILD))
    except OSError:
        return False


class StageLock:
    """The right to write in one stage folder.

    It is handed to the stage's processes with the file, so it lasts until the last of them has ended: a command that is
    killed does not free it as long as anything still writes.

    Attributes:
        file: Descriptor of the lock's file.
    """

    def __init__(self, file: int) -> None:
        self.file = file

    def name_holder(self, pid: int) -> None:
        """Write down which process ends last of those that hold it."""
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, f"{pid}@{socket.gethostname()}".encode(), 0)


@contextmanager
def only_writer(out: Path, stage: str) -> Iterator[StageLock]:
    """Hold a stage folder, once everything that an earlier run has left there has ended.

    Raises:
        StageError: If that takes too long; it names the process.
    """
    path = out / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        end = time.monotonic() + WAIT_SECONDS
        while not _take(file, out):
            if time.monotonic() > end:
                raise StageError(f"{stage}: {_still_written(out, path)}")
            time.sleep(_LOOK_SECONDS)
        yield StageLock(file)
    finally:
        os.close(file)


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Ask for a folder that is there, without a file of one's own in it; whether nobody else has asked for it.

    Where folders cannot be locked, as over some networks, nobody is kept out.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except BlockingIOError:
            alone = False
        except OSError:
            alone = True
        yield alone
    finally:
        os.close(handle)


def _refuse_name(root: Path) -> None:
    """Refuse names that a library takes for a pattern, and would find nothing for, or cannot write down."""
    try:
        str(root).encode("utf-8")
    except UnicodeEncodeError as error:
        raise StageError(
            f"{root}: the name of the work directory is not UTF-8; rename it, or use --work-dir"
        ) from error
    if found := [character for character in _OF_PATTERNS if character in str(root)]:
        raise StageError(
            f"{root}: the name of the work directory has {' and '.join(found)}, which would be taken for a pattern; "
            "rename it, or use --work-dir"
        )


def _take(file: int, folder: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StageError(
            f"{folder}: files cannot be locked there ({error.strerror}), so nothing would keep two builds apart; use a "
            "--work-dir on a file system with locks"
        ) from error
    return True


def _take_later(file: int, folder: Path) -> bool:
    time.sleep(_LOOK_SECONDS)
    return _take(file, folder)


def _still_written(out: Path, path: Path) -> str:
    holders = [str(pid) for pid in _open_in(path)]
    ended = f"kill -9 {' '.join(holders)}" if holders else "on the machine where it runs"
    who = ", ".join(holders) or path.read_text(encoding="utf-8", errors="replace").strip() or "unknown"
    return (
        f"{out} is still written by an earlier run (process {who}); wait until that has ended or end it ({ended}), and "
        "run the same command again"
    )


def _open_in(path: Path) -> list[int]:
    """The other processes of this user that have a file open; none where the system does not tell."""
    found, wanted = set(), path.stat()
    for entry in PROCESSES.glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.path.samestat(entry.stat(), wanted):
                found.add(int(entry.parts[2]))
    return sorted(found - {os.getpid()})
