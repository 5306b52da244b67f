"""The child process of `verify`: download files by commit, compare their digests, load every config; print problems."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.results.release.manifest import sha256
from builder.workspace.processes import die_with_parent


def problems_of(order: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a published commit, in this process's cache, which must be empty before.

    Args:
        order: `kind`, `name` and `commit`; `files`: sha256 by path; `rows` by path of the Parquet files; `everything`:
            whether the files are all there are, so that configs can be loaded as a user loads them.
    """
    from huggingface_hub import snapshot_download

    place = {"repo_id": order["name"], "repo_type": order["kind"], "revision": order["commit"]}
    folder = Path(snapshot_download(**place, allow_patterns=[_literal(path) for path in order["files"]]))
    if folder.name != order["commit"]:
        yield f"the snapshot is of {folder.name}"
    for path, digest in order["files"].items():
        if not (folder / path).is_file():
            yield f"{path} cannot be downloaded"
        elif sha256(folder / path) != digest:
            yield f"{path} comes back with other content"
    if order["rows"]:
        yield from _configs(order) if order["everything"] else _shards(order)


def _configs(order: dict[str, Any]) -> Iterator[str]:
    from datasets import load_dataset_builder

    expected: dict[str, Counter[str]] = {}
    for path, rows in order["rows"].items():
        config, _, file = path.partition("/")
        expected.setdefault(config, Counter())[file.partition("-")[0]] += rows
    for config, splits in expected.items():
        builder = load_dataset_builder(order["name"], config, revision=order["commit"])
        if builder.hash != order["commit"]:
            yield f"load_dataset gives config {config} from {builder.hash} instead of the commit asked for"
        builder.download_and_prepare()
        loaded = {split: info.num_examples for split, info in (builder.info.splits or {}).items()}
        if loaded != splits:
            yield f"config {config} loads with {loaded} rows instead of {dict(splits)}"


def _shards(order: dict[str, Any]) -> Iterator[str]:
    from datasets import load_dataset

    for path, rows in order["rows"].items():
        address = f"hf://datasets/{order['name']}@{order['commit']}/{path}"
        loaded = load_dataset("parquet", data_files=address, split="train")
        if loaded.num_rows != rows:
            yield f"{path} loads with {loaded.num_rows} rows instead of {rows}"


def _literal(path: str) -> str:
    """A pattern that matches this path alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    found = list(problems_of(json.load(sys.stdin)))
    sys.stdout.write("\n" + json.dumps(found) + "\n")
