"""What went wrong in a process of the build, in words a user can act on."""

import errno
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from builder.data.inputs import NO_ACCESS
from builder.data.redaction import redacted
from builder.errors import BuilderError

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SPACE_WORDS = ("no space left on device", "disk quota exceeded", "file too large", "errno 28", "os error 28",
               "iostream error", "unexpected pos")  # fmt: skip
MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc")
SHARED_MEMORY, SHARED_MB = "/dev/shm", 64
"""Where Linux has shared memory, and how much a stage needs at least."""
_FULL_BYTES = 1 << 20
"""With less room than this it counts as full."""
EXIT_UNWRITABLE = 74
"""Exit code of a child that could not even write what went wrong (EX_IOERR of sysexits.h)."""
EXIT_AGAIN = 75
"""Exit code of a child that wants to be started again (EX_TEMPFAIL of sysexits.h)."""


def explain(error: BaseException) -> str | None:
    """What happened, where, and what to do, without secrets; None for a defect, which needs its traceback.

    Libraries wrap what the system said, so a full disk and memory that ran out are looked for in the causes as well.
    """
    message = _explained(error)
    return None if message is None else redacted(message)


def _explained(error: BaseException) -> str | None:
    if isinstance(error, BuilderError):
        return str(error)
    for cause in _causes(error):
        first = str(cause).strip().partition("\n")[0][:200] or type(cause).__name__
        if _is_memory(cause):
            return (
                f"memory ran out ({first}); lower runtime.workers, runtime.chunk_rows, engine.max_model_len or the "
                "batch size in the TRL recipe, and run the same command again"
            )
        if _is_short_of_files(cause):
            return (
                f"too many files are open ({first}); raise the limit (`ulimit -n 4096`) and run the same command again"
            )
        if _is_shared_memory(cause):
            return (
                f"shared memory cannot be used ({first}); {SHARED_MEMORY} must be writable and have {SHARED_MB} MB "
                "free, in a container as with --shm-size=1g; then run the same command again"
            )
        if _is_space(cause):
            return disk_full(getattr(cause, "filename", None) or first)
    if isinstance(error, OSError):
        return _system(error)
    return None


def disk_full(place: object) -> str:
    """The message for a disk that takes no more."""
    return f"the disk is full ({place}); free some space, or use another --work-dir, and run the same command again"


def died(code: int) -> str:
    """Why a child that left no result has ended; `code` is its exit code, negative for a signal."""
    if code == -signal.SIGKILL:
        return "the child process was killed, most likely because memory ran out; the same command goes on from there"
    if -code in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        return (
            f"somebody has ended the child process ({signal.Signals(-code).name}); the same command goes on from there"
        )
    if code == -signal.SIGBUS:
        return (
            f"the child process died of signal SIGBUS, most likely because {SHARED_MEMORY} or a disk is full; give "
            f"{SHARED_MEMORY} {SHARED_MB} MB or more (in a container --shm-size=1g), and run the same command again"
        )
    if code < 0:
        return f"the child process died of signal {signal.Signals(-code).name}"
    return f"the child process ended with exit code {code}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in MEMORY_WORDS)


def _is_short_of_files(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return True
    return "too many open files" in str(error).lower()


def _is_shared_memory(error: BaseException) -> bool:
    """Whether what failed is shared memory: locks of processes and tensors lie there, and their errors name no file."""
    said = str(error).lower()
    if any(words in said for words in ("shared memory(shm)", "</torch_", f"{SHARED_MEMORY}/")):
        return True
    if not isinstance(error, OSError) or error.filename or error.errno not in NO_SPACE | NO_ACCESS:
        return False
    return Path(SHARED_MEMORY).is_dir() and not _has_room(SHARED_MEMORY)


def _has_room(folder: str) -> bool:
    try:
        return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _FULL_BYTES
    except OSError:
        return False


def _is_space(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return True
    return any(words in str(error).lower() for words in SPACE_WORDS)


def _system(error: OSError) -> str:
    said = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if error.errno in NO_ACCESS:
        return f"{said}; give this user access to it, or use another --work-dir"
    return said
