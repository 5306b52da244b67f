"""A build whose stages need no model: it goes the whole way of a real one, from the command line to engines and ranks.

Run as: python -m support.light_build build RECIPE --until answers ... The stages wait for their turn, so that a test
knows what is in hand when it strikes.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa

from builder.data.accounting import Counts, Stats
from builder.data.storage import write_rows, write_text
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section

VERSION = 1
CHUNK = 2
TURNS = "LIGHT_BUILD_TURNS"
"""Variable that names the folder where `now` says how many turns there are, and a process which turn it waits for."""
SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])


class Light(Section):
    """Configuration of the stages: how many turns their work takes."""

    turns: int = 80


def make_rows(out: Path, config: Light, *, runtime: Runtime) -> Stats:
    rows = [{"id": f"{n:05d}", "n": n} for n in range(config.turns * CHUNK)]
    write_rows(out / "data" / "rows.parquet", rows, SCHEMA)
    return Stats({"rows": Counts(len(rows), len(rows))})


def answer_rows(out: Path, config: Light, source: Path, *, runtime: Runtime) -> Stats:
    from builder.llm.batch.runner import run_rows

    return Stats({"rows": run_rows(out, source / "data", Squares(), SCHEMA, runtime)})


def train_ranks(out: Path, config: Light, source: Path, *, runtime: Runtime) -> Stats:
    from builder.method.train.launch import train_under_launcher

    write_text(out / "sft.yaml", f"turns: {config.turns}\n")
    train_under_launcher(out, ["--config", str(out / "sft.yaml")], runtime)
    steps = sorted((out / "training").glob("step-*"))
    write_text(out / "data" / "model.txt", "".join(step.read_text() for step in steps))
    shutil.rmtree(out / "training")
    return Stats({"rows": Counts(len(steps), len(steps))})


@dataclass
class Squares:
    """What engines do; each has a process that knows nothing of the build, as the core of an engine."""

    loads_model = False
    alone: bool = True

    def answer(self, rows, rejects, tick):
        if self.alone:
            self.alone = False
            start_stray()
        wait_for_turn(rows[0]["n"] // CHUNK)
        return [row | {"n": row["n"] ** 2} for row in rows]

    def give_up(self, row, reason, rejects):
        rejects.add(row["id"], reason)
        return []


def start_stray() -> None:
    subprocess.Popen(["sleep", "600"], start_new_session=True)


def wait_for_turn(turn: int) -> None:
    folder = Path(os.environ[TURNS])
    (folder / f"{os.getpid()}.tmp").write_text(str(turn))
    (folder / f"{os.getpid()}.tmp").rename(folder / f"{os.getpid()}.waits")
    while int((folder / "now").read_text()) <= turn:
        time.sleep(0.02)


def run_stages(recipe, workspace):
    from builder.build import Build
    from support import light_build as here  # by name, where a child finds it

    rows = workspace.run("rows", here.make_rows, here.Light())
    work = here.train_ranks if recipe.runtime.launcher else here.answer_rows
    workspace.run("answers", work, here.Light(), rows)
    return Build(recipe, dict(workspace.artifacts))


if __name__ == "__main__":
    from builder.cli.main import main

    with patch("builder.build.run_stages", run_stages):
        main()
