"""When `kill_check` strikes, and which process: moments of a stage, or chunks of it, drawn at random."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from builder.data.storage import read_json

BETWEEN = "between stages"

Point = Callable[[Path, int], int | None]
"""Asked again and again with the project's folder and the command's process id; gives the process to kill, or None."""


def running_stage(folder: Path) -> str:
    """The stage that runs, or the release."""
    return next((_stage_of(path) for path in _records(folder) if read_json(path)["status"] == "running"), BETWEEN)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents first."""
    below = []
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    for child in children:
        below += [child, *descendants(child)]
    return below


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
