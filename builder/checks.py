"""`humpback check`: everything wrong with a recipe and the files it names, in one message."""

import dataclasses
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from builder.errors import BuilderError, RecipeError
from builder.fingerprint import describe
from builder.llm.prompts import render
from builder.recipe import Recipe, load_recipe
from builder.train import read_training_recipe


def check_recipe(path: Path, overrides: tuple[str, ...] = ()) -> str:
    """Check a recipe, and once it can be read, its TRL recipes, templates and inputs.

    Returns:
        A line that says the recipe is fine, and what could not be checked here.

    Raises:
        RecipeError: With one line for every problem found.
    """
    recipe = load_recipe(path, overrides)
    problems = list(_problems(recipe))
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))
    unchecked = "" if importlib.util.find_spec("trl") else " (TRL is not installed: its keys were not checked)"
    return f"{path}: fine: {recipe.name}, {recipe.iterations} iterations, base {recipe.base.location}{unchecked}"


def _problems(recipe: Recipe) -> Iterator[str]:
    sections = (recipe.base, recipe.chat, *recipe.seed.sources, *recipe.segments.sources, recipe.augment, *recipe.score)
    prompts = [recipe.decontaminate] if recipe.decontaminate else []
    for section in (*sections, *prompts, recipe.segments.model_copy(update={"sources": []})):
        yield from _message(lambda section=section: describe(section))  # type: ignore[misc]
    yield from _message(lambda: render(recipe.augment.template, output="text"))
    for rubric in (judge.rubric for judge in recipe.score if judge.judge != "likelihood"):
        yield from _message(lambda rubric=rubric: render(rubric, instruction="x", output="y"))  # type: ignore[misc]
    for file in dict.fromkeys((recipe.training.forward, recipe.training.backward)):
        yield from _training_problems(file)


def _message(attempt: Callable[[], Any]) -> list[str]:
    """The lines of the error that `attempt` raises, if any."""
    try:
        attempt()
    except BuilderError as error:
        return str(error).splitlines()
    return []


def _training_problems(file: Path) -> list[str]:
    try:
        options = read_training_recipe(file)
    except RecipeError as error:
        return str(error).splitlines()
    if not importlib.util.find_spec("trl"):
        return []
    from trl import ModelConfig, ScriptArguments, SFTConfig

    known = {item.name for config in (SFTConfig, ModelConfig, ScriptArguments) for item in dataclasses.fields(config)}
    return [f"{file}: {key} is not a key of TRL's SFT recipe; remove it" for key in options if key not in known]
