"""Assemble a release folder from finished stages; it appears under its name only when whole and checked."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.errors import ReleaseError, StageError
from builder.recipe import Recipe
from builder.release.card import dataset_card, front_matter_text
from builder.release.check import check_release
from builder.release.manifest import MANIFEST, sha256, write_manifest
from builder.release.material import Material
from builder.release.models import write_models
from builder.release.parquet import write_config
from builder.release.tables import configs, rows_digest, training_rows
from builder.release.training import write_training
from builder.storage import read_json, read_rows, write_text
from builder.workspace import Artifact

BUILD_FILE = "build.yaml"


def assemble(
    folder: Path, recipe: Recipe, artifacts: Mapping[str, Artifact], version: str, *, replace: bool = False
) -> Path:
    """Build `<folder>/dataset` and `<folder>/models/<name>` and check them.

    Args:
        folder: The release folder; if it already holds exactly this release, nothing is changed.
        recipe: The recipe of the build.
        artifacts: Its finished stages, by name.
        version: X.Y.Z.
        replace: Whether a release with other content may be replaced.

    Returns:
        The release folder.

    Raises:
        ReleaseError: If a stage is missing, the folder holds something else, or a check fails (all problems in one).
    """
    if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version):
        raise ReleaseError(f"version is {version!r}; it must be three numbers, as in 1.0.0")
    material = Material(recipe, artifacts, version)
    folder = folder.resolve()
    with _scratch(folder) as scratch:
        _finish_replacement(folder)
        write_dataset(scratch / "dataset", material)
        write_models(scratch / "models", material)
        problems = check_release(scratch)
        if problems:
            raise ReleaseError(
                "\n".join([f"the release does not pass its checks, {folder} was not written:", *problems])
            )
        _put_in_place(scratch, folder, replace=replace)
    return folder


def write_dataset(folder: Path, material: Material) -> None:
    """Write the dataset folder: rows, training recipe, build recipe, change log, card, manifest."""
    written = [write_config(folder, name, tables) for name, tables in configs(material) if _not_empty(name, tables)]
    trained = rows_digest(training_rows(material.final))
    if rows_digest(read_rows(folder / "sft")) != trained:
        raise ReleaseError(
            "the rows of config sft differ from those the final model was trained on; report this defect"
        )
    write_training(folder, material)
    write_text(folder / BUILD_FILE, front_matter_text(released_recipe(material.recipe)))
    write_text(folder / "CHANGELOG.md", _change_log(material, [(config.name, config.rows) for config in written]))
    write_text(folder / "README.md", dataset_card(material, written))
    write_manifest(
        folder,
        material,
        kind="dataset",
        recipe=sha256(folder / BUILD_FILE),
        sft={"stage": material.final.stage, "fingerprint": material.final.fingerprint, "rows": trained},
        stages={name: _stage(material.stage(name)) for name in material.artifacts},
    )


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
    return value.name if isinstance(value, Path) else value


def _not_empty(name: str, tables: Mapping[str, Any]) -> bool:
    if not sum(table.num_rows for table in tables.values()):
        raise ReleaseError(f"config {name} has no rows; look at the stage it comes from with `humpback show`")
    return True


def _stage(artifact: Artifact) -> dict[str, Any]:
    return {"fingerprint": artifact.fingerprint, "counts": artifact.record["counts"]}


def _change_log(material: Material, rows: list[tuple[str, int]]) -> str:
    counts = "".join(f"- `{name}`: {number:,} rows\n" for name, number in rows)
    return f"# Changelog\n\n## {material.version}\n\n{counts}"


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A fixed temporary name beside the release: a killed run leaves at most one, which the next one removes."""
    scratch = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        yield scratch
    except OSError as error:
        raise ReleaseError(f"{error.filename or folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
    """Path and digest of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), sha256(path)) for path in files]


def _version(folder: Path) -> str | None:
    try:
        return str(read_json(folder / "dataset" / MANIFEST)["version"])
    except (StageError, KeyError, TypeError):
        return None
