"""Processes of a build: none outlives it, however it ends; and what one said last."""

import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ASKED_TO_END = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""Signals by which a user, a terminal or a scheduler ends a process."""
GRACE_SECONDS = 4.0
"""How long a stage that is asked to end may take before it is killed; one on Slurm cancels its jobs."""
GUARD_SECONDS = 10.0
"""How long a guard may take to end a stage and all that is below it."""
_TRACKER_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_HEARD = {*ASKED_TO_END, signal.SIGCHLD}
# Of Linux's prctl.h.
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_ERROR = re.compile(r"(?:\[rank\d+\]: ?)?[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)?: |\w+Error$")


def last_words(log: Path, start: int = 0) -> str:
    """The error a process ended with as its log has it from `start` on, without the frames of its traceback."""
    text = log.read_bytes()[start:].decode("utf-8", "replace") if log.is_file() else ""
    lines = [re.sub(r"^\[rank\d+\]: ?", "", line) for line in text.splitlines() if line.strip()]
    errors = [at for at, line in enumerate(lines) if _ERROR.match(line)]
    said = lines[errors[-1] :][:4] if errors else lines[-3:]
    return "".join(f"\n  | {line[:300]}" for line in said)


def die_with_parent(parent: int | None = None, number: int = signal.SIGKILL) -> None:
    """Ask the kernel to end this process when its parent ends (Linux; elsewhere nothing happens).

    Args:
        parent: Process id of the parent that started this process; if that has ended already, so does this one.
        number: The signal that ends it.
    """
    if sys.platform == "linux":
        _prctl(_SET_PARENT_DEATH_SIGNAL, number)
        if parent is not None and os.getppid() != parent:
            os._exit(1)


@contextmanager
def stops_interrupt() -> Iterator[Callable[[], int | None]]:
    """Let SIGTERM and SIGHUP interrupt this process as Ctrl-C does; one that it ignores, as under nohup, stays ignored.

    Yields:
        What gives the exit code of a command that one of the two has stopped: 128 and the number of the signal.
    """
    got: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        got.append(number)
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    default = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    changed = default if main else []
    for number in changed:
        signal.signal(number, stop)
    try:
        yield lambda: 128 + got[-1] if got else None
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def ends_in_order() -> Iterator[None]:
    """Let SIGTERM end this process as an exception does, so that what it has begun elsewhere can be taken back."""

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def guarded(work: Callable[[], int], parent: int) -> int:
    """Run `work` in a fork, and see to it that all processes below end when it ends, or when `parent` does.

    This process stays behind as their guard: whoever loses its parent becomes its child, whatever session it has made
    for itself. It holds what files it was given until all of them have ended. Only Linux has such guards; elsewhere
    `work` runs in this process.

    Args:
        work: Gives the exit code. It must be called before threads are started.
        parent: Process id of the command.

    Returns:
        The exit code of `work`, in the fork and in the guard. If a signal has ended the fork, it ends the guard too.
    """
    if sys.platform != "linux":
        return work()
    die_with_parent(parent, signal.SIGTERM)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, as some starters leave it, no child could be waited for
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    guard, stage = os.getpid(), os.fork()
    if not stage:
        die_with_parent(guard)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return work()
    return _Guard(stage).code(parent)


class _Guard:
    def __init__(self, stage: int) -> None:
        self._stage = stage
        self._status: int | None = None
        self._asked = 0

    def code(self, parent: int) -> int:
        while self._status is None and not self._asked and os.getppid() == parent:
            self._listen(1.0)
        if self._status is None:
            self._end_stage()
        self._end_others()
        return _end_as(-self._asked if self._asked else os.waitstatus_to_exitcode(self._status or 0))

    def _listen(self, seconds: float) -> None:
        heard = signal.sigtimedwait(_HEARD, seconds)
        if heard and heard.si_signo != signal.SIGCHLD:
            self._asked = heard.si_signo
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._stage:
                    self._status = ended[1]

    def _end_stage(self) -> None:
        end = time.monotonic() + GRACE_SECONDS
        _kill(self._stage, signal.SIGTERM)
        while self._status is None and time.monotonic() < end:
            self._listen(0.1)

    def _end_others(self) -> None:
        """Kill what is left. Python's resource trackers end last and by themselves: they remove shared memory."""
        start = time.monotonic()
        while (below := descendants(os.getpid())) and time.monotonic() < start + GUARD_SECONDS - GRACE_SECONDS:
            others = [pid for pid in below if not _is_tracker(pid)]
            late = time.monotonic() > start + _TRACKER_SECONDS
            for pid in below if late else others:
                _kill(pid, signal.SIGKILL)
            self._listen(_LOOK_SECONDS)


def end_guarded(guard: "subprocess.Popen[bytes]", mark: str) -> None:
    """End a guard that was started with a session of its own, with all that is below it, and wait for them.

    Args:
        guard: The guard.
        mark: A variable of its environment, as `NAME=value`, that no other process has: should the guard have been
            killed, what it has left is found by it.
    """
    try:
        guard.terminate()
        with suppress(subprocess.TimeoutExpired):
            guard.wait(GUARD_SECONDS)
    finally:
        # However often Ctrl-C is pressed: what comes now is short.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_END)
        try:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(guard.pid, signal.SIGKILL)
            if guard.wait() == -signal.SIGKILL:
                _end_marked(mark)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_marked(mark: str) -> None:
    end = time.monotonic() + GUARD_SECONDS
    while (left := marked(mark)) and time.monotonic() < end:
        for pid in left:
            _kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_SECONDS)


def marked(mark: str) -> list[int]:
    """All processes of this user that were started with a variable in their environment, given as `NAME=value`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents first; none where the system does not tell."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    below = children.get(pid, [])
    for child in below:
        below += children.get(child, [])
    return below


def _is_tracker(pid: int) -> bool:
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # a program of another user, such as sudo
        os.kill(pid, number)


def _end_as(code: int) -> int:
    """Return an exit code, or end by the signal that a negative one stands for, without a core of this process."""
    if code >= 0:
        return code
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # nobody may handle SIGKILL
        signal.signal(-code, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
    os.kill(os.getpid(), -code)
    return 128 - code


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)
