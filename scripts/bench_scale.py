"""Time and memory of what holds, joins or sorts all rows, by their number (`make bench-scale`).

    python scripts/bench_scale.py [--rows 10000 100000 1000000] [--base COMMIT] [--only NAME ...]

Rows are random text in the schemas of the stages (see `finished_build` and `bench_dedup`), or sections of pages (see
`bench_pages`); no model runs. Each measurement is a process of its own; its memory is the most that it and what it has
started held at a time, shared pages counted once (PSS, looked at five times a second). The slope is that of a straight
line through the logarithms of rows and seconds: 1 for time in proportion to the rows. With `--base` the program of that
commit takes its turn on the same rows.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from bench_dedup import write_segments  # beside this file
from bench_pages import FILES, SECTIONS, SOURCE, write_crawl
from bench_release import worktree
from finished_build import Cut, write_build

from builder.cli.project import open_project
from builder.data.storage import count_rows
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.stage import extract_segments
from builder.method.curate.curate import select
from builder.recipe.sections.corpus import Dedup, Segments
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.runtime import Runtime
from builder.workspace.processes import descendants
from builder.workspace.stage_names import score

ROOT = Path(__file__).parents[1]
LOOK_SECONDS = 0.2
ROWS = (10_000, 100_000, 1_000_000)
MOST_OF_PAGES = 100_000
"""Rows above which no pages are cut for them: what is done to pages takes them one by one."""
OF_PAGES = ("segments", "release standoff", "hydrate")
SEED_ROWS = 3_200
"""As many as the paper's."""
SELECTIONS = {
    "curate threshold": {"judge": "likelihood", "threshold": -2.0},
    "curate top": {"judge": "likelihood", "top": 5_000},
    "curate share": {"judge": "likelihood", "share": 0.1},
    "curate per_domain": {"judge": "likelihood", "share": 0.1, "per_domain": 100},
    "curate near_duplicates": {"judge": "likelihood", "share": 0.1, "near_duplicates": 0.7},
}
COMMANDS = {
    "plan": ("plan", "project"),
    "show": ("show", "project"),
    "show iterations": ("show", "project", "iterations"),
    "release": ("release", "project", "--version", "1.0.0", "--out", "releases"),
    "report": ("report", "project", "--out", "report.html"),
    "check": ("check", "project"),
    "release standoff": ("release", "standoff", "--version", "1.0.0", "--out", "standoff-releases"),
    "hydrate": ("hydrate", "standoff-releases", "--corpus", "crawl", "--out", "hydrated"),
}


class Run(NamedTuple):
    """What one process took: seconds on the clock, and megabytes of all processes together."""

    seconds: float
    megabytes: float


