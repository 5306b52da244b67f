"""`humpback report` and `humpback explain`: the page of a build, and the history of a row."""

from pathlib import Path
from typing import Any

from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.reference.reasons.table import keys_in
from builder.cli.rows.layout import SHOWN_CHARS, terminal_width, text_shown, wrapped
from builder.results.report.content import content_of
from builder.results.report.history import history_of
from builder.results.report.page import write_page
from builder.results.report.released import content_of_release, dataset_of, of_release
from builder.results.report.rows import Pairs, of_build, pairs_of
from builder.results.report.subjects import MOST, subjects_of
from builder.text.counted import counted
from builder.text.escape import escape

PAGE = "report.html"


def report_build(project: Project, out: Path | None) -> Answer:
    """Write the page of a finished build.

    Raises:
        RecipeError: If a stage is not done.
    """
    build = project.look_at_build()
    source = of_build(build)
    content = content_of(build, source, project.folder, keys_in)
    return _written(out or project.folder / PAGE, content, pairs_of(source))


def report_release(folder: Path, out: Path | None) -> Answer:
    """Write the page of a release, from its dataset alone.

    Raises:
        ReleaseError: If the folder holds no release.
    """
    dataset = dataset_of(folder)
    source = of_release(dataset)
    return _written(out or folder / PAGE, content_of_release(dataset, source, keys_in), pairs_of(source))


def _written(path: Path, content: dict[str, Any], pairs: Pairs) -> Answer:
    size = write_page(path, content, pairs)
    return Answer({"page": str(path), "bytes": size}, lambda: f"{path} ({size / 1e6:.1f} MB): open it in a browser")


def explain_row(project: Project, wanted: str) -> Answer:
    """The history of the rows that somebody means.

    Raises:
        RecipeError: If nothing is meant by it, or several rows are.
    """
    build = project.look_at_build(damaged_too=True)
    subjects = subjects_of(build, wanted)
    releases = project.folder / "releases"
    told = {subject.segment: history_of(build, subject, releases, keys_in) for subject in subjects[:MOST]}
    value = {"segments": len(subjects), "histories": told}
    return Answer(value, lambda: _described(value))


def _described(value: dict[str, Any]) -> str:
    width = terminal_width()
    parts = []
    for segment, steps in value["histories"].items():
        lines = [segment]
        for step in steps:
            lines.append(f"  {step['stage']:<22} {text_shown(step['what'], width, SHOWN_CHARS)}")
            lines += [f"      {line}" for line in _details(step, width)]
        parts.append(wrapped("\n".join(lines), width, "      "))
    more = value["segments"] - len(value["histories"])
    if more > 0:
        parts.append(f"and {counted(more, 'more segments')}; name one by its id")
    return "\n\n".join(parts)


def _details(step: dict[str, Any], width: int | None) -> list[str]:
    lines = []
    if "value" in step:
        lines.append(f"the value that decided: {step['value']:.4g}")
    for key, value in step.get("keys", {}).items():
        lines.append(f"{key}: {escape(value, 'terminal')} (humpback help {key})")
    if step.get("twin"):
        lines.append(f"the row that it repeats: {step['twin']}")
    if step.get("least_selected") is not None:
        lines.append(f"the least score that was selected: {step['least_selected']:.4g}")
    if step.get("url"):
        lines.append(escape(step["url"], "terminal"))
    if step.get("text"):
        lines.append(text_shown(step["text"], width, SHOWN_CHARS))
    return lines
