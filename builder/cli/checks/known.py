"""What is known of a recipe before anything that it names is opened."""

from collections.abc import Iterator
from pathlib import Path

from builder.cli.checks.machine import Lack, Machine
from builder.cli.checks.metadata import language_notes
from builder.cli.checks.running import engine_lacks, executor_lacks, launcher_lacks
from builder.cli.checks.scale import threshold_notes, threshold_problems
from builder.cli.checks.training import training_lacks
from builder.errors import RecipeError
from builder.method.train.recipe import read_training_recipe
from builder.recipe.licences import licence_notes, wider_lines
from builder.recipe.read import recipe_path
from builder.recipe.recipe import Recipe


def known_problems(recipe: Recipe, path: Path) -> Iterator[str]:
    """What would surely end a build, or make a release say what is not so."""
    file = recipe_path(path)
    for problem in (*threshold_problems(recipe), *wider_lines(recipe)[0]):
        yield f"{file}: {problem}"


def known_notes(recipe: Recipe) -> Iterator[str]:
    """What the user should look at."""
    yield from licence_notes(recipe)
    yield from wider_lines(recipe)[1]
    yield from language_notes(recipe)
    yield from threshold_notes(recipe)


def machine_lacks(recipe: Recipe, path: Path) -> Iterator[Lack]:
    """What the recipe, its TRL recipes and its launcher ask for, and is not here."""
    file, machine, training = recipe_path(path), Machine(), recipe.training
    for of_training in dict.fromkeys((training.initial or training.forward, training.forward, training.backward)):
        try:
            options = read_training_recipe(of_training)
        except RecipeError:
            continue  # told where its keys are
        yield from training_lacks(of_training, options, training, recipe.runtime.launcher, machine)
    for lacks in (engine_lacks, executor_lacks, launcher_lacks):
        yield from (Lack(f"{file}: {lack.text}", lack.sure) for lack in lacks(recipe, machine))