def inputs(folder: Path, rows: int) -> None:
    """Write the segments and the build that everything is measured on."""
    write_segments(folder / "segments", rows)
    write_build(folder / "project", rows, SEED_ROWS)
    if rows > MOST_OF_PAGES:
        return
    write_crawl(folder / "crawl", rows // SECTIONS + 1)
    source = {"path": str(folder / "crawl"), **SOURCE}
    extract_segments(folder / "cut", segments_of(folder), runtime=Runtime(workers=2))
    cut = Cut(source, folder / "cut")
    write_build(folder / "standoff", count_rows(cut.segments / "data"), SEED_ROWS, "standoff", cut)


def segments_of(folder: Path) -> Segments:
    """How the crawl is cut."""
    source = {"path": str(folder / "crawl"), **SOURCE}
    return Segments.model_validate({"sources": [source], "tasks": FILES})


def measurements() -> dict[str, Callable[[Path], list[str]]]:
    """By name the words of a command, given the folder of the rows."""
    own = [sys.executable, __file__, "--measured"]
    found: dict[str, Callable[[Path], list[str]]] = {
        name: lambda folder, name=name: [*own, name, str(folder)]  # type: ignore[misc]
        for name in ("segments", "dedup", *SELECTIONS)
    }
    for name, words in COMMANDS.items():
        found[name] = lambda folder, words=words: [sys.executable, "-P", "-m", "builder", *words]  # type: ignore[misc]
    return found


def work(name: str, folder: Path) -> None:
    """Do what is measured, in this process."""
    if name == "segments":
        extract_segments(folder / "out" / "segments", segments_of(folder), runtime=Runtime(workers=2))
        return
    if name == "dedup":
        deduplicate(folder / "out" / "dedup", Dedup(), folder / "segments", runtime=Runtime())
        return
    stages = open_project(folder / "project", trust=True).look_at_build().artifacts
    config = Curate.model_validate(SELECTIONS[name])
    given = (stages["augment"].path, stages[str(score(1, "likelihood"))].path)
    select(folder / "out" / name, config, *given, runtime=Runtime())


def measured(command: Sequence[str], folder: Path, code: Path) -> Run:
    """Run a command with the program of a checkout.

    Raises:
        SystemExit: If it fails.
    """
    for left in ("out", "releases", "hydrated", *(["standoff-releases"] if "standoff" in command else [])):
        shutil.rmtree(folder / left, ignore_errors=True)
    log, environment = folder / "said.txt", os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    with log.open("wb") as said:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        most = 0.0
        while child.poll() is None:
            most = max(most, sum(map(held, [child.pid, *descendants(child.pid)])))
            time.sleep(LOOK_SECONDS)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {child.returncode}:\n{log.read_text()[-2_000:]}")
    return Run(time.monotonic() - began, most)


def held(pid: int) -> float:
    """Megabytes of a process, those that it shares with others by halves and thirds."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def slope(rows: Sequence[int], seconds: Sequence[float]) -> float:
    """Of the straight line through the logarithms, by least squares."""
    return statistics.linear_regression(list(map(math.log, rows)), list(map(math.log, seconds))).slope


def grown(runs: dict[int, Run]) -> float:
    """Bytes of memory that a row more takes, between the two largest numbers of rows."""
    (few, less), (many, more) = list(runs.items())[-2:]
    return (more.megabytes - less.megabytes) * 2**20 / (many - few)


def lines(found: dict[str, dict[str, dict[int, Run]]], rows: Sequence[int]) -> Iterator[str]:
    """A table: of each measurement and program seconds and megabytes by rows, the slope, and bytes that a row takes."""
    yield f"{'':<24}{'':<10}" + "".join(f"{f'{number:,} rows':>22}" for number in rows) + f"{'slope':>8}{'B a row':>9}"
    for name, codes in found.items():
        for code, runs in codes.items():
            told = {number: f"{run.seconds:,.1f} s {run.megabytes:,.0f} MB" for number, run in runs.items()}
            cells = "".join(f"{told.get(number, ''):>22}" for number in rows)
            if len(runs) > 1:
                cells += f"{slope(list(runs), [run.seconds for run in runs.values()]):8.2f}{grown(runs):9,.0f}"
            yield f"{name:<24}{code:<10}{cells}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--base", help="a commit whose program takes its turn")
    parser.add_argument("--only", nargs="+", choices=list(measurements()))
    parser.add_argument("--write", type=Path, help="where the figures go as JSON")
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measured", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.made:
        inputs(given.made, given.rows[0])
        return
    if given.measured:
        work(given.measured[0], Path(given.measured[1]))
        return
    found: dict[str, dict[str, dict[int, Run]]] = {}
    with tempfile.TemporaryDirectory() as place:
        before = worktree(given.base, Path(place) / "before") if given.base else nullcontext(None)
        with before as checkout:
            codes = ({given.base: checkout} if checkout else {}) | {"here": ROOT}
            for rows in given.rows:
                folder = Path(place) / str(rows)
                # The rows in memory are no part of what is measured: they have a process of their own.
                subprocess.run([sys.executable, __file__, "--rows", str(rows), "--made", folder], check=True)
                for name, command in measurements().items():
                    if name in (given.only or measurements()) and (rows <= MOST_OF_PAGES or name not in OF_PAGES):
                        for code, path in codes.items():
                            run = measured(command(folder), folder, path)
                            found.setdefault(name, {}).setdefault(code, {})[rows] = run
                            sys.stderr.write(f"{name}, {rows:,} rows, {code}: {run.seconds:.1f} s\n")
                shutil.rmtree(folder)
    sys.stdout.write("\n".join([*lines(found, given.rows), ""]))
    if given.write:
        given.write.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
