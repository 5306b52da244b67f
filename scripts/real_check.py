"""Planted truth on real text: do the judges of a finished build tell good pairs from bad ones?

    make real-check BUILD=FOLDER

From the texts of a build with a real model, pairs are made whose label is known; every judge scores them through the
build's own stages, under M_0, M_1, and crosswise as with `training.cross_fit`. docs/method.md says what is good, what
is bad, and how it is measured. All of it is kept in `real-check/` of the build's folder: a second run does nothing
again.
"""

import argparse
import sys
from pathlib import Path

from children import let_children_find_scripts
from page_block import write_block
from planted.columns import columns
from planted.judging import Judging, Parts
from planted.measures import Measured, measure
from planted.plant import Part, Planting, code_digest, plant, read_truth, take_part
from planted.siblings import Siblings, choose_siblings
from planted.table import LEAST_PAIRS, report

from builder.build import Build
from builder.cli.project import open_project
from builder.data.records import Row
from builder.data.storage import write_text
from builder.errors import BuilderError, StageError
from builder.method.augment.stage import AugmentStage, augment
from builder.workspace import stage_names as names
from builder.workspace.console import Console
from builder.workspace.locks import locked
from builder.workspace.workspace import Workspace

CHUNK = 32
"""Pairs that are scored and written together: what is lost when a run is stopped."""
FOLDER = "real-check"
SHARE = 0.1
"""The share at which precision is told where the recipe selects by something else."""


def options() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="folder of a finished build")
    parser.add_argument("--pairs", type=int, default=416, help="labelled pairs (%(default)s)")
    parser.add_argument("--rated", type=int, default=416, help="of these for judges with a rubric (%(default)s)")
    parser.add_argument("--spoken", type=int, default=96, help="of these for judges that write (%(default)s)")
    parser.add_argument("--max-tokens", type=int, default=400, help="tokens of a text at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the planting (%(default)s)")
    parser.add_argument(
        "--crossed", action=argparse.BooleanOptionalAction, default=True, help="train and ask a model of each half too"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table in its place on this page")
    return parser


def open_build(folder: Path) -> tuple[Build, str]:
    """The build in a folder, with the name of its recipe.

    Raises:
        StageError: If a stage that is needed is not done.
    """
    project = open_project(folder)
    build = project.look_at_build()
    needed = (build.extracted, build.backward, build.candidates, *build.models[:2], build.curated[0])
    missing = [artifact.stage for artifact in needed if artifact.status != "done"]
    if missing:
        raise StageError(f"{folder}: not built yet: {', '.join(missing)}; run {project.command('build')}")
    return build, project.recipe.name


def planted(workspace: Workspace, build: Build, planting: Planting, rated: int, spoken: int) -> Parts:
    """Make the pairs, and take the first ones for the slow judges."""
    recipe, sources = build.recipe, (build.candidates, build.extracted)
    beside = workspace.run("siblings", choose_siblings, Siblings(seed=planting.seed), *sources)
    asked = []
    if beside.data.is_dir():
        stage = AugmentStage(augment=recipe.augment, engine=recipe.engine, chat=recipe.chat)
        asked = [workspace.run(names.AUGMENT, augment, stage, beside, build.backward)]
    whole = workspace.run("planted", plant, planting, *sources, build.backward, *asked)
    few, fewest = (workspace.run(f"planted-{size}", take_part, Part(pairs=size), whole) for size in (rated, spoken))
    return Parts(whole, few, fewest)


def check(folder: Path, given: argparse.Namespace) -> tuple[str, list[Row], list[Measured]]:
    """Plant, judge and measure; the report, what each pair is, and the figures."""
    build, name = open_build(folder)
    runtime = build.recipe.runtime.model_copy(update={"chunk_rows": CHUNK})
    root = folder / FOLDER
    planting = Planting(seed=given.seed, pairs=given.pairs, max_tokens=given.max_tokens, code=code_digest())
    with locked(root), Console() as console:
        workspace = Workspace(root, runtime, console)
        parts = planted(workspace, build, planting, given.rated, given.spoken)
        judging = Judging(workspace, build, crossed=given.crossed, say=_say)
        scored = judging.judge(parts)
    truth = read_truth(parts.all.path)
    share = build.recipe.curate.share or SHARE
    measured = measure(truth, list(columns(truth, scored, given.seed)), share)
    return report(name, planting, truth, measured, share), truth, measured


def _say(line: str) -> None:
    sys.stderr.write(f"real-check: {line}\n")
    sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and write it where it was asked for; the exit code."""
    given = options().parse_args(arguments)
    let_children_find_scripts()
    try:
        text, truth, _ = check(given.build, given)
        write_text(given.build / FOLDER / "table.md", text)
        sys.stdout.write(text)
        if given.write is not None and len(truth) < LEAST_PAIRS:
            raise StageError(f"{len(truth)} pairs are too few for {given.write}: it is for at least {LEAST_PAIRS}")
        if given.write is not None:
            write_block(given.write, "make real-check", text)
    except BuilderError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
