"""Fingerprints: what a stage's result depends on, as 12 hex digits (DESIGN principle: nothing hand-picked).

Hashed: stage name, the VERSION of its module, its whole configuration, the content of the files it names, the
identity of external inputs, the fingerprints of the stages it reads. Library versions are recorded, not hashed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.data.address import Address
from builder.data.inputs import files_below, list_remote, listed_identity
from builder.data.resources import template_path
from builder.errors import RecipeError
from builder.recipe.sections.section import DigestPath, InputPath, Later, NoResult


def fingerprint(stage: str, version: int, config: BaseModel, inputs: dict[str, str]) -> str:
    """Return the fingerprint of a stage.

    Args:
        stage: Name of the stage.
        version: The `VERSION` of the module that implements it.
        config: Its sections of the recipe.
        inputs: Fingerprints of the stages it reads, by name.
    """
    return mark(identity(stage, version, config, inputs))


def identity(stage: str, version: int, config: BaseModel, inputs: dict[str, str]) -> dict[str, Any]:
    """All that a stage's result depends on, as plain values; see `fingerprint`."""
    return {"stage": stage, "version": version, "config": config_identity(config), "inputs": inputs}


def mark(value: dict[str, Any]) -> str:
    """The first 12 hex digits of the sha256 of plain values, whatever the order of their keys."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def config_identity(config: BaseModel) -> dict[str, Any]:
    """The configuration as plain values, every path replaced by the identity of what it names."""
    values: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        marks = {type(mark) for mark in field.metadata} | _marks(field.annotation)
        if NoResult in marks or (Later in marks and getattr(config, name) is None):
            continue
        values[name] = _value_identity(getattr(config, name), marks)
    return values


def _marks(annotation: Any) -> set[type]:
    """Markers inside unions such as `Named | None`, where pydantic leaves them on the branch."""
    marks: set[type] = set()
    for branch in getattr(annotation, "__args__", ()):
        marks |= {type(mark) for mark in getattr(branch, "__metadata__", ())} | _marks(branch)
    return marks


def _value_identity(value: Any, marks: set[type]) -> Any:
    if isinstance(value, BaseModel):
        return config_identity(value)
    if isinstance(value, list | tuple):
        return [_value_identity(item, marks) for item in value]
    if isinstance(value, str) and DigestPath in marks and template_path(value).is_file():
        return digest(template_path(value))  # a template of the package, by its name
    if isinstance(value, Address):
        return [listed_identity(file) for file in list_remote(value)]
    if isinstance(value, Path):
        return listing(value) if InputPath in marks and DigestPath not in marks else digest(value)
    return value


def digest(path: Path) -> str:
    """The sha256 of a file's content.

    Raises:
        RecipeError: If the file cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); the recipe names this file") from error


def listing(path: Path) -> list[list[Any]]:
    """Relative name, size and modification time (ns) of a file, or of every file below a folder.

    Raises:
        RecipeError: If there is nothing at `path` or the folder holds no file.
    """
    if not path.exists():
        raise RecipeError(f"{path}: no such file or folder; the recipe names it as input")
    root = path.parent if path.is_file() else path
    files = [path] if path.is_file() else files_below(path)
    if not files:
        raise RecipeError(f"{path}: the folder is empty; the recipe names it as input")
    states = [(file, file.stat() if file.exists() else file.lstat()) for file in files]
    return [[file.relative_to(root).as_posix(), state.st_size, state.st_mtime_ns] for file, state in states]
