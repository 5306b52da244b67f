"""Assemble a release folder from finished stages; it appears under its name only when whole and checked."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.build import Build
from builder.data.address import Address
from builder.data.storage import read_json, write_text
from builder.errors import ReleaseError, StageError
from builder.recipe.recipe import Recipe
from builder.results.release.cards.card import front_matter_text
from builder.results.release.cards.changelog import CHANGELOG, change_log
from builder.results.release.cards.croissant import write_croissant
from builder.results.release.cards.plots import write_figures
from builder.results.release.cards.values import dataset_card
from builder.results.release.changes import BUILD_FILE, compare
from builder.results.release.checks.check import check_release
from builder.results.release.content.material import Material
from builder.results.release.content.parquet import Rows, write_config
from builder.results.release.content.provenance import generator, judges, page_sources, seed_sources
from builder.results.release.content.removed import write_removed
from builder.results.release.content.standoff import restoring
from builder.results.release.content.tables import configs
from builder.results.release.content.training import write_training
from builder.results.release.facts.dates import release_date
from builder.results.release.manifest import MANIFEST, history, sha256, write_manifest
from builder.results.release.models import write_models
from builder.results.release.portable.chat import with_chat
from builder.results.release.portable.trainers import write_trainers
from builder.results.release.stated import read_manifest
from builder.results.release.versions import Previous, refuse_misfit, refuse_unsafe, version_of
from builder.workspace.environment import let_arrow_give_back
from builder.workspace.locks import alone_in
from builder.workspace.workspace import Artifact

PARTS = ("dataset", "models")
"""What a release consists of; a training writes beside them, as does a push."""
RECEIPT = "receipt.json"
"""Where the release folder says what was pushed; no part of any repository."""


def assemble(
    folder: Path,
    build: Build,
    version: str,
    *,
    previous: Previous | None = None,
    replace: bool = False,
    accept_warnings: bool = False,
) -> Path:
    """Build `<folder>/dataset` and `<folder>/models/<name>` and check them.

    Args:
        folder: The release folder; if it already holds exactly this release, nothing is changed.
        build: A finished build.
        version: X.Y.Z; it must fit what has changed since `previous`.
        previous: The release before, which the change log compares with; None for the first.
        replace: Whether a release with other content may be replaced.
        accept_warnings: Whether a build that gave grave warnings is released all the same.

    Returns:
        The release folder.

    Raises:
        ReleaseError: If a stage is missing, a grave warning is not accepted, the folder holds something else, or a
            check fails (all problems in one).
    """
    folder, number = folder.resolve(), str(version_of(version))
    day = release_date(build.recipe.release, folder, number)
    with assembled(folder, Material(build, number, previous, accept_warnings, day)) as scratch:
        _put_in_place(scratch, folder, replace=replace)
    return folder


@contextmanager
def assembled(folder: Path, material: Material) -> Iterator[Path]:
    """A release, whole and checked, under a temporary name beside `folder`; what is not moved away is removed.

    Raises:
        ReleaseError: As `assemble` does, but for what `folder` holds.
    """
    material.refuse_unready()
    if material.previous is not None:
        refuse_unsafe(material.previous)
    let_arrow_give_back()
    with _scratch(folder) as scratch:
        _finish_replacement(folder)
        write_dataset(scratch / "dataset", material)
        write_models(scratch / "models", material)
        problems = check_release(scratch)
        if problems:
            raise ReleaseError(
                "\n".join([f"the release does not pass its checks, {folder} was not written:", *problems])
            )
        yield scratch


def write_dataset(folder: Path, material: Material) -> None:
    """Write the dataset folder: rows, training recipe, build recipe, change log, card, manifest."""
    written = [
        write_config(folder, name, rows)
        for name, rows in with_chat(configs(material), folder)
        if _not_empty(name, rows)
    ]
    write_training(folder, material)
    write_trainers(folder, material.recipe.name, material.rows_on_hub)
    write_text(folder / BUILD_FILE, front_matter_text(released_recipe(material.recipe)))
    write_removed(folder, material.removed, material.previous.dataset if material.previous else None)
    write_text(folder / CHANGELOG, _change_log(folder, material, [(config.name, config.rows) for config in written]))
    recipe, previous, digest = material.recipe, material.previous, sha256(folder / BUILD_FILE)
    rows = {config.name: config.rows for config in written}
    earlier = read_manifest(previous.dataset).history if previous else []
    before = [entry.model_dump() for entry in earlier]
    versions = history(recipe.base, material.version, digest, rows, before)
    write_figures(folder, material)
    write_croissant(folder, material, written)
    write_text(folder / "README.md", dataset_card(material, written, versions))
    write_manifest(
        folder,
        recipe,
        material.version,
        kind="dataset",
        previous=str(previous.version) if previous else None,
        recipe=digest,
        sft=_trained_on(material),
        **restoring(recipe),
        seed=seed_sources(material.build),
        generator=generator(material.build).as_dict(),
        judges=judges(material.build),
        history=versions,
        **({"date": material.date} if material.date else {}),
        **({"doi": recipe.release.doi} if recipe.release.doi else {}),
        corpus=page_sources(material.build),
        warnings=[notice.as_dict() for notice in material.notices],
        accepted=[notice.text for notice in material.notices if notice.grave],
        stages={name: _stage(artifact) for name, artifact in material.build.artifacts.items()},
    )


def _trained_on(material: Material) -> dict[str, Any]:
    """What the manifest says of `sft`: digests of the rows trained on, and of those less the rows left out.

    In a stand-off release they are those of the rows with their texts, for who has put them back.
    """
    final, trained = material.build.final, material.trained
    quoting = trained.among(material.quoting - material.removed)
    digests = {"rows": trained.kept_digest, "trained": trained.digest}
    left_out = {"taken_down": trained.among(material.removed), "quoting": quoting}
    return {"stage": final.stage, "fingerprint": final.fingerprint, **digests, **left_out}


def released_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe without `runtime`; of every path only the last name, and no option that is not set."""
    return {name: value for name, value in _named(recipe).items() if name != "runtime"}


