"""What `humpback plan --calibrate` says of the quickstart's build, beside the time that the build then takes.

    make calibration-check [ROUNDS=3]

Each round writes the recipe into a fresh folder, calibrates there, and builds at once. A ratio is the time of the build
by what was said; it must lie between 1/1.5 and 1.5. What else runs on the machine counts: a round whose load changes
between its two halves says nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HUMPBACK = [sys.executable, "-m", "builder"]
WITHIN = 1.5


def run(*arguments: object) -> tuple[str, float]:
    """What a command prints, and how many seconds it takes; its progress goes where ours goes."""
    begun = time.monotonic()
    done = subprocess.run([*HUMPBACK, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout, time.monotonic() - begun


def one_round(folder: Path, seconds: float) -> dict[str, Any]:
    """Calibrate and build once; what was said and what it took, in all and by stage."""
    run("init", folder)
    said, calibrating = run("plan", folder, "--calibrate", "--seconds", seconds, "--json")
    load = os.getloadavg()[0]
    built, took = run("build", folder, "--json")
    expected = json.loads(said)
    stages = {item["stage"]: item["seconds"]["mid"] for item in expected["stages"]}
    return {
        "calibrating": calibrating,
        "expected": expected["total"]["seconds"],
        "took": took,
        "loads": (load, os.getloadavg()[0]),
        "stages": {name: (stages[name], stage["seconds"]) for name, stage in json.loads(built).items()},
    }


def ratio_line(number: int, found: dict[str, Any]) -> str:
    """A round in a line."""
    expected, loads = found["expected"], found["loads"]
    return (
        f"round {number}: said {expected['mid']:.0f} s ({expected['low']:.0f} to {expected['high']:.0f}), took "
        f"{found['took']:.0f} s, ratio {found['took'] / expected['mid']:.2f}; calibrated in "
        f"{found['calibrating']:.0f} s; load {loads[0]:.1f} before the build, {loads[1]:.1f} after it"
    )


def is_within(found: dict[str, Any]) -> bool:
    """Whether the time was told well enough."""
    return 1 / WITHIN <= found["took"] / found["expected"]["mid"] <= WITHIN


def main() -> None:
    """Print a line for each round, and its stages; exit with 1 if a round is not within the factor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    good = True
    for number in range(1, given.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            found = one_round(Path(folder) / "quickstart", given.seconds)
        print(ratio_line(number, found), flush=True)
        for name, (said, took) in found["stages"].items():
            print(f"  {name:<20} said {said:7.1f} s, took {took:7.1f} s", flush=True)
        good = good and is_within(found)
    sys.exit(not good)


if __name__ == "__main__":
    main()
