"""The control of what curation is worth: a model trained on as many rows drawn whatever their score."""

from pathlib import Path

from builder.build import Build
from builder.cli.project import Project
from builder.data.accounting import Counts, Stats
from builder.data.records import curated_schema, stable_id
from builder.data.storage import read_rows, write_rows
from builder.method.train.stage import ForwardStage, train_forward
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.workspace.console import Console
from builder.workspace.stage_names import CURATE, MODEL, uncurated
from builder.workspace.workspace import Artifact, Workspace

VERSION = 1


class Uncurated(Section):
    """How the uncurated rows are drawn."""

    seed: int = 0


def draw_uncurated(out: Path, config: Uncurated, candidates: Path, curated: Path, *, runtime: Runtime) -> Stats:
    """Draw as many candidates as were selected, none of a page that a selection has withheld."""
    test_pages = {row["page_id"] for row in read_rows(curated / "data") if row["split"] == "test"}
    rows = [row for row in read_rows(candidates / "data") if row["page_id"] not in test_pages]
    size = sum(row["split"] == "train" for row in read_rows(curated / "data"))
    drawn = sorted(rows, key=lambda row: stable_id(config.seed, row["id"]))[:size]
    write_rows(out / "data" / "curated.parquet", (row | {"split": "train"} for row in drawn), curated_schema())
    counts = Counts(rows_in=len(rows), kept=len(drawn))
    counts.dropped["not_drawn"] = len(rows) - len(drawn)
    return Stats({"pairs": counts})


def train_uncurated(project: Project, build: Build) -> Artifact:
    """Train a model on the seed and as many uncurated rows as the last iteration selected."""
    recipe = project.recipe
    workspace = Workspace(project.work_dir, recipe.runtime, Console())
    drawn = workspace.run(uncurated(CURATE), draw_uncurated, Uncurated(), build.candidates, build.curated[-1])
    training = recipe.training
    stage = ForwardStage(base=recipe.base.origin, chat=recipe.chat, recipe=training.forward, schedule=training.schedule)
    return workspace.run(uncurated(MODEL), train_forward, stage, build.human, drawn)
