"""A recipe with its work directory: what the commands `build` and `release` do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.build import Build, look_at_build, run_build
from builder.errors import RecipeError
from builder.method.train.recipe import check_training_recipes
from builder.recipe.pins import refuse_unpinned
from builder.recipe.recipe import Recipe, load_recipe
from builder.recipe.remembered import Memory, of_others
from builder.recipe.trust import Need, linked_file, paths_inside, recipe_file, recipe_needs
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


def open_project(
    path: Path,
    work_dir: Path | None = None,
    overrides: tuple[str, ...] = (),
    *,
    trust: bool = False,
    only_looks: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Project:
    """Load a recipe and settle its work directory: the option, else `runtime.work_dir`, else `work/` beside it.

    Args:
        path: The build.yaml, or the folder it lies in.
        work_dir: The option, if given.
        overrides: `key.path=value` settings.
        trust: Whether the user consents to whatever of the recipe needs it; it is remembered.
        only_looks: Whether the caller runs nothing and sends nothing.
        say: Told if the consent could not be remembered.

    Raises:
        RecipeError: If the recipe is wrong, reads from the Hub anything but a commit, or needs consent.
    """
    refuse_linked_file(path, work_dir, trust=trust)
    recipe = load_recipe(path, overrides)
    refuse_unpinned(recipe, path)
    needs = unconsented(recipe, path, work_dir, overrides, trust=trust, only_looks=only_looks, say=say)
    refuse(path, needs)
    folder = (path if path.is_dir() else path.parent).resolve()
    return Project(recipe, folder, (work_dir or recipe.runtime.work_dir or folder / "work").resolve(), path)


def refuse_linked_file(path: Path, work_dir: Path | None = None, *, trust: bool = False) -> None:
    """Raise a RecipeError if the recipe's file is a link to a file elsewhere, before that one is opened.

    What is wrong with a recipe is shown, and so would be lines of the file.
    """
    link = linked_file(path)
    if link is None or trust:
        return
    file = recipe_file(path)
    if link.digest(file) not in Memory(file, work_dir or file.parent / "work").consents():
        refuse(path, [link])


def unconsented(
    recipe: Recipe,
    path: Path,
    work_dir: Path | None = None,
    overrides: tuple[str, ...] = (),
    *,
    trust: bool = False,
    only_looks: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Sequence[Need]:
    """What of a recipe needs the user's consent and has not got it; see `open_project`."""
    file = recipe_file(path)
    memory = Memory(file, work_dir or recipe.runtime.work_dir or file.parent / "work")
    if memory.is_own() and of_others(paths_inside(recipe, file)) is None:
        return []
    needs = [need for need in recipe_needs(recipe, path, overrides, work_dir=work_dir) if need.looks or not only_looks]
    if trust and needs:
        if problem := memory.consent(need.digest(file) for need in needs):
            say(f"--trust-recipe holds for this run and is not remembered: {problem}")
        return []
    consents = memory.consents() if needs else set()
    return [need for need in needs if need.digest(file) not in consents]


def refuse(path: Path, needs: Sequence[Need]) -> None:
    """Raise a RecipeError that names what of the recipe at `path` needs consent, if anything does."""
    if needs:
        raise RecipeError("\n".join([
            f"{path}: this recipe reaches beyond its folder, and you have not said that you trust it:",
            *(f"  {need}" for need in needs),
            "  read the recipe; if that is what you want, give --trust-recipe once",
        ]))  # fmt: skip


def _training_recipes(recipe: Recipe) -> list[Path]:
    training = recipe.training
    return list(dict.fromkeys((training.backward, training.initial or training.forward, training.forward)))


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
    check_training_recipes(_training_recipes(project.recipe))
    with Console() as console:
        workspace = Workspace(project.work_dir, project.recipe.runtime, console, until=until)
        return run_build(project.recipe, workspace) or build
