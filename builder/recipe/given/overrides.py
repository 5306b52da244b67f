"""Settings of the command line, `key.path=value`, put into the values of a recipe's file."""

from typing import Any

import yaml

from builder.data.redaction import redacted
from builder.errors import RecipeError
from builder.recipe.strict_yaml import OF_A_VALUE
from builder.recipe.yaml_faults import yaml_fault

ABSENT = object()
"""Stands for the value of a key that is not there."""
RULES = ("curate.threshold", "curate.top", "curate.share")
"""Selection rules, of which a recipe has one."""


def apply(values: dict[str, Any], override: str) -> None:
    """Set one key of the recipe's values.

    Raises:
        RecipeError: If it is no setting, or the recipe has no such place.
    """
    key, equals, text = override.partition("=")
    override = redacted(override)  # from here on it is only shown
    if not equals or not key:
        raise RecipeError(f"--set {override}: write it as key.path=value, e.g. --set curate.share=0.3")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, *OF_A_VALUE) as error:
        raise RecipeError(
            redacted(f"--set {override}: the value is not valid YAML: {yaml_fault(error, text)}")
        ) from error
    *parents, last = key.split(".")
    place: Any = values
    for part in parents:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[_index(place, part, override)]
        if not isinstance(place, dict | list):
            raise RecipeError(f"--set {override}: {part!r} is a single value and has no keys below it")
    if isinstance(place, dict):
        place[last] = value
        _drop_rivals(place, key, value)
    else:
        place[_index(place, last, override)] = value


def key_of(override: str) -> str:
    """The key of a setting, with numbers of places as they are counted."""
    key = override.partition("=")[0]
    return ".".join(str(int(part)) if part.isdecimal() else part for part in key.split("."))


def text_of(override: str) -> str:
    """The value of a setting as it was written."""
    return override.partition("=")[2]


def value_of(override: str) -> Any:
    """The value of a setting; ABSENT if it is none that YAML reads."""
    try:
        return yaml.safe_load(text_of(override))
    except (yaml.YAMLError, RecursionError, *OF_A_VALUE):
        return ABSENT


def value_at(values: Any, key: str) -> Any:
    """What a recipe's values have at a key; ABSENT if there is no such key."""
    for part in key.split("."):
        if isinstance(values, dict) and part in values:
            values = values[part]
        elif isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
        else:
            return ABSENT
    return values


def replaces(later: str, earlier: str) -> bool:
    """Whether nothing of an earlier setting is left once a later one is set."""
    key, before = key_of(later), key_of(earlier)
    rivals = key in RULES and before in RULES and value_of(later) is not None
    return rivals or f"{before}.".startswith(f"{key}.")


def last_of_each(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """The settings that are left, in order, when each takes the place of those before it."""
    return tuple(
        override
        for at, override in enumerate(overrides)
        if not any(replaces(later, override) for later in overrides[at + 1 :])
    )


def _index(items: list[Any], part: str, override: str) -> int:
    if not part.isdigit() or int(part) >= len(items):
        raise RecipeError(f"--set {override}: {part!r} is no place in a list of {len(items)}; count from 0")
    return int(part)


def _drop_rivals(place: dict[str, Any], key: str, value: Any) -> None:
    """`--set curate.top=9` replaces the selection rule of the file instead of clashing with it."""
    if key in RULES and value is not None:
        for other in RULES:
            if other != key:
                place.pop(other.partition(".")[2], None)
