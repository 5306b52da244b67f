"""What every section of a recipe is made of: strictness, and paths that know how they enter a fingerprint."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
)

from builder.data.address import Address, refuse_address
from builder.recipe.sections.hub_names import name_problem
from builder.text.unseen import find_unseen

Share = Annotated[float, Field(gt=0, le=1)]


class InputPath:
    """Marks a path that enters a fingerprint by the files below it: their names, and what they hold."""


class ModelPath:
    """Marks the folder of a model, of which only what is loaded enters a fingerprint."""


class NotedPath:
    """Marks an input that may be large: the stage that reads it notes what its files hold while it reads them."""


class DigestPath:
    """Marks a path that enters a fingerprint by the digest of the file's content."""


class NoResult:
    """Marks a key of a stage's section that changes no result of the stage, and so enters no fingerprint."""


@dataclass(frozen=True)
class Asks:
    """Marks a key that a recipe of others sets only with the user's consent (see `recipe.trust`).

    Attributes:
        why: What is done with its value.
    """

    why: str


class OnHub:
    """Marks the name of a Hub repository; libraries take it for that of a folder where one lies here."""


class Later:
    """Marks a key that came after others had built without it: where it is not set, it enters no fingerprint."""


def _beside_recipe(path: Path, info: ValidationInfo) -> Path:
    if "\0" in str(path):
        raise ValueError(f"is {str(path)!r}; no path holds a null character")
    folder = (info.context or {}).get("folder", Path())
    return path if path.is_absolute() else Path(folder) / path


def _path_or_url(value: object, info: ValidationInfo) -> Path | Address:
    if not isinstance(value, Path | str) or not str(value):
        raise ValueError(f"is {value!r}; it must be a path or a URL")
    if isinstance(value, Path) or "://" not in value:
        return _beside_recipe(Path(str(refuse_address(value))), info)
    return Path(unquote(value.removeprefix("file://"))) if value.startswith("file:///") else Address(value)


def _repository(name: str) -> str:
    if ":" in name or "@" in name:
        raise ValueError("is no name of a repository; write it as owner/name, and log in with `hf auth login`")
    if problem := name_problem(name):
        raise ValueError(f"is {name!r}; it {problem}")
    return name


def _one_line(text: str) -> str:
    if (unseen := find_unseen(text)) or "\n" in text:
        raise ValueError(f"holds {unseen or 'a line end'}; it must be one line in which everything is seen")
    return text


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError(f"is {value!r}; it must be a day such as 2024-07-26") from None


Day = Annotated[str, BeforeValidator(_day)]
"""A day as `2024-07-26`, which YAML reads as a date."""
Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_one_line)]
"""One line of text, as it stands in rows and cards."""
RecipePath = Annotated[Path, BeforeValidator(refuse_address), AfterValidator(_beside_recipe)]
Input = Annotated[RecipePath, InputPath()]
ModelFolder = Annotated[RecipePath, InputPath(), ModelPath()]
InputUrl = Annotated[Path | Address, PlainValidator(_path_or_url), PlainSerializer(str), InputPath(), NotedPath()]
"""A path beside the recipe, or any fsspec URL, which is shown and dumped without its secrets."""
Repository = Annotated[str, AfterValidator(_repository), OnHub()]
"""The name of a repository on the Hub; an address, which could hold a token, is none."""
Named = Annotated[RecipePath, DigestPath()]


class Section(BaseModel):
    """A part of the recipe: unknown keys are errors, numbers are finite, values are never changed."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        allow_inf_nan=False,
        defer_build=True,
    )
