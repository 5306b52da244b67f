"""What every section of a recipe is made of: strictness, and paths that know how they enter a fingerprint."""

from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo

Share = Annotated[float, Field(gt=0, le=1)]


class InputPath:
    """Marks a path that enters a fingerprint by the names, sizes and times of the files below it."""


class DigestPath:
    """Marks a path that enters a fingerprint by the digest of the file's content."""


class NoResult:
    """Marks a key of a stage's section that changes no result of the stage, and so enters no fingerprint."""


class Later:
    """Marks a key that came after others had built without it: where it is not set, it enters no fingerprint."""


def _beside_recipe(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return path if path.is_absolute() else Path(folder) / path


def _path_or_url(value: object, info: ValidationInfo) -> Path | str:
    if not isinstance(value, Path | str) or not str(value):
        raise ValueError(f"is {value!r}; it must be a path or a URL")
    if isinstance(value, Path) or "://" not in value:
        return _beside_recipe(Path(value), info)
    return Path(unquote(value.removeprefix("file://"))) if value.startswith("file:///") else value


RecipePath = Annotated[Path, AfterValidator(_beside_recipe)]
Input = Annotated[RecipePath, InputPath()]
InputUrl = Annotated[Path | str, PlainValidator(_path_or_url), InputPath()]
"""A path beside the recipe, or any fsspec URL, which stays a str."""
Named = Annotated[RecipePath, DigestPath()]


class Section(BaseModel):
    """A part of the recipe: unknown keys are errors, numbers are finite, values are never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=(), allow_inf_nan=False
    )
