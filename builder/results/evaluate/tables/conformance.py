"""The paper's tables beside what was run here: ours, the paper's, and in what they differ; "not run" where not run."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from builder.data.storage import read_json
from builder.results.evaluate.statistics.figure import percent, with_interval
from builder.text.escape import escape

FOLDER = "evaluation"
"""Beside the recipe: the figures of what was run, a file each."""
NOT_RUN = "not run"


def read_figures(folder: Path) -> dict[str, Any]:
    """All figures of a folder by the name of their file."""
    found = {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}
    for name, below in (("report", "models"), ("packets", "models")):
        models = found.get(name, {}).get(below, {})
        if models:
            found[name]["first"] = next(iter(models.values()))
    if found.get("lm_eval"):
        found["lm_eval"] = next(iter(found["lm_eval"].values()))
    if isinstance(found.get("ablations"), list):
        found["ablations"] = {row["name"]: row for row in found["ablations"]}
    return found


def conformance_page(name: str, figures: Mapping[str, Any]) -> str:
    """The page as Markdown.

    Args:
        name: Of the build.
        figures: From `read_figures`.
    """
    tables = yaml.safe_load((files("builder.results.evaluate.tables") / "paper.yaml").read_text(encoding="utf-8"))
    lines = [
        "# The paper's tables, and ours",
        "",
        f"Made by `humpback evaluate RECIPE --conformance PAGE` from the figures of the build "
        f"{escape(name, 'markdown')}. A model, pages and judge of other sizes than the paper's give "
        "other numbers: what is compared is that each table can be made.",
    ]
    for table in tables:
        lines += ["", f"## {table['title']}", "", f"The paper's {table['paper_table']}. {table['departure']}", ""]
        lines += ["| | paper | here |", "| --- | ---: | ---: |"]
        for row in table["rows"]:
            ours = _written(row, figures) if "ours" in row else ""
            lines.append(f"| {escape(row['name'], 'markdown')} | {row['paper']} | {ours} |")
    return "\n".join(lines) + "\n"


def _written(row: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    value: Any = figures
    for part in row["ours"]:
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return NOT_RUN
    kind = row["as"]
    if kind == "spread":
        return NOT_RUN if value["mean"] is None else f"{value['mean']:,.0f} ± {value['sd'] or 0:,.0f}"
    if kind == "number":
        return NOT_RUN if value["value"] is None else f"{value['value']:.2f}"
    if kind == "share":
        return percent(value)
    if kind == "shares":
        total = sum(value.values())
        return " / ".join(percent(value[word] / total) for word in ("win", "tie", "lose")) if total else NOT_RUN
    return NOT_RUN if value["value"] is None else with_interval(value)
