"""`humpback show RECIPE iterations`: what changed from one iteration to the next, as text or JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.rows.layout import terminal_width, text_shown, wrapped
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.method.curate.differences import CLASSES, iteration_differences
from builder.method.curate.iterations import label_warnings, labelled, read_iterations
from builder.recipe.sections.curate import RATINGS
from builder.results.evaluate.labels.measure import at_threshold, of_pairs, strata_of_labels
from builder.results.evaluate.labels.population import Population, population_of
from builder.results.evaluate.labels.store import Label, read_labels, verdicts
from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.workspace import Artifact

SHOWN_CHARS = 300
GROUPS = {"trained": "M_{} trained on", "withheld": "selected, withheld", "not_selected": "not selected"}


def show_iterations(project: Project, labels: Path | None = None, *, rows: int) -> Answer:
    """How scores and selections differ between iterations, and how they agree with labelled pairs.

    Args:
        project: The project.
        labels: JSON lines with `id` and `good`; those of `humpback label` weigh as many pairs as they stand for.
        rows: How many promoted and demoted pairs to show; with whole texts in the value.

    Raises:
        RecipeError: If no iteration is done, or the labels cannot be used.
    """
    build = project.look_at_build()
    given = read_labels(labels) if labels else None
    iterations = read_iterations(project.recipe.curate, map(build.iteration, build.steps))
    report: dict[str, Any] = {
        "iterations": [{"iteration": item.number, "selected": len(item.selected)} for item in iterations],
        "differences": iteration_differences(iterations, rows),
        "labelled": [],
        "warnings": [],
    }
    if labels and given is not None:
        report["labelled"] = _labelled(population_of(build).as_drawn(labels.parent), given)
        report["warnings"] = label_warnings(report["labelled"], iterations[0].by)
    _add_instructions(report["differences"], build.candidates)
    return Answer(report, lambda: wrapped(project.typed(_describe_report(report)), terminal_width(), "    "))


def _labelled(population: Population, labels: Sequence[Label]) -> list[dict[str, Any]]:
    """How each iteration agrees with the labels; precision and recall by stratum, where these were drawn so."""
    own = of_pairs(labels, population.ids)
    said, _ = verdicts(own)
    if not said:
        raise RecipeError("--labels: none of the ids is that of a candidate pair or its segment; were they built anew?")
    entries = labelled(population.iterations, said)
    strata = strata_of_labels(population, own)
    for entry, item in zip(entries, population.iterations, strict=True):
        entry["weighted"] = strata is population.strata
        if entry["weighted"]:
            figures = at_threshold(strata, item.selected, said)
            precision, recall = (figures[name]["value"] for name in ("precision", "recall"))
            both = (precision or 0) + (recall or 0)
            entry |= {"precision": precision, "recall": recall}
            entry["f1"] = 2 * (precision or 0) * (recall or 0) / both if both else None
    return entries


def _add_instructions(entries: list[dict[str, Any]], candidates: Artifact) -> None:
    examples = [row for entry in entries for kind in ("promoted", "demoted") for row in entry[kind]["examples"]]
    wanted = {row["id"] for row in examples}
    rows = read_rows(candidates.data, ["id", "instruction"]) if wanted else ()
    texts = {row["id"]: row["instruction"] for row in rows if row["id"] in wanted}
    for row in examples:
        row["instruction"] = texts[row["id"]]


def _describe_report(report: Mapping[str, Any]) -> str:
    parts = [_describe_difference(entry) for entry in report["differences"]]
    if not parts:
        (only,) = report["iterations"]
        parts = [
            f"only iteration 1 has a selection, of {counted(only['selected'], 'pairs')}; a difference needs two "
            "(`iterations` in the recipe, then `humpback build RECIPE`)"
        ]
    if report["labelled"]:
        parts.append(_describe_labelled(report["labelled"]))
    parts += [f"warning: {escape(warning, 'terminal')}" for warning in report["warnings"]]
    return "\n\n".join(parts)


def _describe_difference(entry: Mapping[str, Any]) -> str:
    before, after = entry["from"], entry["to"]
    parts = [f"iteration {before} -> {after}"]
    parts += [_describe_migration(name, migration, before, after) for name, migration in entry["scores"].items()]
    parts.append(
        f"selected again: {entry['overlap']:.1%} of A_{before} (Jaccard index of A_{before} and A_{after} "
        f"{entry['jaccard']:.3f})\n{_describe_groups(entry)}"
    )
    parts += [_describe_moved(kind, entry[kind]) for kind in ("promoted", "demoted")]
    return "\n\n".join(parts)


def _describe_migration(name: str, migration: Mapping[str, Any], before: int, after: int) -> str:
    names = ["none" if value is None else str(value) for value in CLASSES]
    classes = "ratings" if name in RATINGS else "fifths of the scores"
    lines = [
        f"{name}: rank correlation {_figure(migration['rank_correlation'])} over "
        f"{counted(migration['pairs'], 'pairs')} scored twice; {classes} in iteration {before} (down) and {after} "
        "(across), 5 the best",
        " ".join([" " * 5, *(f"{label:>8}" for label in names)]),
    ]
    for label, cells in zip(names, migration["matrix"], strict=True):
        lines.append(" ".join([f"{label:>5}", *(f"{cell:>8,}" for cell in cells)]))
    return "\n".join(lines)


def _describe_groups(entry: Mapping[str, Any]) -> str:
    lines = [f"{'':<20} {'rows':>8} {'selected again':>15} {'rank correlation':>17} {'mean rise':>10}"]
    for name, label in GROUPS.items():
        group = entry["groups"][name]
        lines.append(
            f"{label.format(entry['from']):<20} {group['rows']:>8,} {_figure(group['selected_after'], '.1%'):>15} "
            f"{_figure(group['rank_correlation']):>17} {_figure(group['rise'], '+.1%'):>10}"
        )
    why = (
        "each pair was scored by a model that trained on the other half of the pages (training.cross_fit)"
        if entry["crossed"]
        else f"M_{entry['from']} may prefer what it was trained on, which the withheld rows, selected alike, tell "
        "apart from chance"
    )
    note = f"(rise: ranks gained, as a share of all; {why})"
    return "\n".join([*lines, note])


def _describe_moved(kind: str, moved: Mapping[str, Any]) -> str:
    lines, width = [f"{kind}: {counted(moved['rows'], 'pairs')}"], terminal_width()
    for row in moved["examples"]:
        scores = f"{_figure(row['before'], '.4g')} -> {_figure(row['after'], '.4g')}"
        lines.append(f"  - {escape(row['id'], 'terminal')}  {scores}  rise {_figure(row['rise'], '+.1%')}")
        lines += [f"    {line}" for line in text_shown(row["instruction"], width, SHOWN_CHARS).splitlines()]
    return "\n".join(lines)


def _describe_labelled(entries: list[dict[str, Any]]) -> str:
    judges = list(entries[0]["auc"])
    heads = ["precision", "recall", "F1", *(f"AUC {judge}" for judge in judges)]
    widths = [max(9, len(head)) for head in heads]
    cells = [[f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)]]
    for entry in entries:
        values = [entry["precision"], entry["recall"], entry["f1"], *(entry["auc"].get(judge) for judge in judges)]
        cells.append([f"{_figure(value):>{width}}" for value, width in zip(values, widths, strict=True)])
    firsts = ["labelled pairs", *(f"A_{entry['iteration']}: {entry['selected']:,} selected" for entry in entries)]
    lines = [f"{first:<20} {' '.join(row)}" for first, row in zip(firsts, cells, strict=True)]
    how = "; each weighs as many pairs as it stands for, but for AUC" if entries[0]["weighted"] else ""
    return "\n".join([*lines, f"({entries[0]['good']:,} of the labelled pairs are good{how})"])


def _figure(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
