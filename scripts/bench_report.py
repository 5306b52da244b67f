"""The page of large builds: its size, how soon it is ready and answers in a browser, and what it takes to write it.

    make bench-report [ROWS=500000]

The builds are made by hand, with texts as long as the paper's. In the browser medians of five are taken.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.browser import chromium
from support.large_build import LargeBuild, reopened, segment

from builder.cli.reference.reasons.table import keys_in
from builder.results.report.content import content_of
from builder.results.report.history import history_of
from builder.results.report.page import write_page
from builder.results.report.rows import of_build, pairs_of
from builder.results.report.subjects import subjects_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE_ROWS = 50_000
TIMES = 5
SLIDE = """const box = document.getElementById('share'); box.value = String((Number(box.value) + 137) % 1000);
box.dispatchEvent(new Event('input'))"""
SEARCH = """const box = document.getElementById('search'); box.value = box.value === 'parba' ? 'sol' : 'parba';
box.dispatchEvent(new Event('input'))"""


def answered(tab: "Page", script: str) -> float:
    """Milliseconds from an input to the frame after its answer; the median."""
    timed = f"""async () => {{ const began = performance.now(); {script};
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return performance.now() - began; }}"""
    return statistics.median(tab.evaluate(timed) for _ in range(TIMES))


def in_browser(page: Path) -> dict[str, float]:
    """What a reader of a page waits for."""
    ready = []
    with chromium() as tab:
        for _ in range(TIMES):
            began = time.monotonic()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready=yes]")
            ready.append(time.monotonic() - began)
        return {
            "MB": page.stat().st_size / 1e6,
            "s until it is ready": statistics.median(ready),
            "ms of the slider": answered(tab, SLIDE),
            "ms of the search": answered(tab, SEARCH),
        }


def written(folder: Path, rows: int) -> dict[str, float]:
    """Write the page of a build that is there, and look one row up; run in a process of its own for its memory."""
    build = reopened(folder)
    began = time.monotonic()
    source = of_build(build)
    write_page(folder / "report.html", content_of(build, source, folder, keys_in), pairs_of(source))
    page = time.monotonic() - began
    # A fork counts words; what it shares with its parent is counted twice.
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6
    began = time.monotonic()
    (subject,) = subjects_of(build, segment(rows // 2))
    history_of(build, subject, folder / "releases", keys_in)
    return {"s to write": page, "GB at most": peak, "s to explain a row": time.monotonic() - began}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--written", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.made:
        LargeBuild(given.made, given.rows)
        return
    if given.written:
        print(json.dumps(written(given.written, given.rows)))
        return
    for rows in (PAGE_ROWS, given.rows):
        with tempfile.TemporaryDirectory() as place:
            # The rows of a build in memory are no part of what the page takes: each has a process of its own.
            own = [sys.executable, __file__, "--rows", str(rows)]
            subprocess.run([*own, "--made", place], check=True)
            command = [*own, "--written", place]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1]) | in_browser(Path(place) / "report.html")
        print(f"{rows:,} candidates: " + ", ".join(f"{value:.2f} {name}" for name, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
