"""Training at growing numbers of rows, with the paper's steps, and the line through the win rates (section 3.2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.accounting import Counts, Stats
from builder.data.records import curated_schema, stable_id
from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError
from builder.method.train.stage import ForwardStage, train_curated
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.recipe.sections.training import Schedule
from builder.results.evaluate.comparison.judgements import judgements_of
from builder.results.evaluate.comparison.plan import Contestant, Plan
from builder.results.evaluate.comparison.run import Evaluation, Trained, run_evaluation
from builder.results.evaluate.statistics.scaling import fit, over_prompts
from builder.workspace.workspace import Workspace

VERSION = 1
SIZES = (100, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200)
"""The paper's N."""
PAPERS_ALPHAS = {
    "Humpback": 6.95,
    "WizardLLM": 5.69,
    "Alpaca-GPT4": 5.40,
    "Vicuna": 4.53,
    "Open Assistant": 4.43,
    "LIMA": 2.86,
    "Alpaca": 1.99,
    "FLAN v2": 0.22,
}
"""Of its table 2; the base of its logarithm is not said."""


class Draw(Section):
    """So many rows of a selection."""

    rows: int
    seed: int = 0


def draw_rows(out: Path, config: Draw, curated: Path, *, runtime: Runtime) -> Stats:
    """Draw rows of a selection by the hash of their ids, so that each size holds the smaller ones.

    Args:
        out: Stage folder; `data/` gets the rows, all of them for training.
        config: How many.
        curated: Stage folder of the selection.
        runtime: Unused; every stage takes it.
    """
    rows = [row for row in read_rows(curated / "data") if row["split"] == "train"]
    order = sorted(rows, key=lambda row: stable_id(config.seed, "scale", row["id"]))[: config.rows]
    write_rows(out / "data" / "curated.parquet", sorted(order, key=lambda row: row["id"]), curated_schema())
    counts = Counts(len(rows), len(order))
    counts.dropped["not_drawn"] = len(rows) - len(order)
    return Stats({"pairs": counts})


def run_scaling(
    build: Build,
    plan: Plan,
    workspace: Workspace,
    sizes: Sequence[int] = (),
    *,
    papers_steps: bool = True,
    seed: int = 0,
) -> tuple[Evaluation, dict[int, str]]:
    """Train a model at each size and judge them all.

    Args:
        build: A finished build; rows of its last selection are trained on, without the seed.
        plan: Prompts, reference and judge; its models are left.
        workspace: Of the build's work directory.
        sizes: N; left out, those of the paper that the selection has.
        papers_steps: Whether batch and steps are those that the paper gives for so many rows, and not the recipe's.
        seed: Of the draw.

    Returns:
        The evaluation, and the name of each size's model.

    Raises:
        RecipeError: If a size is larger than the selection, or the plan has no judge.
    """
    if plan.judge is None:
        raise RecipeError("evaluate.yaml has no judge, and sizes are compared by one")
    curated = build.curated[-1]
    most = sum(row["split"] == "train" for row in read_rows(curated.data, ["split"]))
    chosen = sorted(set(sizes)) or [size for size in SIZES if size <= most]
    if not chosen or chosen[-1] > most:
        raise RecipeError(
            f"{curated.stage} has {most:,} rows to train on; the smallest of the paper's sizes is {SIZES[0]}"
        )
    recipe, training = build.recipe, build.recipe.training
    schedule = Schedule(global_batch="paper", steps="paper") if papers_steps else training.schedule
    stage = ForwardStage(base=recipe.base.origin, chat=recipe.chat, recipe=training.forward, schedule=schedule)
    trained: dict[str, Trained] = {}
    names = {size: f"n-{size}" for size in chosen}
    for size, name in names.items():
        rows = workspace.run(f"scale-rows-{size}", draw_rows, Draw(rows=size, seed=seed), curated)
        trained[name] = Trained(workspace.run(f"scale-model-{size}", train_curated, stage, rows), recipe.chat)
    models = [Contestant(name=name, build=0, system="both") for name in names.values()]
    return run_evaluation(plan.model_copy(update={"models": models}), build, workspace, trained), names


def scaling_report(evaluation: Evaluation, names: Mapping[int, str], *, seed: int = 0) -> dict[str, Any]:
    """Win rates in percent by size, and the line through them.

    Args:
        evaluation: Of all sizes.
        names: From `run_scaling`.
        seed: Of the interval over prompts.
    """
    figures = evaluation.figures["models"]
    points = [
        {"rows": size, "win_rate": figures[name]["win_rate"]}
        for size, name in names.items()
        if figures[name]["win_rate"]["value"] is not None
    ]
    scores = {size: judgements_of(evaluation.judged[name].path, "")[0].scores for size, name in names.items()}
    common = [key for key in next(iter(scores.values())) if all(of.get(key) is not None for of in scores.values())]
    by_prompt = {size: [100 * float(of[key] or 0) for key in common] for size, of in scores.items()}
    found = fit([point["rows"] for point in points], [100 * point["win_rate"]["value"] for point in points])
    return {
        "points": points,
        **found,
        "over_prompts": over_prompts(by_prompt, seed=seed) if len(by_prompt) > 1 and common else None,
        "paper": PAPERS_ALPHAS,
    }


def plot_scaling(report: Mapping[str, Any], path: Path) -> None:
    """Draw the points, the line, and lines of the paper's alphas through the first point.

    Args:
        report: From `scaling_report`.
        path: A picture, PNG or SVG.
    """
    import math

    from matplotlib.figure import Figure

    from builder.data.storage import whole_file

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    sizes = [point["rows"] for point in report["points"]]
    rates = [100 * point["win_rate"]["value"] for point in report["points"]]
    axes.plot(sizes, rates, "o", color="#1f4e79", label="this build")
    alpha = report["alpha"]["ln"]["value"]
    if alpha is not None:
        line = [alpha * math.log(size) + report["constant"] for size in sizes]
        axes.plot(sizes, line, color="#1f4e79", label=f"alpha {alpha:.2f} (natural logarithm)")
    for name, value in report["paper"].items():
        slope = [rates[0] + value * math.log(size / sizes[0]) for size in sizes]
        axes.plot(sizes, slope, ":", linewidth=1, label=f"paper: {name} {value:.2f}, if natural")
    axes.set_xscale("log")
    axes.set_xlabel("rows trained on")
    axes.set_ylabel("win rate, %")
    axes.legend(fontsize=7)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=path.suffix.removeprefix("."), dpi=150)
