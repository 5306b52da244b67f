"""What `kill_check` holds against each other: the files of two projects, and the ids in their stages."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.data.storage import parquet_files, read_json, read_rows
from builder.recipe.given.recorded import RECORD
from builder.workspace.layout import INPUTS

TWINS = ("undisturbed", "killed")
NOT_COMPARED = ("logs", ".lock", INPUTS, RECORD)
"""What says how a build was run and what it was given, such as the number of its engines."""
OF_ONE_RUN = ("seconds", "versions", "restarts", "files", "digest")
"""Keys of `stage.json` that say how a run went and not what it wrote, and what is compared by itself."""


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file of a project but its logs, by path; paths inside text files are those of no machine."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.name != "kills.log" and not set(name.parts) & set(NOT_COMPARED):
            digests[name.as_posix()] = hashlib.sha256(_comparable(path, folder)).hexdigest()
    return digests


def _comparable(path: Path, folder: Path) -> bytes:
    if path.name == "stage.json":
        return repr(sorted(_without_times(read_json(path)).items())).encode()
    data = path.read_bytes()
    if path.suffix in (".json", ".yaml"):
        for name in {folder.name, *TWINS}:  # stages of a copied project name the folder they were made in
            data = data.replace(str(folder.parent / name).encode(), b"PROJECT")
    return data


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in OF_ONE_RUN}


def repeated_ids(folder: Path) -> Iterator[str]:
    """Ids that stand more than once in the rows of a stage."""
    for stage in sorted(folder.glob("work/*/data")):
        if parquet_files(stage):
            counts = Counter(row["id"] for row in read_rows(stage, ["id"]) if "id" in row)
            yield from (f"{stage.parent.name}: {row}" for row, count in counts.items() if count > 1)


def project_differences(undisturbed: Path, killed: Path) -> list[str]:
    """Files that only one of two projects has, or that differ, and ids that a stage holds twice."""
    before, after = contents(undisturbed), contents(killed)
    return [
        *(f"missing: {name}" for name in before.keys() - after.keys()),
        *(f"stray: {name}" for name in after.keys() - before.keys()),
        *(f"differs: {name}" for name in before.keys() & after.keys() if before[name] != after[name]),
        *(f"twice: {identity}" for identity in repeated_ids(killed)),
    ]
