"""`humpback release`: which release comes before, the folder, and where it is pushed."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from builder.build import Build, look_at_build
from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.data.storage import parquet_files
from builder.errors import RecipeError, ReleaseError
from builder.recipe.given.overrides import key_of, value_at
from builder.recipe.given.recorded import bare, says_the_same, shown_at
from builder.recipe.read import read_values
from builder.recipe.recipe import Recipe, load_recipe
from builder.results.release.checks.check import release_notes
from builder.results.release.content.material import Material
from builder.results.release.facts.dates import release_date
from builder.results.release.folder import assemble, assembled
from builder.results.release.hub.push import Push, Say, push_release, refuse_no_token, repository_of
from builder.results.release.hub.receipt import Entry
from builder.results.release.hub.repository import HubRepository
from builder.results.release.manifest import MANIFEST, sha256
from builder.results.release.preview import preview
from builder.results.release.versions import (
    Previous,
    Version,
    before,
    local_releases,
    parse_version,
    read_previous,
    refuse_going_down,
    version_of,
)
from builder.text.escape import escape
from builder.workspace.finished.moved import no_build

_NO_STAGE = ("name", "release", "runtime")
"""Sections of which no stage is made."""


@dataclass(frozen=True)
class Options:
    """What the command line says beside recipe and version.

    Attributes:
        out: The release folder; `releases/X.Y.Z` beside the recipe where left out.
        replace: Whether a different release of the same version is replaced.
        previous: The release before, instead of the one found.
        all_models: Whether every model of the build is released.
        accept_warnings: Whether a build that gave grave warnings is released all the same.
        dry_run: Whether to show the difference only.
        push: How to push; None to leave the release here.
    """

    out: Path | None = None
    replace: bool = False
    previous: Path | None = None
    all_models: bool = False
    accept_warnings: bool = False
    dry_run: bool = False
    push: Push | None = None


def release_recipe(project: Project, version: str, options: Options, say: Say) -> Answer:
    """Assemble the folder, push it if asked to, and say how to load it.

    Raises:
        RecipeError: If the recipe or an option is wrong.
        ReleaseError: If the folder does not pass its checks, or the Hub refuses.
    """
    number = version_of(version)
    _refuse_other_settings(project)
    recipe = _with_all_models(project.recipe) if options.all_models else project.recipe
    folder = (options.out or project.folder / "releases" / version).resolve()
    pushing = options.push is not None and not options.dry_run
    if options.push is not None:
        repository_of(recipe.release)
    if pushing:
        refuse_no_token()
    previous = _previous(recipe, folder, number, options, on_hub=pushing)
    build = replace(finished_build(project), recipe=recipe)
    if options.dry_run:
        day = release_date(recipe.release, folder, str(number))
        with assembled(folder, Material(build, str(number), previous, options.accept_warnings, day)) as scratch:
            shown = preview(scratch, folder, previous)
        return Answer(shown.as_dict(), shown.text)
    accept = options.accept_warnings
    assemble(folder, build, version, previous=previous, replace=options.replace, accept_warnings=accept)
    if options.push is None:
        return _assembled(folder, version)
    entries = push_release(folder, recipe.release, number, options.push, say)
    return _pushed(folder, number, entries)


def _refuse_other_settings(project: Project) -> None:
    """Raise a RecipeError if a setting of the command line makes another build than the last one.

    Raises:
        RecipeError: Naming the setting, what the build was run with in its place, and what to do.
    """
    settings = project.settings
    if settings.last is None or not settings.given:
        return
    values = read_values(project.path, settings.last)
    others = [item for item in settings.given if not says_the_same(value_at(values, key_of(item)), item)]
    built = load_recipe(project.path, settings.last) if others else project.recipe
    if not others or _stages(project, built) == _stages(project, project.recipe):
        return
    others = [item for item in others if key_of(item).partition(".")[0] not in _NO_STAGE] or others
    raise RecipeError("\n".join([
        *(f"--set {bare(item)}: the build was run with {shown_at(values, key_of(item))}" for item in others),
        f"  to release what was built, leave that out; for the other, run `{project.command('build')}` first",
    ]))  # fmt: skip


def _stages(project: Project, recipe: Recipe) -> list[tuple[str, str]]:
    artifacts = look_at_build(recipe, project.work_dir, damaged_too=True).artifacts
    return [(name, artifact.fingerprint) for name, artifact in artifacts.items()]


def _with_all_models(recipe: Recipe) -> Recipe:
    names = ["backward", *map(str, range(recipe.iterations)), "final"]
    return recipe.model_copy(update={"release": recipe.release.model_copy(update={"models": names})})


def _previous(recipe: Recipe, folder: Path, version: Version, options: Options, *, on_hub: bool) -> Previous | None:
    """The release to compare with: the one named, else the highest lower one on the Hub, else beside the folder."""
    if options.previous is not None:
        return read_previous(options.previous)
    local = local_releases(folder, recipe.name)
    if on_hub:
        return _previous_on_hub(HubRepository("dataset", repository_of(recipe.release)), version, local)
    if version not in local:
        refuse_going_down(version, local, str(folder.parent))
    lower = before(version, local)
    return Previous(lower, local[lower]) if lower else None


def _previous_on_hub(repository: HubRepository, version: Version, local: dict[Version, Path]) -> Previous | None:
    """The highest lower tag; its dataset folder here if its manifest is that of the tag, else downloaded."""
    refs = repository.refs()
    tags = {parsed: commit for tag, commit in refs.tags.items() if (parsed := parse_version(tag))} if refs else {}
    if version not in tags:
        refuse_going_down(version, tags, str(repository))
    lower = before(version, tags)
    if lower is None:
        return None
    manifest = repository.download(MANIFEST, tags[lower])
    if lower in local and sha256(local[lower] / MANIFEST) == sha256(manifest):
        return Previous(lower, local[lower])
    return Previous(lower, repository.snapshot(tags[lower]))


def _assembled(folder: Path, version: str) -> Answer:
    models = {model.name: str(model) for model in sorted((folder / "models").iterdir())}
    place = {"version": version, "path": str(folder), "dataset": str(folder / "dataset"), "models": models}
    notes = release_notes(folder)
    configs = sorted({path.parent.name for path in parquet_files(folder / "dataset")})
    lines = [
        f"{folder}: assembled and checked",
        *(f"  note: {escape(note, 'terminal')}" for note in notes),
        f'load it: datasets.load_dataset("{folder / "dataset"}")  (configs {", ".join(configs)})',
        f"look at it: humpback report --release {shlex.quote(str(folder))}",
    ]
    return Answer(place | {"notes": notes}, lambda: "\n".join(lines))


def _pushed(folder: Path, version: Version, entries: Iterable[Entry]) -> Answer:
    entries = list(entries)
    lines = [f"{HubRepository(entry.kind, entry.repository).url} {entry.tag} {entry.commit}" for entry in entries]
    lines.append(f'load it: datasets.load_dataset("{entries[0].repository}", revision="{version.tag}")')
    repositories = [entry._asdict() for entry in entries]
    return Answer(
        {"version": str(version), "path": str(folder), "repositories": repositories}, lambda: "\n".join(lines)
    )


def finished_build(project: Project) -> Build:
    """The build, if every stage of it is done and its files are those that it had then, by their digests.

    Raises:
        ReleaseError: If a stage is not done.
        StageError: If one is no longer whole.
    """
    build = project.look_at_build(verify=True)
    missing = [name for name, artifact in build.artifacts.items() if artifact.status != "done"]
    if missing:
        moved = no_build(project.folder, project.work_dir)
        said = f"the build is not finished ({', '.join(missing)}); run `{project.command('build')}` first"
        raise ReleaseError(f"{said}\n  {moved}" if moved else said)
    return build


def release_project(
    project: Project, version: str, out: Path | None = None, *, replace: bool = False, accept_warnings: bool = False
) -> Path:
    """Assemble and check the release folder of a finished build and return it.

    Raises:
        RecipeError: If the version is no version.
        ReleaseError: If a stage is not done, or the folder does not pass its checks.
    """
    from builder.results.release.folder import assemble

    folder = out or project.folder / "releases" / version
    return assemble(folder, finished_build(project), version, replace=replace, accept_warnings=accept_warnings)
