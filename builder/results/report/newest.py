"""A build that runs, looked at from beside it: from the files of its stages alone, so also from another machine."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.storage import open_parquet, parquet_files
from builder.workspace.console import describe_counts
from builder.workspace.live.line import total_time, where
from builder.workspace.progress import Seen, read_notices, read_progress
from builder.workspace.workspace import Artifact

STALE = 120.0
"""Seconds without a sign of life after which a stage may have died."""


@dataclass(frozen=True)
class Look:
    """What one look at a build shows.

    Attributes:
        lines: Of each stage its name, state, and what there is to say of it.
        warnings: Stages with what they warned of, also before they are done.
        rows: The newest rows of the stage that runs.
        running: The stage that runs, or began last.
        finished: Whether all stages are done.
    """

    lines: list[tuple[str, str, str]]
    warnings: list[tuple[str, str]]
    rows: list[dict[str, Any]]
    running: str | None
    finished: bool


def look(build: Build, rows: int = 0) -> Look:
    """Look once.

    Args:
        build: Its stages as they stand.
        rows: How many of the newest rows to read.
    """
    lines, warnings, running = [], [], None
    for artifact in build.artifacts.values():
        status, record = artifact.status, artifact.record
        said = ""
        if status == "done":
            counts = describe_counts(record["counts"]) if record.get("counts") else ""
            said = f"{total_time(record.get('seconds', 0.0)):>9}  {counts}"
        elif status == "partial":
            running = artifact.stage
            said = _running(artifact, record)
        lines.append((artifact.stage, status, said))
        noticed = [*record.get("warnings", []), *(read_notices(artifact.path) if status == "partial" else [])]
        warnings += [(artifact.stage, text) for text in dict.fromkeys(noticed)]
    stage = build.artifacts.get(running) if running else None
    newest = newest_rows(stage.data, rows) if stage and rows else []
    return Look(lines, warnings, newest, running, all(status == "done" for _, status, _ in lines))


def _running(artifact: Artifact, record: dict[str, Any]) -> str:
    if record.get("status") == "failed":
        return f"failed: {record.get('error', '')}"
    seen: Seen | None = read_progress(artifact.path)
    parts = [where(seen)]
    if seen and seen.note:
        parts.append(seen.note)
    age = _age(artifact.path)
    if age is not None and age > STALE:
        parts.append(f"no sign of life for {age / 60:.0f} min")
    return ", ".join(parts)


def _age(folder: Path) -> float | None:
    file = folder / "logs" / "progress.json"
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return None


def newest_rows(folder: Path, most: int) -> list[dict[str, Any]]:
    """The last rows of the file that was written last."""
    files = sorted(parquet_files(folder) if folder.is_dir() else [], key=lambda path: path.stat().st_mtime)
    if not files:
        return []
    with open_parquet(files[-1]) as file:
        table = file.read_row_group(file.num_row_groups - 1)
    rows: list[dict[str, Any]] = table.slice(max(0, table.num_rows - most)).to_pylist()
    return rows
