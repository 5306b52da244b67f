"""What has changed between two dataset folders: rows by id, columns, recipe, models, and the step it asks for."""

import filecmp
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.data.storage import count_rows, parquet_files, read_rows
from builder.errors import ReleaseError
from builder.recipe.strict_yaml import read_yaml
from builder.results.release.content.removed import REMOVED, read_removed
from builder.results.release.stated import read_manifest
from builder.results.release.versions import Level, Previous, refuse_unsafe
from builder.text.counted import counted
from builder.workspace.stage_names import parse

BUILD_FILE = "build.yaml"
DIGEST = 8
MEANING = ("chat.", "curate.judge")
"""Keys of the recipe that change what a column means: the tags inside `prompt`, and what `score` is."""


@dataclass(frozen=True)
class ConfigChanges:
    """The difference of one config.

    Attributes:
        rows: How many there are now.
        added, removed, taken_down, changed: Rows by id; those taken down are not among `removed`.
        by_column: Changed rows by the column that differs; `split` for a row that moved.
        columns: What has changed of the columns, in words.
        new: Whether the previous release has no such config.
        gone: Whether this release has no such config.
    """

    name: str
    rows: int
    added: int = 0
    removed: int = 0
    taken_down: int = 0
    changed: int = 0
    by_column: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    new: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Changes:
    """The difference of two releases; `recipe` holds key, old and new value of what differs."""

    previous: Previous
    configs: list[ConfigChanges]
    recipe: list[tuple[str, Any, Any]]
    models: list[str]

    @property
    def reasons(self) -> list[tuple[Level, str]]:
        """What asks for more than a patch release."""
        return list(_reasons(self))

    @property
    def level(self) -> Level:
        """The least step that fits."""
        return max((level for level, _ in self.reasons), default=Level.PATCH)

    @property
    def least_reasons(self) -> list[str]:
        """Why no smaller step fits."""
        return [reason for level, reason in self.reasons if level is self.level]


def compare(previous: Previous, dataset: Path, stages: Mapping[str, str]) -> Changes:
    """Compare a dataset folder with that of the previous release.

    Args:
        previous: The release before.
        dataset: The new folder; rows, `build.yaml` and `removed.txt` must be there.
        stages: Fingerprints of its stages.
    """
    old_files = refuse_unsafe(previous)
    down = frozenset(read_removed(dataset / REMOVED)) if (dataset / REMOVED).is_file() else frozenset[str]()
    names = list(dict.fromkeys([*_configs(dataset), *_configs(previous.dataset)]))
    old_stages = read_manifest(previous.dataset).stages
    models = [
        name
        for name, fingerprint in stages.items()
        if parse(name).trains and (name not in old_stages or old_stages[name].fingerprint != fingerprint)
    ]
    return Changes(
        previous,
        [_compare_config(name, previous.dataset / name, dataset / name, down) for name in names],
        list(_recipe_changes(old_files.get(BUILD_FILE), dataset / BUILD_FILE)),
        models,
    )


def _configs(dataset: Path) -> list[str]:
    return sorted(path.name for path in dataset.iterdir() if path.is_dir() and parquet_files(path))


def _compare_config(name: str, old: Path, new: Path, down: frozenset[str]) -> ConfigChanges:
    if not new.is_dir():
        return ConfigChanges(name, 0, removed=count_rows(old), gone=True)
    rows = count_rows(new)
    if not old.is_dir() or not parquet_files(old):
        return ConfigChanges(name, rows, added=rows, new=True)
    if _same_files(old, new):
        return ConfigChanges(name, rows)
    before, after = _columns(old), _columns(new)
    shared = [column for column in after if column in before]
    old_rows, by_column, added, changed = dict(_digests(old, shared)), Counter[str](), 0, 0
    for key, digest in _digests(new, shared):
        known = old_rows.pop(key, None)
        added += known is None
        if known is not None and known != digest:
            changed += 1
            by_column.update(_differing(known, digest, ["split", *shared]))
    taken = sum(key in down for key in old_rows)
    return ConfigChanges(
        name, rows, added, len(old_rows) - taken, taken, changed, by_column, tuple(_column_changes(before, after))
    )


def _same_files(old: Path, new: Path) -> bool:
    names = [[path.relative_to(folder).as_posix() for path in parquet_files(folder)] for folder in (old, new)]
    return names[0] == names[1] and all(filecmp.cmp(old / name, new / name, shallow=False) for name in names[0])


def _columns(config: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    columns = {field.name: str(field.type) for field in pq.read_schema(parquet_files(config)[0])}
    if columns.get("id") != "string":
        raise ReleaseError(f"{config}: its rows have no column id of texts, so they cannot be compared")
    return columns


def _column_changes(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    yield from (f"column {name} is gone" for name in before if name not in after)
    yield from (f"column {name} is new" for name in after if name not in before)
    yield from (
        f"column {name} is {after[name]} instead of {kind}"
        for name, kind in before.items()
        if after.get(name, kind) != kind
    )


def _digests(config: Path, columns: list[str]) -> Iterator[tuple[str, bytes]]:
    """Id and digests of the split and of every column, one after the other; some tens of bytes a row."""
    for path in parquet_files(config):
        split = _digest(path.name.partition("-")[0])
        for row in read_rows(path, columns):
            yield row["id"], split + b"".join(_digest(row[column]) for column in columns)


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(json.dumps(value, ensure_ascii=False, default=str).encode(), digest_size=DIGEST).digest()


def _differing(old: bytes, new: bytes, columns: list[str]) -> Iterator[str]:
    for place, column in enumerate(columns):
        part = slice(place * DIGEST, (place + 1) * DIGEST)
        if old[part] != new[part]:
            yield column


def _recipe_changes(old: Path | None, new: Path) -> Iterator[tuple[str, Any, Any]]:
    before = dict(_flat(read_yaml(old))) if old else {}
    after = dict(_flat(read_yaml(new)))
    for key in dict.fromkeys([*after, *before]):
        if before.get(key) != after.get(key):
            yield key, before.get(key), after.get(key)


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(item, f"{place}.{key}" if place else str(key))
    else:
        yield place, value


def _reasons(changes: Changes) -> Iterator[tuple[Level, str]]:
    for config in changes.configs:
        if config.gone:
            yield Level.MAJOR, f"config {config.name} is gone"
        elif config.new:
            yield Level.MINOR, f"config {config.name} is new"
        else:
            yield from ((Level.MAJOR, f"{config.name}: {change}") for change in config.columns)
            for number, state in ((config.added, "new"), (config.removed, "gone"), (config.changed, "changed")):
                if number:
                    verb = "is" if number == 1 else "are"
                    yield Level.MINOR, f"{config.name}: {counted(number, 'rows')} {verb} {state}"
    for key, _, _ in changes.recipe:
        if key.startswith(MEANING):
            yield Level.MAJOR, f"{key} changes what a column means"
    if changes.models:
        yield Level.MINOR, f"{', '.join(changes.models)} trained anew"
