"""Stages that an earlier version has done, whose records name more files than a stage depends on."""

import json
import re
from pathlib import Path
from typing import Any

from builder.errors import StageError
from builder.workspace.finished.stage_file import read_stage_file
from builder.workspace.inputs.model_folder import names_model_folder, without_others
from builder.workspace.layout import STAGE_FILE

_PARTS = ("stage", "version", "config", "inputs")


def earlier_identity(root: Path, value: dict[str, Any], fingerprint: str) -> dict[str, Any] | None:
    """The identity under which a stage stands in a work directory, if its own is not there.

    Nothing is guessed: all that the stage depends on has to be the same.

    Args:
        root: The work directory.
        value: The identity of the stage.
        fingerprint: Its fingerprint.
    """
    stage = value["stage"]
    if (root / f"{stage}-{fingerprint}" / STAGE_FILE).exists() or not names_model_folder(value):
        return None
    wanted = json.loads(json.dumps(value))
    found = {record["status"]: record for record in _records(root, stage) if _identity(record, bare=True) == wanted}
    best = next((found[status] for status in ("done", "running", "failed") if status in found), None)
    return None if best is None else _identity(best)


def _records(root: Path, stage: str) -> list[dict[str, Any]]:
    name = re.compile(rf"{re.escape(stage)}-([0-9a-f]{{12}})")
    records = []
    for folder in sorted(root.glob(f"{stage}-*")):
        if (match := name.fullmatch(folder.name)) and (folder / STAGE_FILE).is_file():
            try:
                records.append(read_stage_file(folder, match[1]))
            except StageError:
                continue  # of a stage that nobody has asked for
    return records


def _identity(record: dict[str, Any], *, bare: bool = False) -> dict[str, Any]:
    parts = {key: record.get(key) for key in _PARTS}
    return dict(without_others(parts)) if bare else parts
