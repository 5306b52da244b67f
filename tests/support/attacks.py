"""A light build that is struck again and again, and what is left of it each time."""

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kill_points import descendants

from builder.workspace.processes import ASKED_TO_END, marked
from support.light_build import TURNS

SIGNALS = ("TERM", "HUP", "INT", "KILL")
SECONDS = 5.0
"""How long after the signal nothing may be left."""
_HANGS = 600.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Outcome:
    """What came of one signal.

    Attributes:
        code: Exit code of the command; None if it goes on.
        left: Processes from before the signal that were there too long after it, with their command lines.
        said: What the command said.
    """

    code: int | None
    left: list[str]
    said: str


class Struck:
    """A command that is struck, started again, and struck again.

    Args:
        folder: Of the build; its work directory is below.
        command: Words of the command.
        environment: Variables of its own.
    """

    def __init__(self, folder: Path, command: list[str], **environment: str) -> None:
        self.folder, self._command = folder, [*command, "--work-dir", str(folder / "work")]
        self._log, self._process = folder / "logs" / "said.log", None
        self._log.parent.mkdir(parents=True)
        mark = {"ATTACKED": str(uuid.uuid4())}
        (self._mark,) = [f"{name}={value}" for name, value in mark.items()]
        self._environment = os.environ | environment | mark

    def strike_one(self, victim: int, name: str, *, ends: bool = False) -> list[str]:
        """Send one process a signal; give what there was of the build before and is there too long after it.

        Args:
            victim: The process.
            name: Of the signal.
            ends: Count from when the command has ended of it.
        """
        before, late = set(marked(self._mark)), list[str]()
        os.kill(victim, getattr(signal, f"SIG{name}"))
        if ends:
            self._process.wait(_HANGS)
        start = time.monotonic()
        while (left := self._left(before)) and time.monotonic() < start + _HANGS:
            if not late and time.monotonic() > start + SECONDS:
                late = [_described(pid) for pid in left]
            time.sleep(_LOOK_SECONDS)
        return late

    def finish(self) -> int:
        """Run the command until it has ended."""
        self.start()
        code, self._process = self._process.wait(_HANGS), None
        return code

    def end(self) -> None:
        """Leave nothing behind, whatever has gone wrong."""
        while left := marked(self._mark):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)
            if self._process is not None:
                self._process.poll()

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the command if it does not run."""
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    start_new_session=True, preexec_fn=_as_in_a_terminal,
                )  # fmt: skip
        return self._process

    def code(self) -> int | None:
        """The exit code of a command that has ended."""
        code = self._process.poll()
        self._process = None if code is not None else self._process
        return code

    def _left(self, before: set[int]) -> list[int]:
        """What is there of the processes from before, less a command that goes on."""
        there = before & set(marked(self._mark))
        if self._process.poll() is None:
            there.discard(self._process.pid)
        return sorted(there)


class Attacked(Struck):
    """A light build."""

    def __init__(self, folder: Path, recipe: Path, engines: int, *, launcher: bool) -> None:
        light = Path(__file__).with_name("light_launcher.py")
        place = f"runtime.launcher={sys.executable} {light} {engines}" if launcher else f"runtime.engines={engines}"
        command = [sys.executable, "-m", "support.light_build", "build", str(recipe), "--until", "answers"]
        variables = {TURNS: str(folder / "logs"), "PYTHONPATH": str(Path(__file__).parents[1])}
        super().__init__(folder, [*command, "--set", place, "--set", "runtime.chunk_rows=2"], **variables)
        self.engines, self._turns, self._now = engines, folder / "logs", 0

    def strike(self, target: str, name: str) -> Outcome:
        """Send one process a signal while each engine has something in hand."""
        self._let(self._now + self.engines)
        workers = self._wait_for_workers()
        said, command = self._log.stat().st_size, self.start().pid
        child = next(pid for pid in descendants(command) if _parent(pid) == command)
        stage = next(pid for pid in descendants(child) if _parent(pid) == child)
        victims = {"command": command, "child": child, "stage": stage, "worker": max(workers)}
        left = self.strike_one(victims[target], name)
        self._wait_for_workers()  # or the command's end
        return Outcome(self.code(), left, self._log.read_bytes()[said:].decode())

    def finish(self) -> int:
        """Let everything be done first."""
        self._let(10**6)
        return super().finish()

    def _let(self, turns: int) -> None:
        self._now = turns
        (self._turns / "now.tmp").write_text(str(turns))
        (self._turns / "now.tmp").rename(self._turns / "now")

    def _wait_for_workers(self) -> list[int]:
        """The engines or ranks, once all of them wait for a turn that is not there yet; none if the command ends."""
        command = self.start()
        end = time.monotonic() + _HANGS
        while time.monotonic() < end:
            if command.poll() is not None:
                return []
            waiting = [pid for pid in descendants(command.pid) if self._turn_of(pid) >= self._now]
            if len(waiting) == self.engines:
                return waiting
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"nothing is in hand: {self._log.read_text()}")

    def _turn_of(self, pid: int) -> int:
        path = self._turns / f"{pid}.waits"
        return int(path.read_text()) if path.is_file() else -1


class Training(Struck):
    """A real build as far as its first model, under a real launcher."""

    def __init__(self, folder: Path, recipe: Path, launcher: str) -> None:
        command = [sys.executable, "-m", "builder", "build", str(recipe), "--until", "model-backward"]
        super().__init__(folder, [*command, "--set", f"runtime.launcher={launcher}"])

    def strike(self, target: str, name: str) -> Outcome:
        """Send a signal once a checkpoint more is there, and wait for the command's end."""
        before, said, command = self._checkpoints(), len(self._said()), self.start()
        while not (ranks := self._ranks()) or self._checkpoints() == before:
            if command.poll() is not None:
                raise ChildProcessError(self._said())
            time.sleep(_LOOK_SECONDS)
        victims = {"command": command.pid, "rank": max(ranks), "launcher": _parent(max(ranks))}
        # How fast a launcher sees that a rank has died, and ends the others, is its own affair.
        left = self.strike_one(victims[target], name, ends=target != "command")
        command.wait(_HANGS)
        return Outcome(self.code(), left, self._said()[said:])

    def _said(self) -> str:
        return self._log.read_text() if self._log.is_file() else ""

    def _checkpoints(self) -> set[Path]:
        return set(self.folder.glob("work/model-backward-*/training/checkpoint-*/complete.json"))

    def _ranks(self) -> list[int]:
        below = descendants(self._process.pid)
        return [pid for pid in below if "builder.method.train.sft --config" in _described(pid) and not _launches(pid)]


def _launches(pid: int) -> bool:
    return "launch" in _described(pid).partition("builder.method.train.sft")[0]


def _as_in_a_terminal() -> None:
    for number in ASKED_TO_END:
        signal.signal(number, signal.SIG_DFL)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _described(pid: int) -> str:
    try:
        return f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes().replace(bytes(1), b' ').decode()}"
    except OSError:
        return f"{pid} gone by now"
