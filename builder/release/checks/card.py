"""Checks of the cards: the front matter must say what the files are, and under which licence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.data.storage import count_rows, parquet_files
from builder.errors import RecipeError, ReleaseError
from builder.recipe.licences import licence_problems
from builder.recipe.strict_yaml import parse_yaml
from builder.release.cards.card import read_features, size_category
from builder.release.checks.limits import check_names

REQUIRED = ("language", "pretty_name", "size_categories", "task_categories", "tags", "configs")
_FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)


def read_front_matter(card: Path) -> dict[str, Any]:
    """The front matter of a README.md, read strictly.

    Raises:
        ReleaseError: If there is none, it is not YAML, or a key is written twice.
    """
    front_matter = _FRONT.match(card.read_text(encoding="utf-8"))
    if not front_matter:
        raise ReleaseError(f"{card.name}: has no front matter between two lines of ---")
    try:
        value = parse_yaml(front_matter.group(1), card.name)
    except RecipeError as error:
        raise ReleaseError(str(error)) from error
    if not isinstance(value, dict):
        raise ReleaseError(f"{card.name}: the front matter is no mapping")
    return value


def check_card(dataset: Path) -> Iterator[str]:
    """Declared files are the files present; features, rows and sizes are those of the files."""
    front = read_front_matter(dataset / "README.md")
    yield from (f"README.md: {problem}" for problem in licence_problems(front))
    for key in REQUIRED:
        if not front.get(key):
            yield f"README.md: the front matter lacks {key}"
    yield from check_names(front["configs"])
    configs = {entry["config_name"]: entry for entry in front["configs"]}
    if len(configs) > 1 and sum(bool(entry.get("default")) for entry in configs.values()) != 1:
        yield "README.md: exactly one config must be the default"
    if sorted(configs) != sorted(entry["config_name"] for entry in front["dataset_info"]):
        yield "README.md: configs and dataset_info name different configs"
    features = read_features(front)
    declared, rows = set[Path](), 0
    for info in front["dataset_info"]:
        for entry in configs.get(info["config_name"], {}).get("data_files", []):
            files = sorted(dataset.glob(entry["path"]))
            declared |= set(files)
            if not files:
                yield f"README.md: {entry['path']} names no file"
                continue
            yield from _check_split(info, entry["split"], files, features[info["config_name"]])
            rows += sum(map(count_rows, files))
    for path in parquet_files(dataset):
        if path not in declared:
            yield f"{path.relative_to(dataset).as_posix()}: the card declares no split with this file"
    if front["size_categories"] != [size_category(rows)]:
        yield f"README.md: size_categories is {front['size_categories']}, there are {rows:,} rows"


def _check_split(info: dict[str, Any], split: str, files: list[Path], features: Any) -> Iterator[str]:
    import pyarrow.parquet as pq
    from datasets import Features

    name = info["config_name"]
    stated = {entry["name"]: entry["num_examples"] for entry in info["splits"]}
    rows = sum(map(count_rows, files))
    if stated.get(split) != rows:
        yield f"README.md: {name}/{split} has {stated.get(split)} rows by the card and {rows} in its files"
    for file in files:
        if Features.from_arrow_schema(pq.read_schema(file)) != features:
            yield f"{name}/{file.name}: its columns differ from the features in the card"


def check_model_card(model: Path) -> Iterator[str]:
    """The front matter of a model's card is YAML and says what the Hub asks for."""
    front = read_front_matter(model / "README.md")
    yield from (f"README.md: {problem}" for problem in licence_problems(front))
    if not front.get("library_name"):
        yield "README.md: the front matter lacks library_name"
