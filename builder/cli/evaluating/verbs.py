"""The verbs of evaluation: `label`, `evaluate`, `annotations`, `ablate`, `scale`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import prints, progress, reads_project

if TYPE_CHECKING:
    from builder.cli.answer import Answer
    from builder.cli.project import Project
    from builder.recipe.recipe import Recipe


@click.command()
@reads_project(only_looks=True)
@click.option("--rater", default="", help="Who labels; each rater has answers of their own.")
@click.option("--labels", "budget", type=click.IntRange(1), default=250, show_default=True, help="Labels of a rater.")
@click.option("--seed", type=int, default=0, help="Which pairs are drawn, in which order.")
@click.option("--form", is_flag=True, help="Write the sheet as a page for a browser, and for Label Studio.")
@click.option(
    "--answers", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Take what such a page has saved."
)
@click.option("--report", is_flag=True, help="Only say what the labels come to.")
@click.option(
    "--calibration", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Without labels: report.json of another build, whose judge is the same.",
)  # fmt: skip
def label(project: "Project", **asked: Any) -> "Answer":
    """Label pairs of a build by hand, and see how good its selection is."""
    from builder.cli.evaluating.label import Asked, label_pairs

    if sum(bool(asked[name]) for name in ("form", "answers", "report", "calibration")) > 1:
        raise click.UsageError("--form, --answers, --report and --calibration go one at a time")
    return label_pairs(project, Asked(**asked), progress)


PLAN = click.option(
    "--plan", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What is compared.  [default: evaluate.yaml beside the recipe]",
)  # fmt: skip


@click.command()
@reads_project()
@PLAN
@click.option("--with", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the plan.")
@click.option("--commands", is_flag=True, help="Write what alpaca_eval and lm-eval need, with the commands.")
@click.option(
    "--results", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Read results of lm-eval back."
)
@click.option("--statistics", is_flag=True, help="Only count what the build holds: lengths and diversity.")
@click.option("--packets", type=click.Path(path_type=Path, file_okay=False), help="Write packets for people there.")
@click.option(
    "--screening", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --packets: items that all agree on.",
)  # fmt: skip
@click.option(
    "--answered", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True,
    help="With --packets: what a rater has saved; may be given more than once.",
)  # fmt: skip
@click.option(
    "--conformance", type=click.Path(path_type=Path, dir_okay=False), help="Write the paper's tables and ours."
)
def evaluate(project: "Project", **given: Any) -> "Answer":
    """Compare models on prompts, judged in both orders, and make the paper's other tables."""
    from builder.cli.evaluating.evaluate import Options, evaluate_build

    return evaluate_build(project, Options(**given))


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE..."
)
@prints
def annotations(files: tuple[Path, ...]) -> "Answer":
    """Win rates of judgements that AlpacaEval has made, each model against the first."""
    from builder.cli.evaluating.evaluate import read_all

    return read_all(files)


@click.command()
@reads_project()
@click.argument("ablations", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="ABLATIONS")
@PLAN
def ablate(project: "Project", ablations: Path, plan: Path | None) -> "Answer":
    """Build a recipe with one thing after another changed, and compare what comes of it."""
    from builder.cli.evaluating.ablate import ablate_build
    from builder.cli.project import open_project

    def open_recipe(settings: tuple[str, ...]) -> "Recipe":
        overrides = (*project.settings.all, *settings)
        return open_project(project.path, project.option, overrides, as_written=True, say=progress).recipe

    return ablate_build(project, ablations, open_recipe, plan)


@click.command()
@reads_project()
@click.option("--sizes", type=click.IntRange(1), multiple=True, help="Rows to train on; may be given more than once.")
@click.option("--own-steps", is_flag=True, help="Train as the recipe says, and not the paper's steps for each size.")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw the line there, PNG or SVG.")
@PLAN
def scale(
    project: "Project", sizes: tuple[int, ...], own_steps: bool, picture: Path | None, plan: Path | None
) -> "Answer":
    """Train at growing numbers of curated rows, and see how the win rate grows."""
    from builder.cli.evaluating.ablate import scale_build

    return scale_build(project, sizes, plan, papers_steps=not own_steps, picture=picture)


VERBS = (label, evaluate, annotations, ablate, scale)
