"""YAML as PyYAML's safe loader reads it, and with it TRL; a key that is written twice is an error.

What a value is read as enters fingerprints: `yes` is true, `1e-5` is a text, `20:00:00` is a number. Loaders of other
rules (YAML 1.2, or ruamel.yaml's of 1.1) read these differently.
"""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.data.strict_json import strict_json
from builder.errors import RecipeError
from builder.recipe.yaml_faults import json_fault, yaml_fault

OF_A_VALUE = (ValueError, LookupError, AttributeError)
"""What PyYAML raises by accident for a value that looks like what it is not, such as the date 2001-99-99."""
MOST_CHARACTERS, MOST_VALUES, MOST_DIGITS, MOST_BRACKETS = 1_000_000, 200_000, 1_000, 100
"""What a file, its values with what aliases repeat, a number and a value in brackets may have."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML without the silent loss of a key that is written twice."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        """Stop early: the scanner takes seconds for brackets that the parser gives up on."""
        if self.flow_level >= MOST_BRACKETS:
            raise RecursionError
        super().fetch_flow_collection_start(TokenClass)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Say where a value stands that is not what it looks like."""
        try:
            return super().construct_object(node, deep=deep)
        except OF_A_VALUE as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error


def _mapping(loader: _UniqueKeys, node: yaml.Node) -> dict[Any, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise yaml.constructor.ConstructorError(None, None, "a !!map must be a mapping", node.start_mark)
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, list | dict):
            raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is written twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _number(loader: _UniqueKeys, node: yaml.ScalarNode) -> Any:
    if len(node.value) > MOST_DIGITS:
        raise yaml.constructor.ConstructorError(None, None, f"has over {MOST_DIGITS:,} digits", node.start_mark)
    read = loader.construct_yaml_int if node.tag.endswith(":int") else loader.construct_yaml_float
    return read(node)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
for kind in ("int", "float"):
    _UniqueKeys.add_constructor(f"tag:yaml.org,2002:{kind}", _number)


def read_yaml(path: Path) -> Any:
    """Read a YAML file; keys written twice are an error.

    Raises:
        RecipeError: If the file is missing, unreadable or not YAML.
    """
    try:
        refuse_special(path)
        with path.open(encoding="utf-8") as file:
            return parse_yaml(file.read(MOST_CHARACTERS + 1), str(path))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such file; `humpback init DIR` writes a recipe to start from") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({why_unread(error)})") from error


def read_settings(path: Path) -> dict[str, Any]:
    """Read a file of settings for another program, YAML or (by its name) JSON.

    Raises:
        RecipeError: If the file is missing, unreadable, not what its name says, or holds no mapping.
    """
    try:
        refuse_special(path)
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such file; give the path of one that is there") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({why_unread(error)})") from error
    if path.suffix == ".json":
        try:
            value = strict_json(text)
        except ValueError as error:
            raise RecipeError(f"{path}: not valid JSON: {json_fault(error)}") from error
    else:
        value = parse_yaml(text, str(path))
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: holds no settings; write them as `key: value`")
    return value


def parse_yaml(text: str, name: str) -> Any:
    """Parse YAML; keys written twice are an error.

    Raises:
        RecipeError: If `text`, which comes from `name`, is not YAML, or is more than anybody writes by hand.
    """
    if len(text) > MOST_CHARACTERS:
        raise RecipeError(f"{name}: has more than {MOST_CHARACTERS:,} characters; no more are read")
    try:
        value, values = deepcopy(_loaded(text))
    except RecursionError as error:
        raise RecipeError(f"{name}: not valid YAML: its values are nested too deep") from error
    except (yaml.YAMLError, *OF_A_VALUE) as error:
        raise RecipeError(f"{name}: not valid YAML: {yaml_fault(error, text)}") from error
    if values > MOST_VALUES:
        raise RecipeError(
            f"{name}: has over {MOST_VALUES:,} values, counting what aliases repeat; write less, or fewer aliases"
        )
    return value


@lru_cache(maxsize=4)
def _loaded(text: str) -> tuple[Any, int]:
    """The value of a text, and how many values that are. A command reads its recipe several times."""
    value = yaml.load(text, Loader=_UniqueKeys)
    return value, _count(value, {})


def _count(value: Any, known: dict[int, int]) -> int:
    """How many values there are when every alias is written out; each is looked at once."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        items = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(item, known) for item in items)
    return known[id(value)]
