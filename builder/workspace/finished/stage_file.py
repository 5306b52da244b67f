"""`stage.json`: what a stage is and what came of it, believed only as it was written."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from builder.data.storage import dump_json, read_json, write_json
from builder.errors import StageError
from builder.workspace.finished.inventory import is_inventory
from builder.workspace.layout import STAGE_FILE

STATUSES = ("running", "failed", "done")
_DIGEST = "digest"
_FORMS: dict[str, type | tuple[type, ...]] = {
    "config": dict,
    "inputs": dict,
    "versions": dict,
    "warnings": list,
    "counts": dict,
    "details": dict,
    "seconds": (int, float),
}
"""Types of the keys that others read."""


def write_stage_file(folder: Path, record: dict[str, Any]) -> None:
    """Write a record with its digest, which tells whether it has been changed."""
    bare = json.loads(dump_json({key: value for key, value in record.items() if key != _DIGEST}))
    write_json(folder / STAGE_FILE, bare | {_DIGEST: _digest_of(bare)})


def read_stage_file(folder: Path, fingerprint: str) -> dict[str, Any]:
    """The record of a stage; empty if there is none.

    Args:
        folder: The stage folder.
        fingerprint: That of the stage; a record that says another belongs to another stage.

    Raises:
        StageError: If it is not one that a build has written for this stage.
    """
    path = folder / STAGE_FILE
    if not os.path.lexists(path):
        return {}
    if not stat.S_ISREG(path.lstat().st_mode):
        raise StageError(f"{STAGE_FILE} is no file")
    try:
        record = read_json(path)
    except StageError as error:
        raise StageError(f"{STAGE_FILE} is not valid JSON ({error.__cause__})") from error
    if fault := _fault(record, fingerprint):
        raise StageError(f"{STAGE_FILE} {fault}")
    return dict(record)


def _fault(record: Any, fingerprint: str) -> str | None:
    """What tells that a record is not one of this stage; those of earlier versions have no digest."""
    if not isinstance(record, dict):
        return "holds no object"
    bare = {key: value for key, value in record.items() if key != _DIGEST}
    if _DIGEST in record and record[_DIGEST] != _digest_of(bare):
        return "has been changed since it was written"
    if record.get("status") not in STATUSES:
        return f"says that the stage is {json.dumps(record.get('status'))[:40]}, which is none of {', '.join(STATUSES)}"
    if record.get("fingerprint", fingerprint) != fingerprint:
        return "belongs to another stage"
    for key, form in _FORMS.items():
        if key in record and (not isinstance(record[key], form) or isinstance(record[key], bool)):
            return f"has something else under {key} than a build writes"
    if not all(isinstance(warning, str) for warning in record.get("warnings", [])):
        return "has something else under warnings than a build writes"
    if not all(_is_counts(counts) for counts in record.get("counts", {}).values()):
        return "has something else under counts than a build writes"
    if record["status"] == "done" and not record.get("counts"):
        return "says that the stage is done, and counts nothing"
    return None if "files" not in record or is_inventory(record["files"]) else "has no list of files under files"


def _is_counts(value: Any) -> bool:
    try:
        numbers = [value["in"], value["kept"], *value["dropped"].values(), *value["failed"].values()]
    except (AttributeError, KeyError, TypeError):
        return False
    return all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers)


def _digest_of(record: dict[str, Any]) -> str:
    """The sha256 of a record as it stands in its file."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode("ascii")).hexdigest()
