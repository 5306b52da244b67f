"""A recipe with its work directory: what the commands `build` and `release` do."""

from dataclasses import dataclass
from pathlib import Path

from builder.build import Build, look_at_build, run_build
from builder.errors import RecipeError
from builder.method.train.recipe import check_training_recipes
from builder.recipe.pins import refuse_unpinned
from builder.recipe.recipe import Recipe, load_recipe
from builder.workspace.console import Console
from builder.workspace.workspace import Workspace


@dataclass(frozen=True)
class Project:
    """A loaded recipe, the folder it lies in, its work directory, and where the recipe was said to be."""

    recipe: Recipe
    folder: Path
    work_dir: Path
    path: Path

    def look_at_build(self, *, verify: bool = False, damaged_too: bool = False) -> Build:
        """The build as it stands, run or not; see `build.look_at_build`."""
        return look_at_build(self.recipe, self.work_dir, verify=verify, damaged_too=damaged_too)


def open_project(path: Path, work_dir: Path | None = None, overrides: tuple[str, ...] = ()) -> Project:
    """Load a recipe and settle its work directory: the option, else `runtime.work_dir`, else `work/` beside it.

    Raises:
        RecipeError: If the recipe is wrong, or reads from the Hub anything but a commit.
    """
    recipe = load_recipe(path, overrides)
    refuse_unpinned(recipe, path)
    folder = (path if path.is_dir() else path.parent).resolve()
    return Project(recipe, folder, (work_dir or recipe.runtime.work_dir or folder / "work").resolve(), path)


def build_project(project: Project, until: str | None = None, *, verify: bool = False) -> Build:
    """Run what is missing and return the build, after `until` as far as it got.

    Args:
        project: The project.
        until: The last stage to run; all where left out.
        verify: Whether what is done already is read and compared with its digests first.

    Raises:
        RecipeError: If `until` names no stage, or a TRL recipe has a key that the build sets.
        StageError: If a stage fails or is no longer whole, or the work directory is in use.
    """
    build = project.look_at_build(verify=verify)
    if until is not None and until not in build.artifacts:
        raise RecipeError(f"--until {until}: no such stage; the stages are {', '.join(build.artifacts)}")
    training = project.recipe.training
    check_training_recipes([training.backward, training.initial or training.forward, training.forward])
    with Console() as console:
        workspace = Workspace(project.work_dir, project.recipe.runtime, console, until=until)
        return run_build(project.recipe, workspace) or build
