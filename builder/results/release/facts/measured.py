"""What the released models were measured at: a comparison with others, and results of lm-eval."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.errors import RecipeError
from builder.results.evaluate.handover.lm_eval import figure_of

Shape = TypeVar("Shape")
Results = dict[str, dict[str, dict[str, Any]]]
"""By model and task the figures of lm-eval."""


class Measured(BaseModel):
    """A part of a file of figures; what else stands there is left."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Rate(Measured):
    """A win rate, from 0 to 1."""

    value: float | None
    n: int
    interval: list[float] | None = None
    standard_error: float | None = None
    wins: int
    draws: int
    losses: int
    unread: int


class Orders(Measured):
    """How often the winner is the same in both orders."""

    value: float | None


class Contested(Measured):
    """A model that was compared; `trained` is the fingerprint of its stage."""

    win_rate: Rate
    orders: Orders
    trained: str | None


class Sampled(Measured):
    """How all models answered."""

    temperature: float
    top_p: float
    max_tokens: int


class Comparison(Measured):
    """A comparison of models, `evaluation/report.json`."""

    models: dict[str, Contested]
    reference: str
    judge: str
    prompts: int
    sampling: Sampled


class Benchmark(Measured):
    """What lm-eval says of a task."""

    acc: float | None = None
    acc_norm: float | None = None
    prompt_level_strict_acc: float | None = None
    n: int | None = None
    version: float | str | None
    shots: int | None
    day: str | None = None


def read_comparison(path: Path) -> Comparison:
    """The file of `release.evaluation`.

    Raises:
        RecipeError: If it is not what `humpback evaluate` writes.
    """
    return _read(path, TypeAdapter(Comparison), "release.evaluation", "humpback evaluate RECIPE")


def read_results(path: Path) -> Results:
    """The file of `release.results`.

    Raises:
        RecipeError: If it is not what `humpback evaluate --results` writes.
    """
    shape = TypeAdapter(dict[str, dict[str, Benchmark]])
    found = _read(path, shape, "release.results", "humpback evaluate RECIPE --results FOLDER")
    return {name: {task: vars(figures) for task, figures in of.items()} for name, of in found.items()}


def _read(path: Path, shape: "TypeAdapter[Shape]", key: str, command: str) -> Shape:
    try:
        refuse_special(path)
        return shape.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: {key} cannot be read ({why_unread(error)}); `{command}` writes it") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"{path}: {key} is not what `{command}` writes: {place}: {first['msg']}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecipeError(f"{path}: {key} is not what `{command}` writes ({error!r})") from error


def figures_of(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The results of a model as lines of a table: `task`, `figure` with its name, `n` items, `shots`."""
    lines = []
    for task, figures in results.items():
        name = figure_of(figures)
        if name is not None:
            line = {"task": task, "name": name, "figure": figures[name]}
            lines.append(line | {key: figures.get(key) for key in ("n", "shots", "version")})
    return lines


def compared(path: Path | None, name: str, fingerprint: str) -> tuple[Comparison, Contested] | None:
    """What a comparison says of a released model; None without one, or if the model is not in it.

    Args:
        path: The file of `release.evaluation`.
        name: The model's folder in the release.
        fingerprint: Of its stage.

    Raises:
        RecipeError: If another model of that name was compared.
    """
    comparison = read_comparison(path) if path else None
    found = comparison.models.get(name) if comparison else None
    if comparison is None or found is None:
        return None
    if found.trained != fingerprint:
        raise RecipeError(
            f"{path}: release.evaluation compares another model called {name} than the build has now; run "
            "`humpback evaluate RECIPE` again, or name its models otherwise in evaluate.yaml"
        )
    return comparison, found
