"""A recipe with its work directory: what the commands `build` and `release` do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import run_build
from builder.console import Console
from builder.errors import RecipeError, ReleaseError
from builder.pins import refuse_unpinned
from builder.recipe import Recipe, load_recipe
from builder.storage import dump_json
from builder.training_recipe import check_training_recipes
from builder.workspace import Artifact, Workspace


@dataclass(frozen=True)
class Project:
    """A loaded recipe, the folder it lies in, and its work directory."""

    recipe: Recipe
    folder: Path
    work_dir: Path

    def artifacts(self) -> dict[str, Artifact]:
        """The artifact of every stage of the recipe as it stands, run or not."""
        workspace = Workspace(self.work_dir, self.recipe.runtime, dry_run=True)
        run_build(self.recipe, workspace)
        return workspace.artifacts


def open_project(path: Path, work_dir: Path | None = None, overrides: tuple[str, ...] = ()) -> Project:
    """Load a recipe and settle its work directory: the option, else `runtime.work_dir`, else `work/` beside it.

    Raises:
        RecipeError: If the recipe is wrong, or reads from the Hub anything but a commit.
    """
    recipe = load_recipe(path, overrides)
    refuse_unpinned(recipe, path)
    folder = (path if path.is_dir() else path.parent).resolve()
    return Project(recipe, folder, (work_dir or recipe.runtime.work_dir or folder / "work").resolve())


def build_project(project: Project, until: str | None = None) -> dict[str, Artifact]:
    """Run what is missing and return the artifacts by stage.

    Raises:
        RecipeError: If `until` names no stage, or a TRL recipe has a key that the build sets.
        StageError: If a stage fails, or the work directory is in use.
    """
    stages = list(project.artifacts())
    if until is not None and until not in stages:
        raise RecipeError(f"--until {until}: no such stage; the stages are {', '.join(stages)}")
    training = project.recipe.training
    check_training_recipes([training.backward, training.initial or training.forward, training.forward])
    with Console() as console:
        workspace = Workspace(project.work_dir, project.recipe.runtime, console, until=until)
        run_build(project.recipe, workspace)
    return workspace.artifacts


def build_recipe(
    path: Path, work_dir: Path | None, overrides: tuple[str, ...], until: str | None, *, as_json: bool = False
) -> str:
    """`humpback build`: run what is missing, and say what came of it."""
    project = open_project(path, work_dir, overrides)
    artifacts = build_project(project, until)
    if as_json:
        return dump_json({name: _described(artifact) for name, artifact in artifacts.items()})
    if until is not None:
        return f"stopped after {until}: {artifacts[until].path}"
    final = artifacts[f"curate-{project.recipe.iterations}"].record["counts"]["pairs"]
    return (
        f"{final['kept']:,} of {final['in']:,} pairs selected; final model {artifacts[_final(project)].model}\n"
        f"next: humpback release {path} --version 1.0.0"
    )


def _described(artifact: Artifact) -> dict[str, Any]:
    record = artifact.record
    return {
        "id": artifact.fingerprint,
        "path": str(artifact.path),
        **{key: record.get(key) for key in ("status", "seconds", "counts", "details", "warnings")},
    }


def _final(project: Project) -> str:
    return f"model-{project.recipe.iterations}"


def finished_artifacts(project: Project) -> dict[str, Artifact]:
    """The artifacts of a finished build.

    Raises:
        ReleaseError: If a stage is not done.
    """
    artifacts = project.artifacts()
    missing = [name for name, artifact in artifacts.items() if artifact.status != "done"]
    if missing:
        raise ReleaseError(f"the build is not finished ({', '.join(missing)}); run `humpback build` first")
    return artifacts


def release_project(project: Project, version: str, out: Path | None = None, *, replace: bool = False) -> Path:
    """Assemble and check the release folder of a finished build and return it.

    Raises:
        RecipeError: If the version is no version.
        ReleaseError: If a stage is not done, or the folder does not pass its checks.
    """
    from builder.release import assemble

    folder = out or project.folder / "releases" / version
    return assemble(folder, project.recipe, finished_artifacts(project), version, replace=replace)
