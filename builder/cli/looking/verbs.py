"""The verbs of looking: `report`, `explain`, `watch`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.options import reads_project

if TYPE_CHECKING:
    from builder.cli.answer import Answer
    from builder.cli.project import Project


@click.command()
@reads_project(only_looks=True, or_none=True)
@click.option("--release", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Of a release instead.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="The page.  [default: report.html beside the recipe, or in the folder of the release]",
)  # fmt: skip
def report(project: "Project | None", release: Path | None, out: Path | None) -> "Answer":
    """Write a page of a finished build or of a release: figures, where to cut, rows to read.

    It is a file that loads nothing and sends nothing.
    """
    from builder.cli.looking.report import report_build, report_release

    if project is not None and release is None:
        return report_build(project, out)
    if project is None and release is not None:
        return report_release(release, out)
    raise click.UsageError("name the recipe of a build, or a release with --release FOLDER")


@click.command()
@reads_project(only_looks=True)
@click.argument("wanted", metavar='ID|URL|DOMAIN|"TEXT"')
def explain(project: "Project", wanted: str) -> "Answer":
    """Tell the history of a row: page, rules, duplicates, instruction, scores, selections, releases."""
    from builder.cli.looking.report import explain_row

    return explain_row(project, wanted)


@click.command()
@reads_project(only_looks=True)
@click.option("--rows", type=click.IntRange(0), default=0, show_default=True, help="Show so many of the newest rows.")
@click.option("--every", type=click.FloatRange(0.2), default=2.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Look once.")
def watch(project: "Project", rows: int, every: float, once: bool) -> "Answer":
    """Watch a build that runs, here or on another machine that shares its folder."""
    from builder.cli.looking.watch import watch_build

    return watch_build(project, rows=rows, every=every, once=once)


VERBS = (report, explain, watch)
