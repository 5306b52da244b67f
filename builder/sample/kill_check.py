"""Does a build survive being killed at any moment? Kill it again and again, and compare with an undisturbed one.

Run as: python -m builder.sample.kill_check --kills 30. Nothing of the build is changed for this: processes are found by
the system's process table and get SIGKILL; then the same command runs again.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.quickstart import write_recipe_folder
from builder.storage import parquet_files, read_json, read_rows

POLL_SECONDS = 0.02
BETWEEN = "between stages"
NOT_COMPARED = ("logs", ".lock")
ENGINE_STAGES = ("augment", "score-1-likelihood", "score-1-expected")
ENGINE_SETTINGS = (
    "augment.samples=6", "score=[{judge: likelihood}, {judge: expected}]", "runtime.chunk_rows=128",
    "segments.tasks=2",
)  # fmt: skip
"""Six instructions for each of the sample's 960 segments."""
TWINS = ("undisturbed", "killed")
OF_ONE_RUN = ("seconds", "versions", "restarts")
"""Keys of `stage.json` that say how a run went and not what it wrote."""

Point = Callable[[Path, int], int | None]
"""Asked again and again with the project's folder and the command's process id; gives the process to kill, or None."""


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


def running_stage(folder: Path) -> str:
    """The stage that runs, or the release."""
    return next((_stage_of(path) for path in _records(folder) if read_json(path)["status"] == "running"), BETWEEN)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents first."""
    found = []
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    for child in children:
        found += [child, *descendants(child)]
    return found


def random_points(kills: int, seed: int, seconds: dict[str, float]) -> list[Point]:
    """Kills of a random process of the build, each at a random moment of a stage; the stages get equally many.

    Args:
        kills: How many.
        seed: Draws moments and processes.
        seconds: How long each stage takes by itself, in the order of the build.
    """
    choose = random.Random(seed)
    stages = list(seconds)
    return [
        _strike(stage, choose.uniform(0.2, max(1.0, seconds[stage])), choose.random())
        for stage in sorted((stages[number % len(stages)] for number in range(kills)), key=stages.index)
    ]


def _strike(stage: str, wait: float, pick: float) -> Point:
    """Kill a process `wait` seconds after `stage` is seen to run, or at once if it is over by then."""
    seen: list[float] = []

    def strike(folder: Path, pid: int) -> int | None:
        running = running_stage(folder)
        if running == stage and not seen:
            seen.append(time.monotonic())
        over = running not in (stage, BETWEEN) and bool(seen or _is_done(folder, stage))
        if not over and (not seen or time.monotonic() < seen[0] + wait):
            return None
        processes = [pid, *descendants(pid)]
        return processes[int(pick * len(processes))]

    return strike


def chunk_points(kills: int, seed: int, chunks: dict[str, int]) -> list[Point]:
    """Kills of a random process while a random chunk of a stage is in hand; the stages get equally many.

    Args:
        kills: How many.
        seed: Draws chunks, moments and processes.
        chunks: How many chunks each stage writes, in the order of the build.
    """
    choose = random.Random(seed)
    stages = list(chunks)
    drawn = [(stages[number % len(stages)], number) for number in range(kills)]
    points = sorted(
        (stages.index(stage), choose.randrange(chunks[stage] - 1), choose.uniform(0, 0.3)) for stage, _ in drawn
    )
    return [_strike_in_chunk(stages[at], written, wait, choose.random()) for at, written, wait in points]


def _strike_in_chunk(stage: str, written: int, wait: float, pick: float) -> Point:
    """Kill a process `wait` seconds after `stage` is seen to have written so many chunks, one of them not yet."""
    seen: list[float] = []

    def strike(folder: Path, pid: int) -> int | None:
        if running_stage(folder) != stage or len(list(folder.glob(f"work/{stage}-*/data/part-*.parquet"))) < written:
            return None
        if not seen:
            seen.append(time.monotonic())
        if time.monotonic() < seen[0] + wait:
            return None
        processes = [pid, *descendants(pid)]
        return processes[int(pick * len(processes))]

    return strike


def _is_done(folder: Path, stage: str) -> bool:
    return any(read_json(path)["status"] == "done" for path in _records(folder) if _stage_of(path) == stage)


def _records(folder: Path) -> list[Path]:
    return sorted(folder.glob("work/*/stage.json"), key=lambda path: path.stat().st_mtime)


def _stage_of(record: Path) -> str:
    return record.parent.name.rpartition("-")[0]


def stage_seconds(folder: Path) -> dict[str, float]:
    """How long each stage of a finished build took, in the order of the build."""
    return {_stage_of(path): float(read_json(path)["seconds"]) for path in _records(folder)}


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file of a project but its logs, by path; paths inside text files are those of no machine."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.name != "kills.log" and not set(name.parts) & set(NOT_COMPARED):
            found[name.as_posix()] = hashlib.sha256(_comparable(path, folder)).hexdigest()
    return found


def _comparable(path: Path, folder: Path) -> bytes:
    if path.name == "stage.json":
        return repr(sorted(_without_times(read_json(path)).items())).encode()
    data = path.read_bytes()
    if path.suffix in (".json", ".yaml"):
        for name in {folder.name, *TWINS}:  # stages of a copied project name the folder they were made in
            data = data.replace(str(folder.parent / name).encode(), b"PROJECT")
    return data


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in OF_ONE_RUN}


def repeated_ids(folder: Path) -> Iterator[str]:
    """Ids that stand more than once in the rows of a stage."""
    for stage in sorted(folder.glob("work/*/data")):
        if parquet_files(stage):
            counts = Counter(row["id"] for row in read_rows(stage, ["id"]) if "id" in row)
            yield from (f"{stage.parent.name}: {row}" for row, count in counts.items() if count > 1)


def differences(undisturbed: Path, killed: Path) -> list[str]:
    """Files that only one of two projects has, or that differ, and ids that a stage holds twice."""
    before, after = contents(undisturbed), contents(killed)
    return [
        *(f"missing: {name}" for name in before.keys() - after.keys()),
        *(f"stray: {name}" for name in after.keys() - before.keys()),
        *(f"differs: {name}" for name in before.keys() & after.keys() if before[name] != after[name]),
        *(f"twice: {identity}" for identity in repeated_ids(killed)),
    ]


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
    Killed(first, [[*build[0], "model-backward", str(first), *build[1]]]).run([])
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
        found = differences(check.first, check.second)
        compared = len(contents(check.first))
    for hit, count in Counter(check.hits).most_common():
        print(f"{count:>4}  {hit}")  # noqa: T201 - the result of this program
    print(f"{len(check.hits)} kills, {check.plain:.0f} s undisturbed, {check.disturbed:.0f} s with them")  # noqa: T201
    print("\n".join(found) or f"all {compared} files are equal, every id stands once")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
