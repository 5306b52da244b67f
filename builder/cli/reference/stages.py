"""Which stages a key of the recipe re-runs, found out by changing it and looking at what the stages are given."""

import functools
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from builder.cli.planning.calls import calls_anywhere
from builder.recipe.keys import Key, sections_in
from builder.recipe.recipe import Recipe
from builder.workspace import fingerprint
from builder.workspace.fingerprint import config_identity
from builder.workspace.stage_names import MODEL, StageName, parse

_JUDGES = ("likelihood", "expected", "verdict", "reasoned", "reverse")
_FILE, _OTHER_FILE = Path(fingerprint.__file__), Path(__file__)
"""Stand for whatever a recipe names; a fingerprint opens it."""
_ON_HUB = {"path": None, "model": "some/model"}


@dataclass(frozen=True)
class Reached:
    """What a change of a key leads to.

    Attributes:
        again: Stages that run again by it; what reads from them follows.
        others: Stages that there are only with another value.
    """

    again: tuple[str, ...]
    others: tuple[str, ...]

    def text(self) -> str:
        """The same in words, with one name for what stands once for each iteration and judge."""
        says = [", ".join(_families(self.again))] if self.again else []
        says += ["other stages: " + ", ".join(_families(self.others, first=False))] if self.others else []
        return "; ".join(says) or "nothing"


@functools.cache
def reached_by(key: Key) -> Reached:
    """The stages that a key re-runs."""
    recipe = _whole_recipe(key.place)
    before, after = _given(recipe), _given(_with_other(recipe, key))
    again = [name for name in before if name in after and before[name] != after[name]]
    others = [name for name in (*before, *after) if (name in before) != (name in after)]
    return Reached(tuple(again), tuple(others))


def _given(recipe: Recipe) -> dict[str, Any]:
    calls = calls_anywhere(recipe).items()
    return {
        name: (call.function.__name__, config_identity(call.config), [item.stage for item in call.inputs])
        for name, call in calls
    }


@functools.cache
def _example() -> Recipe:
    """A recipe that has every stage."""
    values = {
        "name": "example",
        "base": {"path": _FILE, "license": "mit"},
        "seed": {"sources": [{"name": "pairs", "path": _FILE, "license": "mit"}]},
        "segments": {"sources": [{"path": _FILE, "format": "html"}]},
        "score": [{"judge": judge} for judge in _JUDGES],
        "curate": {"judge": "random", "share": 0.5},
        "decontaminate": {"prompts": [_FILE]},
        "training": {"forward": _FILE, "backward": _FILE},
        "release": {"title": "Example", "license": "mit"},
    }
    return Recipe.model_validate(values)


def _whole_recipe(place: str) -> Recipe:
    """The example, with the sections on the way to a place where it has none."""
    parts, recipe = place.split("."), _example()
    for end in range(1, len(parts)):
        recipe = cast(Recipe, _changed(recipe, parts[:end], _filled))
    if parts[0] == "curate":  # the rules of the section hold for what is joined to it, and this is one key alone
        return recipe.model_copy(update={"decontaminate": None})
    if place in ("base.model", "base.revision"):
        return recipe.model_copy(update={"base": recipe.base.model_copy(update=_ON_HUB)})
    return recipe


def _with_other(recipe: Recipe, key: Key) -> Recipe:
    parts = key.place.split(".")
    if _is_tag(key):
        return recipe.model_copy(update={"score": [item for item in recipe.score if item.judge != parts[1]]})
    return cast(Recipe, _changed(recipe, parts, _other))


def _is_tag(key: Key) -> bool:
    """Whether a key only says which judge its section is of."""
    return key.place.startswith("score.") and key.name == "judge"


def _changed(section: Any, parts: list[str], change: Callable[[Any, Any], Any]) -> Any:
    """A copy with the value at a place changed; of a list the first section, of judges the one that is named."""
    if isinstance(section, list):
        if parts[0] in _JUDGES and hasattr(section[0], "judge"):
            return [_changed(item, parts[1:], change) if item.judge == parts[0] else item for item in section]
        return [_changed(section[0], parts, change), *section[1:]]
    if not parts:
        return section
    name, *rest = parts
    value, annotation = getattr(section, name), type(section).model_fields[name].annotation
    new = _changed(value, rest, change) if rest else change(value, annotation)
    return section.model_copy(update={name: new})


def _filled(value: Any, annotation: Any) -> Any:
    """A section in the place of none."""
    below = list(sections_in(annotation))
    if value is not None or not below:
        return value
    fields = below[0].model_fields
    return below[0].model_construct(None, **{name: "given" for name, item in fields.items() if item.is_required()})


def _other(value: Any, annotation: Any) -> Any:
    """Another value of the same kind."""
    leaves = _leaves(annotation)
    choices = [choice for leaf in leaves if typing.get_origin(leaf) is Literal for choice in typing.get_args(leaf)]
    if different := [choice for choice in choices if choice != value]:
        return different[0]
    if Path in leaves:
        return _OTHER_FILE
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 or 0.5
    if isinstance(value, list):
        return [*value, *value[:1]] if value else [1]
    if isinstance(value, Mapping):
        return {"other": "other"}
    return f"{value}-other"


def _leaves(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) in (Literal, list, dict):
        return [annotation]
    inner = [leaf for branch in typing.get_args(annotation) for leaf in _leaves(branch)]
    return inner or [annotation]


def _families(names: Iterable[str], *, first: bool = True) -> list[str]:
    """Stages that stand for each iteration and judge under one name, as `score-<t>-<judge>`.

    Args:
        names: The stages.
        first: Whether to say from which iteration on, where it is not the first one.
    """
    groups: dict[str, list[StageName]] = {}
    stages = [parse(name) for name in names]
    several = len({stage.judge for stage in stages if stage.judge}) > 1
    for stage in stages:
        groups.setdefault(_family(stage, several=several), []).append(stage)
    return [_from(family, group) if first else f"`{family}`" for family, group in groups.items()]


def _family(stage: StageName, *, several: bool) -> str:
    iteration = () if stage.iteration is None and not (several and stage.judge) else ("<t>",)
    judge = (stage.judge and ("<judge>" if several else stage.judge),)
    half = ("<half>",) if stage.half else ()
    repeated = () if stage.seed is None else ("seed", "<n>")
    return "-".join(part for part in (stage.kind, *iteration, *judge, *half, *repeated) if part)


def _from(family: str, group: list[StageName]) -> str:
    iterations = {stage.iteration for stage in group if stage.iteration is not None}
    if iterations == {0}:
        return f"`{family.replace('<t>', '0')}`"
    late = iterations and min(iterations) > (0 if group[0].kind == MODEL else 1)
    return f"`{family}` from t = {min(iterations)}" if late else f"`{family}`"