def _named(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        values = {name: getattr(value, name) for name in fields}
        # Where null is not the default it is a choice, such as a rule that is switched off.
        return {
            name: _named(item) for name, item in values.items() if item is not None or fields[name].default is not None
        }
    if isinstance(value, list):
        return [_named(item) for item in value]
    if isinstance(value, Address):
        return str(value)  # without its secrets, as a plain text
    return value.name if isinstance(value, Path) else value


def _not_empty(name: str, rows: Rows) -> bool:
    if not sum(rows.splits.values()):
        raise ReleaseError(f"config {name} has no rows; `humpback show RECIPE` says which stage took them")
    return True


def _stage(artifact: Artifact) -> dict[str, Any]:
    return {"fingerprint": artifact.fingerprint, "counts": artifact.record["counts"]}


def _change_log(folder: Path, material: Material, rows: list[tuple[str, int]]) -> str:
    """The change log, if the version fits the difference to the one before."""
    version = version_of(material.version)
    if material.previous is None:
        return change_log(version, rows, None)
    fingerprints = {name: artifact.fingerprint for name, artifact in material.build.artifacts.items()}
    changes = compare(material.previous, folder, fingerprints)
    refuse_misfit(version, material.previous.version, changes.level, changes.least_reasons)
    return change_log(version, rows, changes)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A fixed temporary name beside the release: a killed run leaves at most one, which the next one removes."""
    scratch = folder.with_name(f".{folder.name}.tmp")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(folder.parent) as alone:
            if not alone:
                raise ReleaseError(
                    f"{folder.parent}: another release is written there now; wait for it, then try again"
                )
            shutil.rmtree(scratch, ignore_errors=True)
            try:
                scratch.mkdir()
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise ReleaseError(f"{error.filename or folder}: cannot be written ({error.strerror or error})") from error


def _put_in_place(scratch: Path, folder: Path, *, replace: bool) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        if _content(folder) == _content(scratch):
            return
        version = _version(folder)
        if version is None:
            raise ReleaseError(f"{folder}: holds something that is no release; choose another folder with --out")
        if not replace:
            raise ReleaseError(
                f"{folder}: already holds version {version} with other content; a published version never changes, "
                "so choose another --version, or --replace it if it was never published"
            )
        if others := [path.name for path in sorted(folder.iterdir()) if path.name not in (*PARTS, RECEIPT)]:
            raise ReleaseError(
                f"{folder}: holds {', '.join(others)}, which no release has written and which --replace would remove; "
                "move it elsewhere"
            )
        old = _aside(folder)
        folder.rename(old)
        scratch.rename(folder)
        shutil.rmtree(old)
    else:
        scratch.replace(folder)


def _finish_replacement(folder: Path) -> None:
    """After a run that was killed in between: bring the old release back, or remove it if the new one stands."""
    if _aside(folder).is_dir():
        if folder.exists():
            shutil.rmtree(_aside(folder))
        else:
            _aside(folder).rename(folder)


def _aside(folder: Path) -> Path:
    """Where the release that is being replaced stands for a moment."""
    return folder.with_name(f".{folder.name}.old")


def _content(folder: Path) -> list[tuple[str, str]]:
    """Path and digest of every file of the dataset and the models; what lies beside them is of others."""
    files = sorted(path for part in PARTS for path in (folder / part).rglob("*") if not path.is_dir())
    return [(path.relative_to(folder).as_posix(), _digest(path)) for path in files]


def _digest(path: Path) -> str:
    """The digest of a plain file; what is none is the same as no file."""
    return "" if path.is_symlink() or not path.is_file() else sha256(path)


def _version(folder: Path) -> str | None:
    try:
        return str(read_json(folder / "dataset" / MANIFEST)["version"])
    except (StageError, KeyError, TypeError):
        return None
