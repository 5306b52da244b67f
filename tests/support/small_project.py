"""A small project in the real form: the sample cut down, a recipe that builds in seconds, and what must hold in it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from builder.cli.init import write_recipe_folder
from builder.data.storage import count_rows, parquet_files, read_json, read_rows, write_json
from support.command_here import command_here

HUMPBACK = [sys.executable, "-m", "builder"]
STAGES = (
    "seed", "segments", "dedup", "model-backward", "augment", "model-0", "score-1-likelihood", "curate-1", "model-1",
)  # fmt: skip
SMALL: dict[str, Any] = {
    "dedup": {"sample": 12},
    "engine": {"kind": "transformers", "dtype": "float32", "max_model_len": 1536},
    "augment": {"max_tokens": 24},
    "curate": {"judge": "likelihood", "share": 0.5, "test_share": 0.0},
    "iterations": 1,
}


def humpback(
    *arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the real command line: in this process, but for an environment of its own."""
    if env is None:
        return command_here(*arguments, cwd=cwd)
    command = [*HUMPBACK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)


def write_small_project(folder: Path) -> Path:
    """The quickstart's recipe with the sample, few rows, one iteration and next to no training."""
    write_recipe_folder(folder)
    # The backward model must at least learn to end an instruction.
    for name, steps in (("sft_backward.yaml", 30), ("sft_forward.yaml", 2)):
        change_yaml(folder / name, max_steps=steps, per_device_train_batch_size=8, max_length=512)
    change_yaml(folder / "build.yaml", **SMALL)
    return folder


def change_yaml(path: Path, **values: Any) -> None:
    """Set top-level keys of a YAML file; a key that is set to None goes."""
    changed = {**yaml.safe_load(path.read_text()), **values}
    path.write_text(yaml.safe_dump({key: value for key, value in changed.items() if value is not None}))


def copy_project(project: Path, folder: Path, *, stages: tuple[str, ...] = STAGES) -> Path:
    """A copy in which the given stages are still cached; files keep the times that fingerprints look at."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("work"), copy_function=shutil.copy2)
    for stage in stages:
        for path in (project / "work").glob(f"{stage}-*"):
            if read_json(path / "stage.json")["stage"] == stage:
                shutil.copytree(path, folder / "work" / path.name, copy_function=shutil.copy2)
    return folder


def stage_folder(project: Path, stage: str) -> Path:
    """The one folder of a stage below `work/`."""
    (folder,) = (
        path.parent for path in (project / "work").glob("*/stage.json") if read_json(path).get("stage") == stage
    )
    return folder


def counts_of(project: Path, stage: str) -> dict[str, Any]:
    """What `stage.json` says of the rows of a stage, by kind."""
    return dict(json.loads((stage_folder(project, stage) / "stage.json").read_text())["counts"])


def forget_files(folder: Path) -> None:
    """Make a finished stage one of a version that did not list its files, so that a test may change them."""
    record = read_json(folder / "stage.json")
    write_json(folder / "stage.json", {key: record[key] for key in record if key not in ("files", "digest")})


def assert_nothing_lost(work: Path) -> None:
    """Every file under a final name is whole, and in every finished stage files and counts agree."""
    for path in parquet_files(work):
        pq.read_metadata(path)
    for path in work.rglob("*.json"):
        if path.name[0] != ".":
            json.loads(path.read_text())
    for path in work.glob("*/stage.json"):
        if (record := read_json(path))["status"] == "done":
            _assert_accounted(path.parent, record)


def _assert_accounted(folder: Path, record: dict[str, Any]) -> None:
    lost = 0
    for kind, counts in record["counts"].items():
        out = sum(counts["dropped"].values()) + sum(counts["failed"].values())
        assert counts["in"] == counts["kept"] + out, (record["stage"], kind)
        lost += out
    rows = count_rows(folder / ("rows" if record["stage"].startswith("model-") else "data"))
    if record["stage"].startswith("score-"):
        assert rows == counts["in"]
        assert lost == sum(row["score"] is None for row in read_rows(folder / "data", ["score"]))
    else:
        assert (rows, count_rows(folder / "rejected")) == (counts["kept"], lost), record["stage"]
