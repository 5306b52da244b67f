"""`humpback plan` and `humpback show`: what is there, what is missing, and what happened to the rows."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from builder.console import describe_counts
from builder.errors import RecipeError
from builder.project import open_project
from builder.storage import read_rows
from builder.workspace import Artifact

HISTOGRAM_BINS, HISTOGRAM_WIDTH = 20, 50
CONTROL_PICTURES = (
    {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
    | {0x7F: "␡"}
    | dict.fromkeys(range(128, 160), "�")
)


def printable(text: str) -> str:
    """Web text for a terminal: control characters become visible, so that no page can drive the terminal."""
    return text.translate(CONTROL_PICTURES)


def show_plan(path: Path, work_dir: Path | None, overrides: tuple[str, ...], *, as_json: bool) -> str:
    """The stages in order with their folder and status: cached, partial or missing."""
    artifacts = open_project(path, work_dir, overrides).artifacts()
    plan = [_plan_entry(artifact) for artifact in artifacts.values()]
    if as_json:
        return json.dumps(plan, indent=2)
    return "\n".join(f"{item['stage']:<20} {item['status']:<8} {item['rows'] or '':>9}  {item['id']}" for item in plan)


def _plan_entry(artifact: Artifact) -> dict[str, Any]:
    status = "cached" if artifact.status == "done" else artifact.status
    counts = artifact.record.get("counts", {})
    rows = list(counts.values())[-1]["kept"] if counts else None
    return {"stage": artifact.stage, "id": artifact.fingerprint, "status": status, "rows": rows}


def show_stages(path: Path, work_dir: Path | None, overrides: tuple[str, ...], *, as_json: bool) -> str:
    """The counts of every finished stage."""
    artifacts = open_project(path, work_dir, overrides).artifacts().values()
    records = {item.stage: item.record.get("counts") for item in artifacts if item.status == "done"}
    if as_json:
        return json.dumps(records, indent=2)
    if not records:
        return "nothing has been built yet; run `humpback build`"
    return "\n".join(f"{stage:<20} {describe_counts(counts)}" for stage, counts in records.items() if counts)


def show_stage(
    path: Path,
    work_dir: Path | None,
    overrides: tuple[str, ...],
    stage: str,
    *,
    rows: int,
    rejected: bool,
    as_json: bool,
) -> str:
    """One stage: its record, a score histogram where it has scores, and some rows, kept or rejected.

    Raises:
        RecipeError: If there is no such stage, or it has not run.
    """
    artifacts = open_project(path, work_dir, overrides).artifacts()
    if stage not in artifacts:
        raise RecipeError(f"{stage}: no such stage; the stages are {', '.join(artifacts)}")
    artifact = artifacts[stage]
    if artifact.status == "missing":
        raise RecipeError(f"{stage}: has not run; `humpback build` runs it")
    folder = artifact.path / "rejected" if rejected else artifact.data
    sample = list(islice(read_rows(folder), rows)) if folder.is_dir() else []
    if as_json:
        return json.dumps({"record": artifact.record, "rows": sample}, indent=2, ensure_ascii=False)
    parts = [_describe_record(artifact)]
    if stage.startswith("score-") and artifact.data.is_dir():
        parts.append(histogram([row["score"] for row in read_rows(artifact.data, ["score"])]))
    parts += ["\n".join(f"{name}: {printable(str(value))}" for name, value in row.items()) for row in sample]
    return "\n\n".join(part for part in parts if part)


def _describe_record(artifact: Artifact) -> str:
    record = artifact.record
    lines = [f"{artifact.stage}  {record['status']}  {artifact.path}"]
    for kind, counts in record.get("counts", {}).items():
        lines.append(f"{kind}: {counts['in']:,} in, {counts['kept']:,} kept")
        for fate in ("dropped", "failed"):
            lines += [f"  {fate:<8} {count:>9,}  {reason}" for reason, count in counts[fate].items()]
    if "error" in record:
        lines.append(f"error: {record['error']}")
    return "\n".join(lines)


def histogram(scores: list[float | None]) -> str:
    """A text histogram of scores; unscored rows are counted below it."""
    given = [value for value in scores if value is not None]
    if not given:
        return f"no scores; {len(scores):,} rows without one"
    low, high = min(given), max(given)
    width = (high - low) / HISTOGRAM_BINS or 1.0
    bins = [0] * HISTOGRAM_BINS
    for value in given:
        bins[min(HISTOGRAM_BINS - 1, int((value - low) / width))] += 1
    tallest = max(bins)
    lines = [
        f"{low + at * width:>9.3f} {count:>8,} {'#' * round(HISTOGRAM_WIDTH * count / tallest)}".rstrip()
        for at, count in enumerate(bins)
    ]
    missing = len(scores) - len(given)
    return "\n".join([*lines, f"{missing:,} rows without a score"] if missing else lines)
