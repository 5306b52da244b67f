"""`humpback label`: rate pairs of a build by hand, and see what that says of its selection."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.rows.layout import LEAST, wrapped
from builder.data.storage import write_json
from builder.errors import RecipeError
from builder.results.evaluate.labels.calibration import calibration_of, corrected_by, read_calibration
from builder.results.evaluate.labels.forms import take_answers, write_forms
from builder.results.evaluate.labels.measure import measure
from builder.results.evaluate.labels.population import Population, population_of
from builder.results.evaluate.labels.session import KEYS, Session, read_pairs
from builder.results.evaluate.labels.sheet import Sheet, grown, open_sheet
from builder.results.evaluate.labels.store import FILE, Store, read_label_file
from builder.results.evaluate.statistics.figure import with_interval
from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.locks import locked

FOLDER = "labels"
REPORT = "report.json"


@dataclass(frozen=True)
class Asked:
    """What the command was asked for.

    Attributes:
        rater: Who labels.
        budget: Labels of a rater.
        seed: Of sheet and figures.
        form: Write the sheet for raters elsewhere.
        answers: A file that such a form has saved.
        report: Only say what the labels come to.
        calibration: The label report of another build, by which the share of good pairs of this one is corrected.
    """

    rater: str
    budget: int
    seed: int
    form: bool = False
    answers: Path | None = None
    report: bool = False
    calibration: Path | None = None


def label_pairs(project: Project, asked: Asked, say: Callable[[str], None]) -> Answer:
    """Label pairs in the terminal, write the form, or take its answers; and what all labels come to.

    Raises:
        RecipeError: If no selection is done, a file is none of ours, or there is no terminal to label in.
    """
    build = project.look_at_build()
    folder = project.folder / FOLDER
    population = population_of(build).as_drawn(folder)
    if asked.calibration is not None:
        share = corrected_by(build, population, read_calibration(asked.calibration))
        return Answer(share, lambda: f"share of good pairs, corrected for the judge's errors: {with_interval(share)} %")
    if asked.report:
        return _report(folder, build, population, asked.seed)
    with locked(folder):
        sheet = open_sheet(folder, population, budget=asked.budget, seed=asked.seed)
        store = Store(folder, sheet, asked.rater)
        if asked.form:
            sheet = grown(folder, sheet, population, store.answers)
            pairs = read_pairs(build, {key for key, _ in sheet.items})
            files = write_forms(folder, sheet, pairs)
            return Answer([str(file) for file in files], lambda: "\n".join(map(str, files)))
        if asked.answers is not None:
            added, unknown = take_answers(asked.answers, store)
            say(f"{asked.answers}: {counted(added, 'labels')} taken, {unknown:,} of pairs that are not on the sheet")
        else:
            _in_terminal(folder, build, population, sheet, store, say)
    return _report(folder, build, population, asked.seed)


def _in_terminal(
    folder: Path, build: Build, population: Population, sheet: Sheet, store: Store, say: Callable[[str], None]
) -> None:
    import click

    if not sys.stdin.isatty():
        raise RecipeError(
            "label: there is no terminal to label in; --form writes a page for a browser, and --answers FILE takes "
            "what it saves"
        )
    session = Session(folder, population, sheet, store, lambda ids: read_pairs(build, ids))
    if session.run(_show, click.getchar, say):
        say("every pair of the sheet has an answer")


def _show(row: Mapping[str, str], done: int, total: int) -> None:
    import shutil

    width = max(LEAST, min(100, shutil.get_terminal_size().columns))
    parts = [f"── {done:,} of {total:,} {'─' * (width - 20)}"]
    for name, title in (("header", "heading"), ("instruction", "instruction"), ("output", "answer")):
        parts += [f"{title}:", wrapped(escape(row[name] or "", "terminal"), width), ""]
    sys.stderr.write("\n".join([*parts, KEYS, ""]))
    sys.stderr.flush()


def _report(folder: Path, build: Build, population: Population, seed: int) -> Answer:
    labels = read_label_file(folder / FILE)
    if not labels:
        raise RecipeError(f"{folder / FILE}: holds no label yet; `humpback label RECIPE` asks for some")
    report = measure(population, labels, seed=seed)
    if not report["labelled"]:
        raise RecipeError(f"{folder / FILE}: none of its pairs is in this build; were they built anew?")
    try:
        report["calibration"] = calibration_of(build, population, labels)
    except RecipeError as error:  # what another build could not use either
        report["calibration"] = {"reason": str(error)}
    write_json(folder / REPORT, report)
    return Answer(report, lambda: describe(report))


def describe(report: Mapping[str, Any]) -> str:
    """The figures of labels as text, in percent."""
    lines = [f"{counted(report['labelled'], 'pairs')} labelled, {report['good']:,} of them good"]
    if report["divided"]:
        lines.append(f"{counted(report['divided'], 'pairs')} on which the raters are divided are left out")
    agreed = report["agreement"]
    if agreed:
        value = "-" if agreed["value"] is None else f"{agreed['value']:.3f}"
        lines.append(f"{agreed['formula']} of {', '.join(map(_plain, agreed['raters']))}: {value}")
    lines += ["", _row("selected", "precision", "recall", "good of all")]
    lines += [_figures(f"A_{number}", of) for number, of in report["selections"].items()]
    for number, judges in report["judges"].items():
        for name, of in judges.items():
            lines += ["", _row(f"{name}, iteration {number}", "precision", "recall", "good of all")]
            lines += [
                _figures(f">= {entry['threshold']:.4g} ({entry['taken']:,})", entry) for entry in of["thresholds"]
            ]
            best = of["suggested"]
            if best["value"] is not None:
                low, high = best["interval"]
                lines.append(f"highest F1 at {best['value']:.4g} [{low:.4g}, {high:.4g}]")
    return "\n".join(lines)


def _plain(rater: str) -> str:
    return escape(rater, "terminal") or "(no name)"


def _figures(first: str, of: Mapping[str, Any]) -> str:
    return _row(first, *(with_interval(of[name]) for name in ("precision", "recall", "share_good")))


def _row(first: str, *cells: str) -> str:
    return f"{first:<28} " + " ".join(f"{cell:>20}" for cell in cells)
