"""Read a recipe and turn everything wrong with it into one message, a line for each mistake."""

import difflib
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from builder.data.redaction import redacted, shows_secret
from builder.errors import RecipeError
from builder.recipe.given.overrides import apply
from builder.recipe.strict_yaml import read_yaml

Model = TypeVar("Model", bound=BaseModel)
ADDRESSES = (("segments", "sources", "path"), ("runtime", "endpoint"))
"""Keys that hide or refuse the secrets of their value themselves; numbers of places are left out."""
_FEW = 3
_TYPES = (
    dict.fromkeys(("float_parsing", "float_type"), "a number")
    | dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number")
    | dict.fromkeys(("bool_parsing", "bool_type"), "true or false")
    | dict.fromkeys(("model_type", "model_attributes_type"), "a section with keys below it")
)
"""What a value must be, by the kind of pydantic's error."""
_SECRET = (
    "holds a password, a signature or a token, which would be stored, shown or published; keep it out of the recipe: "
    "libraries find keys in the environment, such as HF_TOKEN and OPENAI_API_KEY"
)


def recipe_path(path: Path) -> Path:
    """The file of a recipe that was said to be at `path`: the file itself, or the folder it lies in."""
    return path / "build.yaml" if path.is_dir() else path


def read_recipe(model: type[Model], path: Path, overrides: Iterable[str] = ()) -> Model:
    """Read `path` into `model`, with `key.path=value` overrides applied first."""
    path, values = recipe_path(path), read_values(path, overrides)
    if shown := [f"{path}: {place} {_SECRET}" for place in _secrets(values)]:
        raise RecipeError("\n".join(shown))
    try:
        return model.model_validate(values, context={"folder": path.resolve().parent})
    except ValidationError as error:
        lines = [redacted(_line(path, model, values, problem)) for problem in error.errors()]
        raise RecipeError("\n".join(dict.fromkeys(lines))) from error


def read_values(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The values of the recipe at `path` as they are written, with `key.path=value` overrides applied; unchecked."""
    path = recipe_path(path)
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of sections; this file holds {type(values).__name__}")
    for override in overrides:
        apply(values, override)
    return values


def _secrets(value: Any, place: tuple[str, ...] = ()) -> Iterator[str]:
    """The keys that hold what nobody may see, but for those that hide or refuse it themselves."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _secrets(item, (*place, str(key)))
    elif isinstance(value, str) and place[:2] + place[3:] not in ADDRESSES and shows_secret(value):
        yield redacted(".".join(place))


def _line(path: Path, model: type[BaseModel], values: dict[str, Any], problem: Any) -> str:
    place, value = _locate(values, problem["loc"], missing=problem["type"] == "missing")
    return f"{path}: {'.'.join(map(str, place)) or 'the recipe'} {_reason(problem, model, place, value)}"


def _locate(values: Any, location: tuple[str | int, ...], *, missing: bool) -> tuple[list[str | int], Any]:
    """The keys of the file in pydantic's location, which also names union branches, and the value there."""
    place: list[str | int] = []
    for at, part in enumerate(location, 1):
        if isinstance(values, dict) and (part in values or (missing and at == len(location))):
            place.append(part)
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            place.append(part)
            values = values[part]
    return place, values


def _reason(problem: Any, model: type[BaseModel], place: list[str | int], value: Any) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        sections, tag = _sections(model, problem["loc"][:-1])
        near = difflib.get_close_matches(str(place[-1]), [key for item in sections for key in item.model_fields], n=1)
        meant = [".".join(map(str, (*place[:-1], near[0])))] if near else [] if tag else _elsewhere(model, place[-1])
        return f"is not a key of {tag or 'a recipe'}" + (
            f"; did you mean {' or '.join(meant)}?" if meant else "; remove it"
        )
    if kind == "missing":
        return "is missing; add it"
    if kind == "value_error":
        return str(context.get("error", problem["msg"]))
    if kind == "union_tag_invalid":
        name = context["discriminator"].strip("'")
        return f"has {name} {context['tag']!r}; it must be one of {context['expected_tags']}"
    if kind == "union_tag_not_found":
        return f"lacks the key {context['discriminator']}; add it"
    if kind == "too_short":
        return f"is {value!r}; it must have at least {context['min_length']} item"
    if kind == "literal_error":
        return f"is {value!r}; it must be one of {context['expected']}"
    if kind == "string_too_short":
        return f"is {value!r}; it must not be empty"
    if kind == "path_type":
        return f"is {value!r}; it must be a path"
    if kind == "string_pattern_mismatch":
        return f"is {value!r}; it must match {context['pattern']}"
    if kind in _TYPES:
        return f"is {'empty' if value is None else repr(value)}; it must be {_TYPES[kind]}"
    message = str(problem["msg"])[:1].lower() + str(problem["msg"])[1:]
    return f"is {value!r}; it must be {message.removeprefix('input should be ')}"


def _elsewhere(model: type[BaseModel], name: str | int) -> list[str]:
    """Where else a recipe has a key of that name, if that is in few places."""
    places = list(dict.fromkeys(_places(model, name)))
    return places if len(places) <= _FEW else []


def _places(model: type[BaseModel], name: str | int, above: str = "") -> Iterator[str]:
    for key, field in model.model_fields.items():
        if key == name:
            yield f"{above}{key}"
        for section in _models(field.annotation):
            yield from _places(section, name, f"{above}{key}.")


def _sections(model: type[BaseModel], location: tuple[str | int, ...]) -> tuple[list[type[BaseModel]], str]:
    """The models that pydantic's location may lead to, and what its last part says of them, e.g. `judge verdict`."""
    sections, tag = [model], ""
    for part in location:
        below = [item.model_fields[part].annotation for item in sections if part in item.model_fields]
        tagged = {item: name for item in sections if (name := _tagged(item, part))}
        tag = next(iter(tagged.values()), "")
        sections = [section for annotation in below for section in _models(annotation)] or list(tagged) or sections
    return sections, tag


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in an annotation, through lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def _tagged(model: type[BaseModel], tag: str | int) -> str:
    """Key and value by which a model is chosen from a union, if `tag` is its value."""
    keys = [name for name, field in model.model_fields.items() if typing.get_args(field.annotation) == (tag,)]
    return f"{keys[0]} {tag}" if keys else ""
