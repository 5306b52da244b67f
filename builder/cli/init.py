"""`humpback init`: a commented recipe folder to start from."""

import shlex
from pathlib import Path

from builder.cli.answer import Answer
from builder.data.resources import resource_folder
from builder.data.storage import write_bytes
from builder.errors import BuilderError, RecipeError
from builder.recipe.remembered import remember_own
from builder.recipe.schema import MODELINE, SCHEMA_FILE, schema_text


def write_recipe_folder(folder: Path, recipe: str = "quickstart") -> Answer:
    """Write a commented recipe into `folder`; the quickstart's comes with the embedded sample and builds as it is.

    Args:
        folder: Where to; files that are there already stay.
        recipe: Name of a recipe of the package.

    Raises:
        RecipeError: If the folder holds a recipe already.
        BuilderError: If it cannot be written.
    """
    if (folder / "build.yaml").exists():
        raise RecipeError(f"{folder}: already holds a recipe; edit that one, or choose another folder")
    write_files(folder, recipe)
    return Answer({"recipe": recipe, "path": str(folder / "build.yaml")}, lambda: _written(folder, recipe))


def _written(folder: Path, recipe: str) -> str:
    if recipe != "quickstart":
        return f"{folder}: the recipe {recipe}\nnext: {folder / 'README.md'} says what to put in and what to run"
    build = shlex.join(["humpback", "build", str(folder / "build.yaml")])
    return f"{folder}: a recipe with sample data\nnext: {build}, or put your own data in: see the comments in that file"


def copy_recipe(folder: Path, recipe: str = "quickstart") -> None:
    """Copy the files of a recipe; those that are there already may have been edited and stay.

    The schema that editors read lies beside them, and the recipe's first line names it. `build.yaml` comes last: where
    it is, the folder is whole.
    """
    sources = resource_folder("recipes").joinpath(recipe).iterdir()
    files = {source.name: source.read_bytes() for source in sources}
    recipe_text = MODELINE.encode() + files.pop("build.yaml")
    files = {SCHEMA_FILE: schema_text().encode(), **files, "build.yaml": recipe_text}
    for name, content in files.items():
        if not (folder / name).exists():
            write_bytes(folder / name, content)


def write_files(folder: Path, recipe: str = "quickstart") -> None:
    """Write the files of a recipe, and of the quickstart's the sample; those that are there already stay.

    A folder that was empty is remembered as the user's own, whose recipe is trusted whatever he makes of it.

    Raises:
        BuilderError: If they cannot be written.
    """
    from builder.sample.generate import write_sample

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            remember_own(folder)
        if recipe == "quickstart":
            write_sample(folder)
        copy_recipe(folder, recipe)
    except OSError as error:
        raise BuilderError(
            f"{error.filename or folder}: {error.strerror}; choose a folder that can be written"
        ) from error
