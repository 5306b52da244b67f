"""Does a build survive being killed at any moment? Kill it again and again, and compare with an undisturbed one.

Run as: python scripts/kill_check.py --kills 30. Nothing of the build is changed for this: processes are found by
the system's process table and get SIGKILL; then the same command runs again.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from kill_compare import TWINS, contents, project_differences
from kill_points import Point, chunk_points, random_points, running_stage, stage_seconds

from builder.cli.init import write_recipe_folder
from builder.workspace import stage_names as names
from builder.workspace.stage_names import AUGMENT, BACKWARD

POLL_SECONDS = 0.02
ENGINE_STAGES = [str(stage) for stage in (AUGMENT, names.score(1, "likelihood"), names.score(1, "expected"))]
ENGINE_SETTINGS = (
    "augment.samples=6", "score=[{judge: likelihood}, {judge: expected}]", "runtime.chunk_rows=128",
    "segments.tasks=2",
)  # fmt: skip
"""Six instructions for each of the sample's 960 segments."""


@dataclass
class Killed:
    """A build under attack.

    Attributes:
        folder: The project.
        commands: Arguments of `humpback`, run one after the other, each until it succeeds.
        hits: What was killed, and when: the stage that ran.
    """

    folder: Path
    commands: list[list[str]]
    hits: list[str] = field(default_factory=list)

    def run(self, points: list[Point]) -> None:
        """Run all commands to their end, while each of `points` kills one process in turn."""
        waiting = list(points)
        for arguments in self.commands:
            hits = len(self.hits)
            while (code := self._attempt(arguments, waiting)) != 0:
                if len(self.hits) == hits:
                    said = (self.folder / "kills.log").read_text(errors="replace")[-2_000:]
                    raise SystemExit(f"{' '.join(arguments)} ended with {code} although nothing was killed:\n{said}")
                hits = len(self.hits)
        if waiting:
            raise SystemExit(f"the build ended before {len(waiting)} of {len(points)} kills")

    def _attempt(self, arguments: list[str], waiting: list[Point]) -> int:
        with (self.folder / "kills.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "builder", *arguments], stdout=log, stderr=log)
            while process.poll() is None:
                victim = waiting[0](self.folder, process.pid) if waiting else None
                if victim is not None and _kill(victim):
                    waiting.pop(0)
                    who = "the command" if victim == process.pid else "a process below it"
                    self.hits.append(f"{running_stage(self.folder)}: {who}")
                time.sleep(POLL_SECONDS)
            return process.returncode


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def twins(folder: Path) -> tuple[Path, Path]:
    """Two copies of the quickstart's project whose files have the same times, and so the same fingerprints."""
    first, second = (folder / name for name in TWINS)
    write_recipe_folder(first)
    shutil.copytree(first, second, copy_function=shutil.copy2)
    return first, second


def check_build(scratch: Path, kills: int, seed: int) -> "Check":
    """Kill a whole quickstart."""
    first, second = twins(scratch)
    started = time.monotonic()
    Killed(first, [["quickstart", str(first)]]).run([])
    plain, started = time.monotonic() - started, time.monotonic()
    attacked = Killed(second, [["quickstart", str(second)]])
    attacked.run(random_points(kills, seed, stage_seconds(first)))
    return Check(first, second, attacked.hits, plain, time.monotonic() - started)


def check_engines(scratch: Path, kills: int, seed: int) -> "Check":
    """Kill the stages that run a model over rows, with so many rows and chunks that each kill hits another chunk."""
    first, second = (scratch / name for name in TWINS)
    write_recipe_folder(first)
    build = ["build", "--until"], [text for setting in ENGINE_SETTINGS for text in ("--set", setting)]
    Killed(first, [[*build[0], str(BACKWARD), str(first), *build[1]]]).run([])
    shutil.copytree(first, second, copy_function=shutil.copy2)
    seconds = {}
    for folder in (first, second):
        started = time.monotonic()
        attacked = Killed(folder, [[*build[0], ENGINE_STAGES[-1], str(folder), *build[1]]])
        attacked.run([] if folder == first else chunk_points(kills, seed, _chunks(first)))
        seconds[folder] = time.monotonic() - started
    return Check(first, second, attacked.hits, seconds[first], seconds[second])


def _chunks(folder: Path) -> dict[str, int]:
    return {stage: len(list(folder.glob(f"work/{stage}-*/data/part-*.parquet"))) for stage in ENGINE_STAGES}


@dataclass(frozen=True)
class Check:
    """What came of an attack.

    Attributes:
        first: The undisturbed project.
        second: The attacked one.
        hits: What was killed.
        plain: Seconds without kills.
        disturbed: Seconds with them.
    """

    first: Path
    second: Path
    hits: list[str]
    plain: float
    disturbed: float


def main() -> int:
    """Kill a quickstart, or its engines, at random moments and say whether anything differs from an undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engines", action="store_true", help="only augment and score, with more than 5,000 rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        check = (check_engines if options.engines else check_build)(Path(scratch), options.kills, options.seed)
        differences = project_differences(check.first, check.second)
        compared = len(contents(check.first))
    for hit, count in Counter(check.hits).most_common():
        print(f"{count:>4}  {hit}")
    print(f"{len(check.hits)} kills, {check.plain:.0f} s undisturbed, {check.disturbed:.0f} s with them")
    print("\n".join(differences) or f"all {compared} files are equal, every id stands once")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
