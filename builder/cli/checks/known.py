"""What is known of a recipe before anything that it names is opened."""

from collections.abc import Iterator
from pathlib import Path

from builder.cli.checks.metadata import language_notes
from builder.cli.checks.scale import threshold_notes, threshold_problems
from builder.recipe.licences import licence_notes, wider_lines
from builder.recipe.recipe import Recipe


def known_problems(recipe: Recipe, path: Path) -> Iterator[str]:
    """What would surely end a build, or make a release say what is not so."""
    file = path / "build.yaml" if path.is_dir() else path
    for problem in (*threshold_problems(recipe), *wider_lines(recipe)[0]):
        yield f"{file}: {problem}"


def known_notes(recipe: Recipe) -> Iterator[str]:
    """What the user should look at."""
    yield from licence_notes(recipe)
    yield from wider_lines(recipe)[1]
    yield from language_notes(recipe)
    yield from threshold_notes(recipe)
