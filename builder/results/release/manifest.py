"""`manifest.json`: every file with digest and size, and what the release was made from."""

import hashlib
import json
from pathlib import Path
from typing import Any

from builder.data.resources import __version__
from builder.data.storage import write_json
from builder.recipe.recipe import Recipe
from builder.recipe.sections.models import Base

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1


def describe_files(folder: Path) -> list[dict[str, Any]]:
    """Path, sha256 and size of all files below `folder` but its manifest; config, rows and columns of Parquet files."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return [{"path": path.relative_to(folder).as_posix(), **_file_entry(path)} for path in paths]


def write_manifest(folder: Path, recipe: Recipe, version: str, /, **own: Any) -> None:
    """Write the manifest of a finished dataset or model folder.

    Args:
        folder: The folder; all its other files must be there.
        recipe: What the release was made from.
        version: Of the release.
        own: Further entries of this folder.
    """
    base = recipe.base
    value = {
        "schema_version": SCHEMA_VERSION,
        "name": recipe.name,
        "version": version,
        "tool": {"name": "humpback-builder", "version": __version__},
        "base": {"model": base.model or (base.path and base.path.name), "revision": base.revision},
        "dataset": recipe.release.dataset,
        **own,
        "files": describe_files(folder),
    }
    write_json(folder / MANIFEST, value)


def history(
    base: Base, version: str, recipe: str, rows: dict[str, int], before: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the version table says of this release and of those before it, the newest first.

    Args:
        base: The base model.
        version: Of this release.
        recipe: The sha256 of its build.yaml.
        rows: Rows by config.
        before: What the release before says of itself and of those before it.
    """
    this = {
        "version": version,
        "recipe": recipe[:12],
        "tool": __version__,
        "base": base.model or (base.path and base.path.name),
        "base_revision": base.revision,
        "rows": rows,
    }
    return [this, *before]


def sha256(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _file_entry(path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        columns = {field.name: str(field.type) for field in pq.read_schema(path)}
        entry["config"] = path.parent.name
        entry["rows"] = pq.read_metadata(path).num_rows
        entry["schema"] = columns
        entry["schema_sha256"] = hashlib.sha256(json.dumps(list(columns.items())).encode()).hexdigest()
    return entry
