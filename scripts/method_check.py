"""`make method-check`: the controlled study, on five fresh worlds with a base model each; means with intervals.

No setting was chosen on these seeds. Every row of the table is the same build with one thing changed, or with another
part of its rows trained on; see `controlled`. Parts of three worlds run at a time, a thread each.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from pathlib import Path

from children import let_children_find_scripts

from builder.data.storage import read_json
from builder.results.evaluate.statistics.significance import t_quantile

SEEDS = (11, 12, 13, 14, 15)
AT_ONCE = 3
"""On two cores: two leave them idle while engines start, and five get into each other's way."""
WITHOUT_COMPILER = {"TORCHDYNAMO_DISABLE": "1"}
"""Each engine compiles one count over the vocabulary, for 4 to 6 s; with 2,048 tokens that is hardly won back."""
COLUMNS = ("precision", "recall", "well_formed")


def run_world(folder: Path, seed: int, part: int, before: Future[int] | None) -> int:
    """Check a part of a world in a process of its own, after the one before; what it says goes to a file."""
    if before is not None and (code := before.result()):
        return code
    place = folder / f"seed-{seed}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "log.txt").open("ab") as log:
        command = [sys.executable, __file__, "--world", str(seed), "--part", str(part), str(folder)]
        done = subprocess.run(command, env=os.environ | WITHOUT_COMPILER, stdout=log, stderr=log, check=False)
    said = "done" if done.returncode == 0 else f"failed; see {place / 'log.txt'}"
    sys.stderr.write(f"method-check: seed {seed}, part {part + 1}: {said}\n")
    return done.returncode


def mean_with_interval(values: Sequence[float]) -> str:
    """The mean over worlds with its t interval of 95 %."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    half = t_quantile(0.95, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.3f} ± {half:.3f}"


def table(figures: Sequence[dict[str, dict[str, dict[str, float | None]]]]) -> str:
    """All rows; the difference of well-formed answers to the first row is of the same worlds."""
    rows = figures[0]["rows"]
    first = next(iter(rows))
    lines = [f"{'':<28}" + "".join(f"{head:>17}" for head in ("precision", "recall", "well-formed", "against joint"))]
    for name in rows:
        cells = []
        for column in COLUMNS:
            values = [of["rows"][name][column] for of in figures]
            known = [value for value in values if value is not None]
            cells.append(mean_with_interval(known) if len(known) == len(figures) else "")
        against = [(of["rows"][name]["well_formed"] or 0) - (of["rows"][first]["well_formed"] or 0) for of in figures]
        cells.append(mean_with_interval(against) if name != first else "")
        lines.append((f"{name:<28}" + "".join(f"{cell:>17}" for cell in cells)).rstrip())
    lines.append("")
    for name in figures[0]["world"]:
        lines.append(f"{name:<38}{mean_with_interval([float(of['world'][name] or 0) for of in figures]):>17}")  # type: ignore[arg-type]
    return "\n".join([*lines, f"(mean ± half of the t interval of 95 % over {len(figures)} worlds)"])


def main() -> None:
    """Check all worlds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs/method-check"))
    given = parser.parse_args()
    let_children_find_scripts()
    from controlled import FILE, PARTS, check_world

    if given.world is not None:
        check_world(given.folder / f"seed-{given.world}", given.world, given.part)
        return
    last: dict[int, Future[int]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Part by part, not world by world: of five worlds two would be left for the end, and take as long as three.
        for part, seed in product(range(len(PARTS)), SEEDS):
            last[seed] = pool.submit(run_world, given.folder, seed, part, last.get(seed))
    if any(future.result() for future in last.values()):
        sys.exit(1)
    sys.stdout.write(table([read_json(given.folder / f"seed-{seed}" / FILE) for seed in SEEDS]) + "\n")


if __name__ == "__main__":
    main()
