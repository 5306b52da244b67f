"""Checks of the cards: the front matter must say what the files are, and under which licence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.data.paths import matching, shown
from builder.data.storage import count_rows, parquet_files, read_json
from builder.errors import RecipeError, ReleaseError
from builder.recipe.licences import licence_problems
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.cards.card import read_features, size_category
from builder.results.release.checks.limits import check_names
from builder.results.release.manifest import MANIFEST
from builder.results.release.outside import outside_text
from builder.results.release.portable.model_files import for_one_version, in_words, libraries_of

REQUIRED = ("language", "pretty_name", "size_categories", "task_categories", "tags", "configs")
_FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)


def read_front_matter(card: Path) -> dict[str, Any]:
    """The front matter of a README.md, read strictly.

    Raises:
        ReleaseError: If there is none, it is not YAML, or a key is written twice.
    """
    return parse_front_matter(outside_text(card.parent, card.name), card.name)


def parse_front_matter(text: str, name: str) -> dict[str, Any]:
    """The front matter of the text of a card; see `read_front_matter`.

    Args:
        text: The card.
        name: Of its file, for messages.
    """
    front_matter = _FRONT.match(text)
    if not front_matter:
        raise ReleaseError(f"{name}: has no front matter between two lines of ---")
    try:
        value = parse_yaml(front_matter.group(1), name)
    except RecipeError as error:
        raise ReleaseError(str(error)) from error
    if not isinstance(value, dict):
        raise ReleaseError(f"{name}: the front matter is no mapping")
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
    splits = declared_files(dataset, front)
    for info in front["dataset_info"]:
        for split, (pattern, files) in splits.get(info["config_name"], {}).items():
            declared |= set(files)
            if not files:
                yield f"README.md: {pattern} names no file"
                continue
            yield from _check_split(info, split, files, features[info["config_name"]])
            rows += sum(map(count_rows, files))
    for path in parquet_files(dataset):
        if path not in declared:
            yield f"{path.relative_to(dataset).as_posix()}: the card declares no split with this file"
    if front["size_categories"] != [size_category(rows)]:
        yield f"README.md: size_categories is {front['size_categories']}, there are {rows:,} rows"


def declared_files(dataset: Path, front: dict[str, Any]) -> dict[str, dict[str, tuple[str, list[Path]]]]:
    """The pattern of every split and its files, by config.

    Raises:
        ReleaseError: If a config has keys beside its name and files: a loader obeys those as well.
        UnsafePath: If a pattern leads out of the dataset.
    """
    splits: dict[str, dict[str, tuple[str, list[Path]]]] = {}
    for entry in front["configs"]:
        others = entry.keys() - {"config_name", "default", "data_files"}
        if others or not all(item.keys() == {"split", "path"} for item in entry["data_files"]):
            raise ReleaseError(
                f"README.md: config {shown(entry['config_name'])} has other keys than a name and files, each a split "
                "and a path; take them out"
            )
        for item in entry["data_files"]:
            found = matching(dataset, item["path"], "README.md")
            splits.setdefault(entry["config_name"], {})[item["split"]] = item["path"], found
    return splits


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


def check_libraries(model: Path) -> Iterator[str]:
    """Both versions of transformers read the settings; card and manifest name the versions that the files say."""
    yield from (f"{problem}; release it again" for problem in for_one_version(model))
    libraries, stated = libraries_of(model), read_json(model / MANIFEST)
    if stated.get("libraries") != libraries:
        yield f"{MANIFEST}: libraries is {stated.get('libraries')}, by the files they are {libraries}; release it again"
    row = f"| libraries | {in_words(libraries)} |"
    if stated["kind"] == "model" and row not in outside_text(model, "README.md").splitlines():
        yield f"README.md: lacks the line {row!r}, which the files say; release it again"
