"""Work on rows that needs no model, under whatever executor: it keeps even numbers, or says what it sees around it."""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from builder.data.accounting import Stats
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.batch.runner import run_rows
from builder.recipe.sections.runtime import Runtime, Slurm
from builder.recipe.sections.section import Section
from support.variables import OWN

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])
AROUND = pa.schema([("id", pa.string()), ("own", pa.string()), ("safe_path", pa.bool_()), ("diagnose", pa.bool_())])
HERE = Slurm(partition="any", time="1:00:00", cpus_per_task=1, mem_per_cpu_gb=1)


@dataclass
class OnlyEven:
    """Keeps the even numbers. At the number `at`, what `how` says happens, once in a folder."""

    folder: Path
    how: str = ""
    at: int = -1

    def answer(self, rows, rejects, tick):
        if self.at in [row["n"] for row in rows] and not (self.folder / "happened").exists():
            (self.folder / "happened").touch()
            getattr(self, self.how)()
        rejects.rows.extend({"id": row["id"], "reason": "odd", "text": None} for row in rows if row["n"] % 2)
        return [row for row in rows if row["n"] % 2 == 0]

    def give_up(self, row, reason, rejects):
        raise AssertionError("no row has cost two processes")

    def dies(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def waits(self):
        while not (self.folder / "go_on").exists():
            time.sleep(0.1)

    def cannot(self):
        raise StageError("the model is not where the recipe says")

    def breaks(self):
        raise ValueError("a defect of the code")


def source(folder, count=22):
    write_rows(folder / "source" / "0.parquet", [{"id": f"{n:03}", "n": n} for n in range(count)], SCHEMA)
    return folder / "source"


def written(out):
    files = [path for kind in ("data", "rejected") for path in sorted((out / kind).iterdir())]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def by_one(folder):
    """What one engine in this process writes."""
    run_rows(folder / "one", source(folder), OnlyEven(folder), SCHEMA, Runtime(chunk_rows=4))
    return written(folder / "one")


def under(executor, engines=2, **runtime):
    return Runtime(chunk_rows=4, engines=engines, executor=executor, slurm=HERE, **runtime)


class EvenStage(Section):
    """What a test stage does and where."""

    folder: Path
    how: str = ""
    at: int = -1


def even_stage(out: Path, config: EvenStage, rows: Path, *, runtime: Runtime) -> Stats:
    work = OnlyEven(config.folder, config.how, config.at)
    return Stats({"rows": run_rows(out, rows, work, SCHEMA, runtime)})


def request(rows, settings, **config):
    return {
        "function": f"{__name__}:even_stage",
        "config_type": f"{__name__}:EvenStage",
        "config": config,
        "inputs": [str(rows)],
        "runtime": settings.model_dump(mode="json"),
    }


@dataclass
class Around:
    """Writes the build's own variables as an engine has them, and what Python and loguru have made of two of them."""

    names: list[str]

    def answer(self, rows, rejects, tick):
        from loguru import _defaults

        own = json.dumps({name: os.environ.get(name) for name in self.names})
        flags = {"safe_path": sys.flags.safe_path, "diagnose": _defaults.LOGURU_DIAGNOSE}
        return [{"id": row["id"], "own": own, **flags} for row in rows]

    def give_up(self, row, reason, rejects):
        raise AssertionError


def told_by(executor, tmp_path):
    settings = under(executor, engines=1, threads=3)
    run_rows(tmp_path / "out", source(tmp_path, 4), Around([*OWN, "HF_HOME"]), AROUND, settings)
    (told,) = {tuple(row.values())[1:] for row in read_rows(tmp_path / "out" / "data")}
    return json.loads(told[0]), *told[1:]
