"""Time and memory of `humpback check` on inputs of any size (`make bench-check`).

    python scripts/bench_check.py [--pairs 1000000] [--archives 10000]

A recipe of the quickstart is given a million seed rows and ten thousand archives. Two checks are measured: one of a
recipe with a mistake in a key, which no input is opened for, and the whole one. Each is run three times; the best of
its times is shown, as other programs only make it longer, and the most of its memory. The code of the package is
compiled from the second run on, as pip compiles what it installs. It exits with 1 over a limit.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from builder.cli.init import write_recipe_folder

RUNS = 3
LIMITS = {"recipe": (0.5, 500), "whole": (30.0, 500)}
"""Seconds and megabytes that each check may take."""


class Run(NamedTuple):
    """What one check took: seconds on the clock and of the processor, megabytes of memory at most, and its answer."""

    seconds: float
    processor: float
    megabytes: float
    said: str


def write_inputs(folder: Path, pairs: int, archives: int) -> Path:
    """The quickstart's recipe with so many seed rows in one file and so many archives."""
    write_recipe_folder(folder)
    with (folder / "seed" / "pairs.jsonl").open("w", encoding="utf-8") as handle:
        for number in range(pairs):
            row = {"instruction": f"Name {number} things that float.", "output": f"Boats float, {number} of them. " * 8}
            handle.write(f"{json.dumps(row)}\n")
    given = sorted((folder / "corpus" / "warc").rglob("*.warc.gz"))
    for number in range(archives):
        shutil.copyfile(given[number % len(given)], folder / "corpus" / "warc" / f"{number:05}.warc.gz")
    return folder


def check(folder: Path, *arguments: str) -> Run:
    """Check the recipe in a process of its own, as a user does."""
    with tempfile.TemporaryFile("w+") as said:
        started = time.monotonic()
        command = [sys.executable, "-m", "builder", "check", str(folder), *arguments]
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=_environment())
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        said.seek(0)
        return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said.read().strip())


def _environment() -> dict[str, str]:
    """That of this process, in which Python keeps compiled code whatever it says."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def over(name: str, seconds: float, megabytes: float) -> bool:
    """Whether a check took more than its limit."""
    return seconds > LIMITS[name][0] or megabytes > LIMITS[name][1]


def main() -> None:
    """Print a line for each check, and what the whole one says; exit with 1 if one took more than its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--archives", type=int, default=10_000)
    given, above = parser.parse_args(), list[str]()
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_inputs(Path(scratch) / "project", given.pairs, given.archives)
        for name, arguments in (("recipe", ("--set", "misspelt=1")), ("whole", ())):
            runs = [check(folder, *arguments) for _ in range(RUNS)]
            seconds, processor = min(run.seconds for run in runs), min(run.processor for run in runs)
            memory, limits = max(run.megabytes for run in runs), LIMITS[name]
            print(
                f"{name}: {seconds:.2f} s, {processor:.2f} s of the processor (limit {limits[0]:g} s), "
                f"{memory:.0f} MB (limit {limits[1]} MB)"
            )
            above += [name] if over(name, seconds, memory) else []
        print(runs[-1].said)
    if above:
        sys.exit(f"over the limit: {', '.join(above)}")


if __name__ == "__main__":
    main()
