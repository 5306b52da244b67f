"""What earlier runs of a stage have left in a work directory."""

import re
from typing import Any

from builder.data.storage import read_json
from builder.errors import StageError
from builder.workspace.layout import STAGE_FILE
from builder.workspace.workspace import Artifact


def rows_of(record: dict[str, Any]) -> int | None:
    """How many rows a finished stage hands on."""
    counts = record.get("counts", {})
    return int(list(counts.values())[-1]["kept"]) if counts else None


def last_run(artifact: Artifact) -> dict[str, Any]:
    """The record of the latest other run of the same stage in this work directory; empty if there is none."""
    name = re.compile(rf"{re.escape(artifact.stage)}-[0-9a-f]{{12}}")
    folders = [path for path in artifact.path.parent.glob(f"{artifact.stage}-*") if name.fullmatch(path.name)]
    files = [file for path in folders if path != artifact.path and (file := path / STAGE_FILE).is_file()]
    for file in sorted(files, key=lambda file: (-file.stat().st_mtime_ns, file)):
        try:
            record = dict(read_json(file))
        except (StageError, TypeError, ValueError):
            continue
        if {"config", "inputs", "fingerprint"} <= record.keys():
            return record
    return {}


def kept_before(artifact: Artifact, *, of: str | None = None, alike: bool = False) -> float | None:
    """The share of rows that went on in the latest other run of a stage, if there was one.

    Args:
        artifact: The stage.
        of: The kind of row that it is a share of; where left out, the kind that the stage hands on.
        alike: Whether only a run with the same settings and inputs of its own counts.
    """
    record = last_run(artifact)
    counts = record.get("counts", {})
    if not counts or (alike and record["config"] != artifact.identity["config"]):
        return None
    last = list(counts.values())[-1]
    rows = int(counts[of]["in"] if of is not None and of in counts else last["in"])
    return float(last["kept"]) / rows if rows else None
