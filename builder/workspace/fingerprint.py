"""Fingerprints: what a stage's result depends on, as 12 hex digits (DESIGN principle: nothing hand-picked).

Hashed: stage name, the VERSION of its module, its whole configuration, the content of the files it names, the
identity of external inputs, the fingerprints of the stages it reads. Library versions are recorded, not hashed, and no
path is: what a project is called, where it lies and where its work directory is does not count.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.data.address import Address
from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.data.remote.listing import list_remote, listed_identity
from builder.data.resources import template_path
from builder.errors import RecipeError
from builder.recipe.sections.section import DigestPath, InputPath, Later, ModelPath, NoResult, NotedPath
from builder.workspace.inputs.listing import Inputs
from builder.workspace.inputs.model_folder import is_loaded


def fingerprint(
    stage: str, version: int, config: BaseModel, inputs: dict[str, str], files: Inputs | None = None
) -> str:
    """Return the fingerprint of a stage.

    Args:
        stage: Name of the stage.
        version: The `VERSION` of the module that implements it.
        config: Its sections of the recipe.
        inputs: Fingerprints of the stages it reads, by name.
        files: Lists the files of its inputs; where left out, all of them are new.
    """
    return mark(identity(stage, version, config, inputs, files))


def identity(
    stage: str, version: int, config: BaseModel, inputs: dict[str, str], files: Inputs | None = None
) -> dict[str, Any]:
    """All that a stage's result depends on, as plain values; see `fingerprint`."""
    return {"stage": stage, "version": version, "config": config_identity(config, files), "inputs": inputs}


def mark(value: dict[str, Any]) -> str:
    """The first 12 hex digits of the sha256 of plain values, whatever the order of their keys."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def config_identity(config: BaseModel, files: Inputs | None = None) -> dict[str, Any]:
    """The configuration as plain values, every path replaced by the identity of what it names; see `fingerprint`."""
    files = files or Inputs()
    values: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        marks = {type(mark) for mark in field.metadata} | _marks(field.annotation)
        if NoResult in marks or (Later in marks and getattr(config, name) is None):
            continue
        values[name] = _value_identity(getattr(config, name), marks, files)
    return values


def _marks(annotation: Any) -> set[type]:
    """Markers inside unions such as `Named | None`, where pydantic leaves them on the branch."""
    marks: set[type] = set()
    for branch in getattr(annotation, "__args__", ()):
        marks |= {type(mark) for mark in getattr(branch, "__metadata__", ())} | _marks(branch)
    return marks


def _value_identity(value: Any, marks: set[type], files: Inputs) -> Any:
    if isinstance(value, BaseModel):
        return config_identity(value, files)
    if isinstance(value, list | tuple):
        return [_value_identity(item, marks, files) for item in value]
    if isinstance(value, str) and DigestPath in marks and template_path(value).is_file():
        return digest(template_path(value))  # a template of the package, by its name
    if isinstance(value, Address):
        return [listed_identity(file) for file in list_remote(value)]
    if isinstance(value, Path):
        if InputPath not in marks or DigestPath in marks:
            return digest(value)
        return files.listing(value, only=is_loaded if ModelPath in marks else None, noted=NotedPath in marks)
    return value


def digest(path: Path) -> str:
    """The sha256 of a file's content.

    Raises:
        RecipeError: If the file cannot be read.
    """
    try:
        refuse_special(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({why_unread(error)}); the recipe names this file") from error
