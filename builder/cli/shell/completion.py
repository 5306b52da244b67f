"""What a shell completes: stages, keys, reasons. Called at each press of a key, so it loads next to nothing."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from builder.workspace import stage_names as names
from builder.workspace.stage_names import HALVES

_SCHEMA = Path(__file__).parents[2] / "recipe" / "build.schema.json"
_MOST_BYTES = 1_000_000
_DEFAULT: dict[str, Any] = {"score": [{"judge": "likelihood"}]}


def _matching(found: Iterable[str], begun: str) -> list[str]:
    return [name for name in dict.fromkeys(found) if name.startswith(begun)]


def _argument(context: click.Context, name: str, place: int) -> str | None:
    """An argument of the command; before the value of an option, click has not told them apart yet."""
    given = context.params.get(name)
    if given is None and len(context.args) > place:
        given = context.args[place]
    return None if given is None else str(given)


def stages(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The stages of the recipe that is named, models included; `show` knows `iterations` too."""
    more = ["iterations"] if context.command.name == "show" else []
    return _matching([*stages_of(_recipe(_argument(context, "recipe", 0))), *more], begun)


def reasons(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The reasons for which rows are rejected, of the stage that is named if there is one."""
    from builder.cli.reference.reasons.table import REASONS

    stage = _argument(context, "stage", 1)
    parsed = names.parse(stage) if stage else None
    kind = None if parsed is None else names.MODEL if parsed == names.BACKWARD else parsed.kind
    return _matching((reason.name for reason in REASONS if kind in (None, reason.stage)), begun)


def keys_and_reasons(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """All that `humpback help` knows."""
    return [*_matching(keys(), begun), *reasons(context, parameter, begun)]


def settings(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The keys as `--set` takes them: the first section of a list is number 0."""
    return [f"{key}=" for key in _matching(keys(numbered=True), begun)]


def stages_of(values: dict[str, Any]) -> list[str]:
    """The stages of a recipe's values in their order; what is wrong in them is left out."""
    judges = [item for item in _list(values.get("score")) if isinstance(item, dict)]
    once = [str(item.get("judge")) for item in judges if item.get("judge") == "reverse" or item.get("model")]
    anew = [name for item in judges if (name := str(item.get("judge"))) not in once]
    training = values.get("training")
    training = training if isinstance(training, dict) else {}
    last = values.get("iterations", 2)
    last = last if isinstance(last, int) and 0 < last < 100 else 2
    found = [names.SEED, names.SEGMENTS, names.DEDUP, names.BACKWARD, names.AUGMENT]
    found += [names.score(None, judge) for judge in once]
    found += [names.SEED_CLEAN] if values.get("decontaminate") else []
    found += [names.model(0)]
    for t in range(1, last + 1):
        halves = HALVES if training.get("cross_fit") and t > 1 and anew else ()
        found += [names.model(t - 1, half=half) for half in halves]
        for judge in anew:
            found += [names.score(t, judge, half) for half in halves] + [names.score(t, judge)]
        found += [names.curate(t), names.model(t)]
    seeds = [seed for seed in _list(training.get("seeds")) if isinstance(seed, int)]
    found += [names.model(last, seed=seed) for seed in seeds]
    return [str(name) for name in found]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _recipe(path: str | None) -> dict[str, Any]:
    """The values of a recipe's file as far as it can be read; else those that matter of the quickstart's."""
    import yaml

    try:
        file = Path(path or ".")
        file = file / "build.yaml" if file.is_dir() else file
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return _DEFAULT
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, LookupError, AttributeError, RecursionError, yaml.YAMLError):
        return _DEFAULT
    return values if isinstance(values, dict) else _DEFAULT


def keys(*, numbered: bool = False) -> Iterator[str]:
    """The places of all keys of a recipe, read off its schema.

    Args:
        numbered: Whether sections of a list stand below the number 0, and not below what they are called.
    """
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    yield from _keys(schema, "", schema["$defs"], numbered)


def _keys(section: dict[str, Any], place: str, parts: dict[str, Any], numbered: bool) -> Iterator[str]:
    for name, value in section["properties"].items():
        yield f"{place}{name}"
        listed, below = _sections(value, parts)
        for inner in below:
            judge = f"{inner['properties']['judge']['const']}." if len(below) > 1 else ""
            step = "0." if listed and numbered else judge
            yield from _keys(inner, f"{place}{name}.{step}", parts, numbered)


def _sections(value: dict[str, Any], parts: dict[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
    """The sections that a value may be, and whether it is a list of them."""
    if "$ref" in value:
        part = parts[value["$ref"].rpartition("/")[2]]
        return False, [part] if "properties" in part else []
    if "items" in value:
        return True, _sections(value["items"], parts)[1]
    found = [_sections(branch, parts) for kind in ("anyOf", "oneOf", "allOf") for branch in value.get(kind, ())]
    return any(listed for listed, below in found if below), [part for _, below in found for part in below]
