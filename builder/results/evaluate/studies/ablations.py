"""Ablations: the same build with something changed, the rest found again; one table (the paper's section 3.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from builder.build import Build, run_stages
from builder.errors import RecipeError
from builder.llm.conversations import Tags
from builder.method.train.stage import ForwardStage, train_curated, train_forward
from builder.recipe.read import read_recipe
from builder.recipe.recipe import Recipe
from builder.recipe.sections.section import Section
from builder.results.evaluate.comparison.plan import Contestant, Name, Plan
from builder.results.evaluate.comparison.run import Evaluation, Trained, run_evaluation
from builder.workspace.workspace import Workspace

CONTROLS = ("random", "longest")
"""What selects as many pairs as the first row, for comparison."""
Value = str | int | float | bool | None | list[Any] | dict[str, Any]


class Row(Section):
    """One line of the table."""

    name: Name
    """Its name."""
    set: dict[str, Value] = Field({})
    """Keys of the recipe with other values, as `curate.share: 0.5`."""
    data: Literal["joint", "seed", "curated"] = "joint"
    """What its model is trained on: seed and curated pairs, or one of them alone."""
    tags: bool = True
    """Whether it is trained with the tags as system prompts; else both are empty."""
    system: Tags | None = None
    """The system prompt that it answers under; left out, both tags, or an empty one if it knows none."""

    @property
    def asked(self) -> Tags:
        """The system prompt that it answers under."""
        return self.system or ("both" if self.tags else "none")


class Ablations(Section):
    """A whole ablations.yaml."""

    rows: Annotated[list[Row], Field(min_length=1)]
    """The first one is what the others are compared with."""
    controls: bool = True
    """Whether `random` and `longest` select as many pairs as the first row, in rows of their own."""

    @property
    def names(self) -> list[str]:
        """Of all rows, the controls among them."""
        return [row.name for row in self.rows] + (list(CONTROLS) if self.controls else [])

    @model_validator(mode="after")
    def _names(self) -> "Ablations":
        names = self.names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two rows are called {twice}; each has a name of its own")
        return self


@dataclass(frozen=True)
class Line:
    """A row that was built.

    Attributes:
        row: What was asked for.
        build: Its build.
        trained: What was trained.
    """

    row: Row
    build: Build
    trained: Trained

    @property
    def selected(self) -> int:
        """Pairs of the last selection."""
        return int(self.build.curated[-1].record["counts"]["pairs"]["kept"])


def load_ablations(path: Path) -> Ablations:
    """Read and check an ablations.yaml.

    Raises:
        RecipeError: With one line for every mistake found.
    """
    return read_recipe(Ablations, path)


def settings_of(row: Row) -> tuple[str, ...]:
    """What a row sets, as settings of the command line."""
    return tuple(
        f"{key}={yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix('...' + chr(10)).strip()}"
        for key, value in row.set.items()
    )


def run_ablations(
    asked: Ablations, open_recipe: Callable[[tuple[str, ...]], Recipe], workspace: Callable[[Recipe], Workspace]
) -> list[Line]:
    """Build every row; what two of them share is built once.

    Args:
        asked: The rows.
        open_recipe: The recipe with some settings.
        workspace: Opens the work directory.

    Raises:
        RecipeError: If a row sets what a recipe has not.
        StageError: If a stage fails; what is done stays.
    """
    lines = []
    for row in asked.rows:
        lines.append(_built(row, open_recipe(settings_of(row)), workspace))
    for name in CONTROLS if asked.controls else ():
        given = asked.rows[0].set | {"curate.judge": name, "curate.top": lines[0].selected, "iterations": 1}
        given = {key: value for key, value in given.items() if key not in ("curate.share", "curate.threshold")}
        row = Row(name=name, set=given)
        lines.append(_built(row, open_recipe(settings_of(row)), workspace))
    return lines


def _built(row: Row, recipe: Recipe, workspace: Callable[[Recipe], Workspace]) -> Line:
    place = workspace(recipe)
    build = run_stages(recipe, place)
    if row.tags and row.data != "curated":
        return Line(row, build, Trained(build.models[0] if row.data == "seed" else build.final, recipe.chat))
    chat = recipe.chat if row.tags else recipe.chat.model_copy(update={"system_seed": "", "system_web": ""})
    training, name = recipe.training, f"ablate-model-{row.name}"
    stage = ForwardStage(base=recipe.base.origin, chat=chat, recipe=training.forward, schedule=training.schedule)
    if row.data == "curated":
        return Line(row, build, Trained(place.run(name, train_curated, stage, build.curated[-1]), chat))
    curated = build.curated[-1:] if row.data == "joint" else []
    return Line(row, build, Trained(place.run(name, train_forward, stage, build.seed, *curated), chat))


def refuse_unfit(plan: Plan, names: Sequence[str]) -> None:
    """Refuse a plan by which rows cannot be compared, before anything is built.

    Args:
        plan: Prompts, reference and judge.
        names: Of all rows.

    Raises:
        RecipeError: If it has no judge, or its reference has the name of a row.
    """
    if plan.judge is None:
        raise RecipeError("evaluate.yaml has no judge, and rows of ablations are compared by one")
    if plan.reference.name in names:
        raise RecipeError(
            f"evaluate.yaml: reference.name is {plan.reference.name}, and a row of ablations is called so; give one of "
            "them another name"
        )


def evaluate_lines(lines: Sequence[Line], plan: Plan, workspace: Callable[[Recipe], Workspace]) -> Evaluation:
    """Let the models of all rows answer, and compare them as the plan says.

    Args:
        lines: What was built.
        plan: Prompts, reference and judge; its models are left.
        workspace: Opens the work directory.

    Raises:
        RecipeError: If the plan has no judge, or its reference has the name of a row.
    """
    refuse_unfit(plan, [line.row.name for line in lines])
    models = [Contestant(name=line.row.name, build=0, system=line.row.asked) for line in lines]
    plan = plan.model_copy(update={"models": models})
    build = lines[0].build
    return run_evaluation(plan, build, workspace(build.recipe), {line.row.name: line.trained for line in lines})


def table_of(lines: Sequence[Line], figures: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A line for each row: what was selected and trained on, and its win rate with the difference to the first row."""
    table = []
    for line in lines:
        name, model = line.row.name, line.trained.model
        details = model.record["details"]
        entry: dict[str, Any] = {
            "name": name,
            "set": line.row.set,
            "data": line.row.data,
            "tags": line.row.tags,
            "asked": line.row.asked,
            "selected": line.selected if line.row.data != "seed" else None,
            "seed_rows": details.get("seed_rows", 0),
            "curated_rows": details.get("curated_rows", 0),
            "model": model.fingerprint,
        }
        if figures is not None:
            entry |= {"win_rate": figures["models"][name]["win_rate"], "paired": figures["paired"].get(name)}
        table.append(entry)
    return table
