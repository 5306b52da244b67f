"""What workers and small tasks of the segments stage are worth (`make bench-scale`).

    python scripts/bench_tasks.py [--pages N] [--tasks N]

The same pages are cut by one worker and by two, in turn; and by as many tasks as there are files of one small page, and
by four. Each measurement is a process of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_pages import FILES, SOURCE, page_of, write_crawl  # beside this file

from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime

TURNS = 3


def cut(source: Path, form: str, tasks: int, workers: int) -> None:
    """Cut pages, in this process."""
    given = {"path": str(source), **(SOURCE if form == "jsonl" else {"format": form})}
    config = Segments.model_validate({"sources": [given], "tasks": tasks})
    with tempfile.TemporaryDirectory() as out:
        began = time.monotonic()
        extract_segments(Path(out) / "segments", config, runtime=Runtime(workers=workers))
        print(time.monotonic() - began)


def seconds(source: Path, form: str, tasks: int, workers: int) -> float:
    """What that takes in a process of its own, imports left out."""
    command = [sys.executable, __file__, "--cut", str(source), form, str(tasks), str(workers)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return float(done.stdout.decode().split()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=4_000)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--cut", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cut:
        source, form, tasks, workers = given.cut
        cut(Path(source), form, int(tasks), int(workers))
        return
    with tempfile.TemporaryDirectory() as place:
        crawl, small = Path(place) / "crawl", Path(place) / "small"
        write_crawl(crawl, given.pages)
        small.mkdir()
        for number in range(given.tasks):
            (small / f"{number:05}.html").write_text(page_of(number))
        turns = [[seconds(crawl, "jsonl", FILES, workers) for workers in (1, 2)] for _ in range(TURNS)]
        few, many = (min(seconds(small, "html", tasks, 2) for _ in range(TURNS)) for tasks in (4, given.tasks))
    one, two = (statistics.median(column) for column in zip(*turns, strict=True))
    gains = ", ".join(f"{first / second:.2f}" for first, second in turns)
    print(f"  {given.pages:,} pages: one worker {one:.1f} s, two {two:.1f} s: {one / two:.2f} x (turns: {gains})")
    each = 1_000 * (many - few) / given.tasks
    print(f"  {given.tasks:,} pages in 4 tasks {few:.1f} s, in {given.tasks:,} {many:.1f} s: {each:.1f} ms a task")


if __name__ == "__main__":
    main()
