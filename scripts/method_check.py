"""`make method-check`: the method on three fresh worlds, each with a base model of its own, figures with spread.

No setting was chosen on these seeds. Beside M_0 ... M_N it trains one model on as many uncurated rows
as the last selection has: what curation is worth, like with like. It also makes the last selection again with
`training.cross_fit`, by models that have not trained on the pairs they score.
"""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from children import let_children_find_scripts
from pretrain import pretrain

from builder.build import Build
from builder.cli.init import copy_recipe
from builder.cli.project import Project, build_project, open_project
from builder.data.accounting import Counts, Stats
from builder.data.records import curated_schema, stable_id
from builder.data.storage import read_rows, write_rows
from builder.method.train.stage import ForwardStage, train_forward
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.sample.generate import sample_world, write_sample
from builder.sample.report import measure, read_truth, well_formed_shares
from builder.workspace.console import Console
from builder.workspace.stage_names import CURATE, MODEL, curate, uncurated
from builder.workspace.workspace import Artifact, Workspace

VERSION = 1
SEEDS = (11, 12, 13)
OVERRIDES = ("segments.sources=[{path: corpus/warc, format: warc}]", "curate.share=0.45")


class Uncurated(Section):
    """How the uncurated rows are drawn."""

    seed: int = 0


def draw_uncurated(out: Path, config: Uncurated, candidates: Path, curated: Path, *, runtime: Runtime) -> Stats:
    """Draw as many candidates as were selected, whatever their score, and mark the same pages as withheld."""
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
    control = Uncurated()
    drawn = workspace.run(uncurated(CURATE), draw_uncurated, control, build.candidates, build.curated[-1])
    training = recipe.training
    stage = ForwardStage(base=recipe.base.origin, chat=recipe.chat, recipe=training.forward, schedule=training.schedule)
    return workspace.run(uncurated(MODEL), train_forward, stage, build.human, drawn)


def select_crossed(folder: Path) -> Build:
    """Select with cross-fitted scores from the same candidates; stages that are the same are not run again."""
    project = open_project(folder, overrides=(*OVERRIDES, "training.cross_fit=true"), as_written=True)
    return build_project(project, until=str(curate(project.recipe.iterations)))


def share_again(curated: Sequence[Artifact]) -> float:
    """Share of A_{N-1} that is in A_N again: a model prefers the rows it was trained on."""
    before, now = ({row["id"] for row in read_rows(artifact.data)} for artifact in curated[-2:])
    return len(before & now) / len(before)


def check_world(folder: Path, seed: int) -> dict[str, float]:
    """Pretrain, generate, build and measure one world; what is there already is not done again."""
    base = folder / "pretrained"
    if not (base / "config.json").is_file():
        pretrain(seed, base)
    copy_recipe(folder)
    write_sample(folder, seed, base)
    project = open_project(folder, overrides=OVERRIDES, as_written=True)
    build, iterations = build_project(project), project.recipe.iterations
    models = [build.models[0], build.final, train_uncurated(project, build)]
    shares = well_formed_shares(project.recipe, project.work_dir, models, sample_world(seed))
    truth = read_truth(folder / "truth.jsonl")
    figures = measure(build, truth, shares)
    planted = figures.selections[0].planted
    crossed = select_crossed(folder)
    cross_fitted = measure(crossed, truth, {}).selections[-1]
    return {
        "instructions exactly right (clean)": figures.exact["clean"],
        "clean without curation": planted["clean"] / planted.total(),
        **{f"precision of A_{t}": selection.precision for t, selection in enumerate(figures.selections, 1)},
        **{f"recall of A_{t}": selection.recall for t, selection in enumerate(figures.selections, 1)},
        f"precision of A_{iterations}, cross-fitted": cross_fitted.precision,
        f"recall of A_{iterations}, cross-fitted": cross_fitted.recall,
        f"A_{iterations - 1} again in A_{iterations}": share_again(build.curated),
        f"A_{iterations - 1} again in A_{iterations}, cross-fitted": share_again(crossed.curated),
        **{f"well-formed answers of {name}": share for name, share in figures.well_formed.items()},
    }


def main(folder: Path) -> None:
    """Check all worlds and print a table: each seed, mean and standard deviation."""
    worlds = [check_world(folder / f"seed-{seed}", seed) for seed in SEEDS]
    lines = [f"{'':<38}" + "".join(f"{f'seed {seed}':>9}" for seed in SEEDS) + f"{'mean':>9}{'sd':>8}"]
    for name in worlds[0]:
        values = [world[name] for world in worlds]
        cells = "".join(f"{value:>9.3f}" for value in values)
        lines.append(f"{name:<38}{cells}{statistics.mean(values):>9.3f}{statistics.stdev(values):>8.3f}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    # Children import stages by name, and here this module's name is `__main__`.
    from method_check import main as run_checks

    let_children_find_scripts()
    run_checks(Path(sys.argv[1] if sys.argv[1:] else "runs/method-check"))
