"""Every key of a recipe, read off the models: where it stands, what it takes, its default and its sentence."""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from builder.data.address import Address
from builder.recipe.recipe import Recipe
from builder.recipe.sections.section import DigestPath, OnHub
from builder.recipe.sentences import sentence_of

_TYPES: dict[Any, str] = {
    bool: "`true` or `false`",
    int: "whole number",
    float: "number",
    str: "text",
    Any: "any value",
}
_MORE = {bool: "`true` or `false`", int: "whole numbers", float: "numbers", str: "texts", Path: "paths"}
_LIMITS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}


@dataclass(frozen=True)
class Key:
    """A key of the recipe.

    Attributes:
        place: Where it stands, as `score.expected.min_mass`: lists have no number, judges go by their names.
        section: The model that has it.
        name: The key itself.
        sections: The models below it; empty for one that holds a value.
    """

    place: str
    section: type[BaseModel]
    name: str
    sections: tuple[type[BaseModel], ...]

    @property
    def field(self) -> FieldInfo:
        """What the model says of it."""
        return self.section.model_fields[self.name]

    @property
    def sentence(self) -> str:
        """What it is for."""
        return " ".join(sentence_of(self.section, self.name).split())

    @property
    def takes(self) -> str:
        """Which values it takes, in words; a key without a default of its own may always be left out or `null`."""
        takes = described(self.field.annotation, self.field.metadata)
        may_be_null = NoneType in typing.get_args(self.field.annotation) and self.field.default is not None
        return f"{takes}, or `null`" if may_be_null else takes

    @property
    def default(self) -> str:
        """Its default as a recipe would have it; `required` and `none` for keys without."""
        if self.field.is_required():
            return "required"
        value = self.field.get_default(call_default_factory=True)
        return "none" if value is None else _shown(value)


def keys(model: type[BaseModel] = Recipe, place: str = "") -> Iterator[Key]:
    """All keys of the recipe in the order of the models, a section before what is in it."""
    for name, field in model.model_fields.items():
        below = tuple(sections_in(field.annotation))
        yield Key(f"{place}{name}", model, name, below)
        for section in below:
            judge = f"{judge_of(section)}." if len(below) > 1 else ""
            yield from keys(section, f"{place}{name}.{judge}")


def sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, through lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for branch in typing.get_args(annotation):
        yield from sections_in(branch)


def judge_of(section: type[BaseModel]) -> str:
    """The judge that a section of `score` is of."""
    return str(typing.get_args(section.model_fields["judge"].annotation)[0])


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return '""' if value == "" else f"{value:g}" if isinstance(value, float) else str(value) if value != {} else "{}"


def described(annotation: Any, metadata: list[Any]) -> str:
    """The values of an annotation in words, with what its marks say of their range."""
    branches = [branch for branch in _branches(annotation) if branch is not NoneType]
    if len(branches) > 1:
        one, *others = dict.fromkeys(described(branch, metadata) for branch in branches)
        return " or ".join([one, *("a list of them" if other == f"list of {one}" else other for other in others)])
    (branch,) = branches
    while typing.get_origin(branch) is typing.Annotated:
        branch, *marks = typing.get_args(branch)
        metadata = [*metadata, *marks]
        if len(_branches(branch)) > 1:
            return described(branch, metadata)
    return _kind(branch, metadata) + _range(metadata)


def _branches(annotation: Any) -> tuple[Any, ...]:
    """The branches of a union that are told apart; a path that may be an address is one kind of value."""
    args = typing.get_args(annotation)
    if typing.get_origin(annotation) in (typing.Annotated, list, dict, Literal) or not args:
        return (annotation,)
    return (Address,) if Address in args else args


def _kind(branch: Any, metadata: list[Any]) -> str:
    marks = {type(mark) for mark in metadata}
    origin, args = typing.get_origin(branch), typing.get_args(branch)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in args)
    if origin is list:
        (item,) = args
        return "list of sections" if any(sections_in(item)) else f"list of {_several(item)}"
    if origin is dict:
        return "mapping of names to values"
    if any(sections_in(branch)):
        return "section"
    if branch is Path:
        return "file" if DigestPath in marks else "path"
    if branch is Address:
        return "path or URL"
    return "name of a Hub repository" if OnHub in marks else _TYPES[branch]


def _several(item: Any) -> str:
    if typing.get_origin(item) is typing.Annotated:
        bare, *marks = typing.get_args(item)
        return _MORE.get(bare, str(bare)) + _range([*_flat(marks)]) if bare in _MORE else _several(bare)
    return _MORE[item] if item in _MORE else described(item, [])


def _flat(marks: list[Any]) -> Iterator[Any]:
    """The marks inside those that pydantic has put into one `Field`."""
    for mark in marks:
        yield from mark.metadata if isinstance(mark, FieldInfo) else [mark]


def _range(metadata: list[Any]) -> str:
    says: list[str] = []
    for mark in _flat(metadata):
        says += [f"{word} {getattr(mark, name)}" for name, word in _LIMITS.items() if hasattr(mark, name)]
        says += ["not empty"] if getattr(mark, "min_length", None) else []
        says += [f"like `{pattern}`"] if (pattern := getattr(mark, "pattern", None)) else []
    return f" ({', '.join(says).replace(', to ', ' to ').replace(', below ', ' to below ')})" if says else ""
