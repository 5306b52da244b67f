"""One world of `make method-check`: a base, a build, and the paper's comparisons on it; what is shared runs once."""

import importlib
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pretrain import pretrain

from builder.build import Build
from builder.cli.init import copy_recipe
from builder.cli.project import open_project
from builder.data.storage import read_rows, write_json
from builder.llm.engines.vllm_start import prepare_environment
from builder.recipe.recipe import Recipe
from builder.results.evaluate.studies.ablations import Ablations, Line, Row, run_ablations
from builder.sample.answers import answer_questions
from builder.sample.generate import sample_world, write_sample
from builder.sample.report import Key, asking, measure, read_truth, share_well_formed
from builder.sample.web import World
from builder.workspace.console import Console
from builder.workspace.locks import locked
from builder.workspace.workers import in_own_process
from builder.workspace.workspace import Artifact, Workspace

OVERRIDES = (
    "segments.sources=[{path: corpus/warc, format: warc}]",
    "curate.share=0.45",
    "score=[{judge: likelihood, prior_weight: [1.0, 0.5]}, {judge: reverse}]",
)
ROWS = [
    Row(name="joint"),
    Row(name="seed-only", data="seed"),
    Row(name="curated-only", data="curated"),
    Row(name="no-curation", set={"curate.share": 1.0, "iterations": 1}),
    Row(name="one-iteration", set={"iterations": 1}),
    Row(name="reverse", set={"curate.judge": "reverse", "iterations": 1}),
    Row(name="cross-fit", set={"training.cross_fit": True}),
    Row(name="asked-none", system="none"),
    Row(name="untagged", tags=False),
]
"""The first one is what the others are held against; `random` and `longest` come by themselves."""
PARTS = (("joint",), ("joint", "cross-fit"), ("joint", "curated-only", "no-curation", "reverse", "untagged"), ())
"""Rows that are built one after the other; in the last part whatever is left, and the answers."""
FILE = "figures.json"
Truth = dict[Key, dict[str, str]]
"""The planted sections by page and header."""


class Figures(NamedTuple):
    """What a row comes to; shares from 0 to 1, None where there is nothing to measure.

    Attributes:
        precision: Of its last selection, among what was planted.
        recall: Of the clean ones.
        well_formed: Of its model's answers.
    """

    precision: float | None
    recall: float | None
    well_formed: float


def check_world(folder: Path, seed: int, part: int) -> None:
    """Pretrain, generate and build one world, a part of `PARTS`; what is there is not done again.

    The last part measures it too, and writes the figures.
    """
    base = folder / "pretrained"
    if not (base / "config.json").is_file():
        pretrain(seed, base)
    copy_recipe(folder)
    write_sample(folder, seed, base)
    project = open_project(folder, overrides=OVERRIDES, as_written=True)
    truth, world = read_truth(folder / "truth.jsonl"), sample_world(seed)
    with locked(project.work_dir), Console() as console:

        def workspace(recipe: Recipe) -> Workspace:
            return Workspace(project.work_dir, recipe.runtime, console)

        def open_recipe(settings: tuple[str, ...]) -> Recipe:
            return open_project(folder, overrides=(*OVERRIDES, *settings), as_written=True).recipe

        if names := PARTS[part]:
            some = [row for row in ROWS if row.name in names]
            run_ablations(Ablations(rows=some, controls=False), open_recipe, workspace)
            return
        lines = run_ablations(Ablations(rows=ROWS), open_recipe, workspace)
    well = well_formed_shares(folder / "answers", lines, world)
    figures = {line.row.name: _figures(line, truth, well[line.row.name])._asdict() for line in lines}
    write_json(folder / FILE, {"rows": figures, "world": world_figures(lines[0].build, lines, truth)})


def well_formed_shares(folder: Path, lines: list[Line], world: World) -> dict[str, float]:
    """The share of well-formed answers of each row's model; answers that are there are not asked for again.

    Each model has a process of its own. All are forks of this one, where the engine is imported already: that takes
    longer than the answers.
    """
    prepare_environment()
    importlib.import_module("vllm.entrypoints.llm")  # vllm itself imports next to nothing
    shares = {}
    for line in lines:
        model, recipe = line.trained.model, line.build.recipe.model_copy(update={"chat": line.trained.chat})
        out = folder / f"{line.row.name}-{model.fingerprint}"
        if not (out / "data" / "answers.parquet").is_file():
            stage = asking(recipe, world, line.row.asked)
            in_own_process(partial(answer_questions, out, stage, model.path, runtime=recipe.runtime))
        shares[line.row.name] = share_well_formed(out / "data", world)
    return shares


def _figures(line: Line, truth: Truth, well: float) -> Figures:
    if line.row.data == "seed":
        return Figures(None, None, well)
    selection = measure(line.build, truth, {}).selections[-1]
    return Figures(selection.precision, selection.recall, well)


def world_figures(joint: Build, lines: list[Line], truth: Truth) -> dict[str, float]:
    """What the table says of the world itself, and of how a model holds on to what it was trained on."""
    figures = measure(joint, truth, {})
    crossed = next(line.build for line in lines if line.row.name == "cross-fit")
    planted = figures.selections[0].planted
    return {
        "instructions exactly right (clean)": figures.exact["clean"],
        "clean without curation": planted["clean"] / planted.total(),
        "precision of A_1": figures.selections[0].precision,
        "recall of A_1": figures.selections[0].recall,
        "A_1 again in A_2": share_again(joint.curated),
        "A_1 again in A_2, cross-fitted": share_again(crossed.curated),
    }


def share_again(curated: list[Artifact]) -> float:
    """Share of A_{N-1} that is in A_N again: a model prefers the rows it was trained on."""
    before, now = ({row["id"] for row in read_rows(artifact.data)} for artifact in curated[-2:])
    return len(before & now) / len(before)
