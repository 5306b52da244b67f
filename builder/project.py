"""A recipe with its work directory: what the commands `build` and `release` do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.answer import Answer
from builder.build import Build, look_at_build, run_build
from builder.console import Console
from builder.errors import RecipeError, ReleaseError
from builder.pins import refuse_unpinned
from builder.recipe import Recipe, load_recipe
from builder.training_recipe import check_training_recipes
from builder.workspace import Artifact, Workspace


@dataclass(frozen=True)
class Project:
    """A loaded recipe, the folder it lies in, its work directory, and where the recipe was said to be."""

    recipe: Recipe
    folder: Path
    work_dir: Path
    path: Path

    def look_at_build(self) -> Build:
        """The build as it stands, run or not."""
        return look_at_build(self.recipe, self.work_dir)


def open_project(path: Path, work_dir: Path | None = None, overrides: tuple[str, ...] = ()) -> Project:
    """Load a recipe and settle its work directory: the option, else `runtime.work_dir`, else `work/` beside it.

    Raises:
        RecipeError: If the recipe is wrong, or reads from the Hub anything but a commit.
    """
    recipe = load_recipe(path, overrides)
    refuse_unpinned(recipe, path)
    folder = (path if path.is_dir() else path.parent).resolve()
    return Project(recipe, folder, (work_dir or recipe.runtime.work_dir or folder / "work").resolve(), path)


def build_project(project: Project, until: str | None = None) -> Build:
    """Run what is missing and return the build, after `until` as far as it got.

    Raises:
        RecipeError: If `until` names no stage, or a TRL recipe has a key that the build sets.
        StageError: If a stage fails, or the work directory is in use.
    """
    build = project.look_at_build()
    if until is not None and until not in build.artifacts:
        raise RecipeError(f"--until {until}: no such stage; the stages are {', '.join(build.artifacts)}")
    training = project.recipe.training
    check_training_recipes([training.backward, training.initial or training.forward, training.forward])
    with Console() as console:
        workspace = Workspace(project.work_dir, project.recipe.runtime, console, until=until)
        return run_build(project.recipe, workspace) or build


def build_recipe(project: Project, until: str | None = None) -> Answer:
    """`humpback build`: run what is missing, and say what came of it."""
    build = build_project(project, until)
    ran = list(build.artifacts)
    shown = ran if until is None else ran[: ran.index(until) + 1]
    return Answer({name: _described(build.artifacts[name]) for name in shown}, lambda: _outcome(project, build, until))


def _outcome(project: Project, build: Build, until: str | None) -> str:
    if until is not None:
        return f"stopped after {until}: {build.artifacts[until].path}"
    pairs = build.curated[-1].record["counts"]["pairs"]
    return (
        f"{pairs['kept']:,} of {pairs['in']:,} pairs selected; final model {build.final.model}\n"
        f"next: humpback release {project.path} --version 1.0.0"
    )


def _described(artifact: Artifact) -> dict[str, Any]:
    record = artifact.record
    return {
        "id": artifact.fingerprint,
        "path": str(artifact.path),
        **{key: record.get(key) for key in ("status", "seconds", "counts", "details", "warnings")},
    }


def finished_build(project: Project) -> Build:
    """The build, if every stage of it is done.

    Raises:
        ReleaseError: If a stage is not done.
    """
    build = project.look_at_build()
    missing = [name for name, artifact in build.artifacts.items() if artifact.status != "done"]
    if missing:
        raise ReleaseError(f"the build is not finished ({', '.join(missing)}); run `humpback build` first")
    return build


def release_project(project: Project, version: str, out: Path | None = None, *, replace: bool = False) -> Path:
    """Assemble and check the release folder of a finished build and return it.

    Raises:
        RecipeError: If the version is no version.
        ReleaseError: If a stage is not done, or the folder does not pass its checks.
    """
    from builder.release import assemble

    folder = out or project.folder / "releases" / version
    return assemble(folder, finished_build(project), version, replace=replace)
