"""What the page of a build says: the same numbers as its cards, and what only a page has room for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from builder.build import Build
from builder.data.records import stable_id
from builder.data.storage import count_rows, read_json, read_rows
from builder.errors import RecipeError
from builder.method.augment.openings import openings
from builder.method.curate.differences import iteration_differences
from builder.method.curate.iterations import Iteration
from builder.method.train.recipe import read_training_recipe, steps_of
from builder.results.evaluate.tables.conformance import conformance_page, read_figures
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import domains, funnel, judge_quality, score_summary, text_statistics
from builder.results.report.rows import Source
from builder.text.words import words
from builder.workspace.layout import METRICS
from builder.workspace.stage_names import StageName
from builder.workspace.workers import beside
from builder.workspace.workspace import Artifact

BINS = 40
EXAMPLES = 5
COMPARED = 1_000
"""Characters of an instruction whose words are held against those of others."""
_REJECTS = ("seed", "segments", "dedup", "augment")
KeysOf = Callable[[StageName, str], list[str]]


def content_of(build: Build, source: Source, folder: Path, keys_of: KeysOf) -> dict[str, Any]:
    """Everything on the page but the rows.

    Args:
        build: A finished build.
        source: From `rows.of_build`.
        folder: Of the recipe; `evaluation/` and `labels/` below it are read where they are.
        keys_of: Which keys of the recipe govern a reason.
    """
    material = Material(build, "0.0.0", released=False)
    iterations = source.iterations
    figures = read_figures(folder / "evaluation")
    # Words take as long as all the rest, which another core does meanwhile.
    with beside(partial(wordings, build.candidates.data)) as told:
        parts = {
            "name": build.recipe.name,
            "title": build.recipe.release.title,
            "funnel": funnel(material),
            "reasons": [entry for artifact in build.artifacts.values() for entry in reasons_of(artifact, keys_of)],
            "lengths": text_statistics(material),
            "scores": score_summary(material),
            "histograms": [entry for item in iterations for entry in histograms(item)],
            "iterations": iteration_differences(iterations, EXAMPLES),
            "domains": domains(material),
            "trainings": [entry for artifact in build.artifacts.values() if (entry := _training(artifact))],
            "steps": _steps(build),
            "lineage": [_stage(artifact) for artifact in build.artifacts.values()],
            "warnings": [
                {"stage": item.stage, "text": text}
                for item in build.artifacts.values()
                for text in item.record.get("warnings", [])
            ],
            "labels": _labels(folder, material),
            "evaluation": figures,
            "conformance": conformance_page(build.recipe.name, figures) if figures else "",
        }
        parts |= told()
    return parts | {"summary": summary_of(parts)}


class Repeats:
    """Counts instructions that have the same words, in whatever order, case and punctuation."""

    def __init__(self) -> None:
        self._number: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def seen(self, given: Iterable[str]) -> Iterator[str]:
        """The same instructions, counted as they pass."""
        for text in given:
            key = stable_id(*sorted(words(text[:COMPARED])))
            self._number[key] += 1
            self._first.setdefault(key, text[:COMPARED])
            yield text

    def as_dict(self) -> dict[str, Any]:
        """`rows`, how many have the words of another one; `most`, the commonest with their numbers."""
        most = [(key, rows) for key, rows in self._number.most_common(EXAMPLES) if rows > 1]
        return {
            "rows": sum(rows for rows in self._number.values() if rows > 1),
            "most": [{"instruction": self._first[key], "rows": rows} for key, rows in most],
        }


def wordings(folder: Path) -> dict[str, Any]:
    """How the instructions of all pairs of a folder begin, and which repeat each other."""
    repeats = Repeats()
    found = openings(repeats.seen(row["instruction"] for row in read_rows(folder, ["instruction"])))
    return {"openings": found.as_dict(), "repeats": repeats.as_dict()}


def reasons_of(artifact: Artifact, keys_of: KeysOf) -> list[dict[str, Any]]:
    """Of a stage its reasons with counts, the keys that govern each, and some rows."""
    counts: dict[str, int] = {}
    for kind in artifact.record.get("counts", {}).values():
        for outcome in ("dropped", "failed"):
            for reason, rows in kind[outcome].items():
                counts[reason] = counts.get(reason, 0) + rows
    examples: dict[str, list[dict[str, Any]]] = {}
    folder = artifact.path / "rejected"
    for row in read_rows(folder) if folder.is_dir() and artifact.stage in _REJECTS else ():
        shown = examples.setdefault(row["reason"], [])
        if row.get("text") and len(shown) < EXAMPLES:
            shown.append({"header": row.get("header") or "", "text": row["text"][:600]})
    return [
        {
            "stage": artifact.stage,
            "reason": reason,
            "rows": rows,
            "keys": keys_of(artifact.name, reason),
            "examples": examples.get(reason, []),
        }
        for reason, rows in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def histograms(item: Iteration) -> list[dict[str, Any]]:
    """Of each judge how many pairs have a score in each of some equal steps, all and selected ones."""
    found = []
    for judge, scores in item.scores.items():
        given = np.array([value for value in scores.values() if value is not None], dtype=float)
        if not len(given):
            continue
        chosen = np.array([scores[key] for key in item.selected if scores.get(key) is not None], dtype=float)
        counts, edges = np.histogram(given, BINS)
        kept, _ = np.histogram(chosen, edges)
        cut = float(chosen.min()) if judge == item.by and len(chosen) else None
        found.append({
            "iteration": item.number,
            "judge": judge,
            "edges": edges.tolist(),
            "all": counts.tolist(),
            "selected": kept.tolist(),
            "cut": cut,
        })  # fmt: skip
    return found


def _training(artifact: Artifact) -> dict[str, Any] | None:
    """Losses of a training by step."""
    file = artifact.path / METRICS
    if not artifact.name.trains or not file.is_file():
        return None
    metrics = read_json(file)
    steps = [
        {"step": entry["step"], "loss": entry["loss"]}
        for entry in metrics.get("history", [])
        if isinstance(entry, dict) and "loss" in entry
    ]
    return {
        "stage": artifact.stage,
        "steps": metrics.get("steps"),
        "last_loss": metrics.get("last_loss"),
        "held_out": metrics.get("held_out"),
        "history": steps,
        "tokens_per_second": metrics.get("tokens_per_second"),
    }


def _steps(build: Build) -> list[tuple[int, int]]:
    """How many steps the last model would take for so many selected pairs, in hundredths of all; none if unknown."""
    training, device_batch = build.recipe.training, build.recipe.runtime.device_batch
    pairs, seed = (count_rows(artifact.data) for artifact in (build.candidates, build.seed))
    metrics = build.final.path / METRICS
    measured = read_json(metrics).get("rows_a_step") if metrics.is_file() else None
    try:
        options = read_training_recipe(training.forward)
    except (RecipeError, OSError):  # the recipe is not where the build is looked at
        return []
    sizes = sorted({round(pairs * part / 100) for part in range(1, 101)})
    told = (1 - training.held_out) * seed
    return [(size, steps_of(options, training.schedule, size + told, device_batch, measured)) for size in sizes]


def _stage(artifact: Artifact) -> dict[str, Any]:
    record = artifact.record
    return {
        "stage": artifact.stage,
        "fingerprint": artifact.fingerprint,
        "seconds": record.get("seconds"),
        "inputs": sorted(record.get("inputs", {})),
        "versions": record.get("versions", {}),
    }


def _labels(folder: Path, material: Material) -> Any:
    file = folder / "labels" / "report.json"
    return read_json(file) if file.is_file() else judge_quality(material) or None


def summary_of(parts: Mapping[str, Any]) -> list[str]:
    """Five lines: what came of the build, and what to look at first."""
    entries: Sequence[Mapping[str, Any]] = parts["funnel"]
    pages = next((entry for entry in entries if entry["kind"] == "pages"), None)
    pairs = [entry for entry in entries if entry["kind"] == "pairs"]
    written, chosen = pairs[1] if len(pairs) > 1 else pairs[0], pairs[-1]
    lines = [
        f"{pages['in']:,} pages became {written['kept']:,} pairs; the last selection has {chosen['kept']:,} of them."
        if pages
        else f"{written['kept']:,} pairs were written; the last selection has {chosen['kept']:,} of them."
    ]
    # What a selection leaves out is what it is for.
    lost = [entry for entry in parts["reasons"] if not entry["stage"].startswith("curate")]
    most = max(lost, key=lambda entry: entry["rows"], default=None)
    if most:
        governed = f" (keys: {', '.join(most['keys'])})" if most["keys"] else ""
        lines.append(f"Most rows went for {most['reason']} in {most['stage']}: {most['rows']:,}{governed}.")
    opening = parts["openings"]["most"][:1]
    if opening:
        lines.append(f'{100 * opening[0]["share"]:.1f} % of the instructions begin with "{opening[0]["opening"]}".')
    moved = parts["iterations"][-1:]
    if moved:
        lines.append(f"{100 * moved[0]['overlap']:.0f} % of A_{moved[0]['from']} is in A_{moved[0]['to']} again.")
    warnings = parts["warnings"]
    lines.append(
        f"Look first at {len(warnings)} warnings, the first of {warnings[0]['stage']}: {warnings[0]['text']}"
        if warnings
        else "The build gave no warning; read some rows below before you trust it."
    )
    return lines
