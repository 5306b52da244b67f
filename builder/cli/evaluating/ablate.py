"""`humpback ablate` and `humpback scale`: the same build with something changed, and with growing numbers of rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.data.storage import write_json
from builder.errors import RecipeError
from builder.recipe.recipe import Recipe
from builder.results.evaluate.comparison.plan import FILE, load_plan
from builder.results.evaluate.statistics.figure import with_interval
from builder.results.evaluate.studies.ablations import (
    evaluate_lines,
    load_ablations,
    refuse_unfit,
    run_ablations,
    table_of,
)
from builder.results.evaluate.studies.scale import plot_scaling, run_scaling, scaling_report
from builder.results.evaluate.tables.conformance import FOLDER
from builder.workspace.console import Console
from builder.workspace.locks import locked
from builder.workspace.workspace import Workspace


def ablate_build(
    project: Project, path: Path, open_recipe: Callable[[tuple[str, ...]], Recipe], plan_file: Path | None
) -> Answer:
    """Build every row of an ablations.yaml and compare their models.

    Args:
        project: The project.
        path: The ablations.yaml.
        open_recipe: The project's recipe with some settings more, once its user trusts what they ask for.
        plan_file: The evaluate.yaml; that beside the recipe where left out, and no comparison without one.

    Raises:
        RecipeError: If a file is wrong.
        StageError: If a stage fails; the same command goes on.
    """
    asked, file = load_ablations(path), plan_file or project.folder / FILE
    plan = load_plan(file) if plan_file or file.is_file() else None
    if plan is not None:
        refuse_unfit(plan, asked.names)
    with locked(project.work_dir), Console() as console:

        def workspace(recipe: Recipe) -> Workspace:
            return Workspace(project.work_dir, recipe.runtime, console)

        lines = run_ablations(asked, open_recipe, workspace)
        figures = None if plan is None else evaluate_lines(lines, plan, workspace).figures
    table = table_of(lines, figures)
    write_json(project.folder / FOLDER / "ablations.json", table)
    return Answer(table, lambda: describe_table(table))


def describe_table(table: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ablations as text; win rates in percent, p values after Holm."""
    heads = f"{'':<20} {'selected':>9} {'seed':>7} {'curated':>8} {'win rate':>20} {'difference':>20} {'p (Holm)':>9}"
    lines = [heads]
    for row in table:
        rate = with_interval(row["win_rate"]) if "win_rate" in row else "-"
        paired = row.get("paired")
        difference, q = (with_interval(paired), f"{paired['q']:.2g}") if paired else ("", "")
        selected = "-" if row["selected"] is None else f"{row['selected']:,}"
        lines.append(
            f"{row['name']:<20} {selected:>9} {row['seed_rows']:>7,} {row['curated_rows']:>8,} {rate:>20} "
            f"{difference:>20} {q:>9}".rstrip()
        )
    return "\n".join(lines)


def scale_build(
    project: Project, sizes: tuple[int, ...], plan_file: Path | None, *, papers_steps: bool, picture: Path | None
) -> Answer:
    """Train at growing numbers of rows, judge, and fit the line.

    Raises:
        RecipeError: If there is no evaluate.yaml, or a size is larger than the selection.
        StageError: If a stage fails; the same command goes on.
    """
    file = plan_file or project.folder / FILE
    if not file.is_file():
        raise RecipeError(f"{file}: is not there; it says which prompts, reference and judge the sizes are compared by")
    plan, build = load_plan(file), project.look_at_build()
    with locked(project.work_dir), Console() as console:
        workspace = Workspace(project.work_dir, project.recipe.runtime, console)
        evaluation, names = run_scaling(build, plan, workspace, sizes, papers_steps=papers_steps, seed=plan.seed)
    report = scaling_report(evaluation, names, seed=plan.seed)
    write_json(project.folder / FOLDER / "scaling.json", report)
    if picture is not None:
        plot_scaling(report, picture)
    return Answer(report, lambda: _describe_scaling(report))


def _describe_scaling(report: Mapping[str, Any]) -> str:
    lines = [f"{'rows':>8} {'win rate':>20}"]
    lines += [f"{point['rows']:>8,} {with_interval(point['win_rate']):>20}" for point in report["points"]]
    for base, of in report["alpha"].items():
        if of["value"] is None:
            return "\n".join([*lines, f"no line: {of['reason']}"])
        between = f" [{of['interval'][0]:.2f}, {of['interval'][1]:.2f}]" if of.get("interval") else ""
        lines.append(f"alpha per {base} {of['value']:.2f}{between}")
    lines.append(f"C {report['constant']:.2f}, R2 {report['r2']:.3f}" if report["r2"] is not None else "")
    over = report["over_prompts"]
    if over and over.get("interval"):
        low, high = over["interval"]
        lines.append(f"alpha per ln, prompts drawn anew, without run-to-run variation: [{low:.2f}, {high:.2f}]")
    return "\n".join(line for line in lines if line)
