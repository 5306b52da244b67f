"""The Hub's limits and rules for names (hub-docs, "Storage limits" and "Data files configuration")."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER_ENTRIES = 10_000
REPOSITORY_FILES = 100_000
FILE_BYTES = 50 * 1000**3
_CONFIG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SPLIT = re.compile(r"\w+(?:\.\w+)*")


def check_limits(folder: Path) -> Iterator[str]:
    """No folder, file or repository is larger than the Hub takes."""
    files, entries = 0, Counter[str]()
    for path in folder.rglob("*"):
        entries[path.parent.relative_to(folder).as_posix()] += 1
        if path.is_file():
            files += 1
            if path.stat().st_size > FILE_BYTES:
                name = path.relative_to(folder).as_posix()
                yield f"{name}: has {path.stat().st_size:,} bytes; the Hub takes files of up to {FILE_BYTES:,}"
    for name, number in entries.items():
        if number > FOLDER_ENTRIES:
            yield f"{name}: holds {number:,} entries; the Hub takes {FOLDER_ENTRIES:,} a folder, write larger shards"
    if files > REPOSITORY_FILES:
        yield f"has {files:,} files; the Hub takes {REPOSITORY_FILES:,} a repository, write larger shards"


def check_names(configs: list[dict[str, Any]]) -> Iterator[str]:
    """Names of configs and splits are such that every client can tell them apart.

    Args:
        configs: The entry `configs` of a card.
    """
    names = [str(entry["config_name"]) for entry in configs]
    for name, others in _alike(names).items():
        if len(others) > 1:
            listed = " and ".join(map(repr, others))
            yield f"README.md: configs {listed} differ only in case, which caches do not tell apart; rename one"
        if names.count(name) > 1:
            yield f"README.md: config {name!r} is declared more than once"
    for entry in configs:
        name = entry["config_name"]
        if not _CONFIG.fullmatch(str(name)):
            yield f"README.md: config {name!r} must consist of letters, digits, dots, dashes and underscores"
        for split in (str(item["split"]) for item in entry.get("data_files", [])):
            if not _SPLIT.fullmatch(split):
                yield f"README.md: split {split!r} of config {name!r} must consist of words joined by dots"


def _alike(names: list[str]) -> dict[str, list[str]]:
    """Names that are the same without case, by the first of them."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(name.lower(), []).append(name)
    return {group[0]: group for group in groups.values()}
