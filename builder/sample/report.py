"""The table at the end of the quickstart: the finished build held against what the mini-web's generator knows.

These figures exist because the sample's truth was planted; they check the wiring on a toy language.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.storage import read_rows
from builder.llm.conversations import Tags
from builder.recipe.recipe import Recipe
from builder.sample.answers import AnswerStage, answer_questions
from builder.sample.generate import sample_world
from builder.sample.web import DEFECTS, World, well_formed
from builder.workspace.console import Console, describe_counts
from builder.workspace.locks import locked
from builder.workspace.stage_names import answers
from builder.workspace.workspace import Artifact, Workspace

ANSWERS_PER_QUESTION = 6
Key = tuple[str, str]
"""Page id and header: what joins a segment to the section that was planted."""


@dataclass(frozen=True)
class Selection:
    """One iteration's selection against the planted labels.

    Attributes:
        kept: Selected sections by kind.
        planted: Candidates by kind.
        other: Selected candidates that were not planted: from hand-written pages, or code.
    """

    kept: Counter[str]
    planted: Counter[str]
    other: int

    @property
    def precision(self) -> float:
        """Share of clean ones among the selected; nan if nothing planted was selected."""
        return self.kept["clean"] / self.kept.total() if self.kept else float("nan")

    @property
    def recall(self) -> float:
        """Share of the clean candidates that was selected."""
        return self.kept["clean"] / self.planted["clean"] if self.planted["clean"] else float("nan")


@dataclass(frozen=True)
class Figures:
    """What the table shows.

    Attributes:
        exact: Share of exactly right instructions by kind of section.
        selections: One for each iteration.
        other: Candidates that were not planted.
        well_formed: Share of well-formed answers by model stage.
    """

    exact: dict[str, float]
    selections: list[Selection]
    other: int
    well_formed: dict[str, float]


def read_truth(path: Path) -> dict[Key, dict[str, str]]:
    """The planted sections by page id and header."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {(row["page_id"], row["header"]): row for row in rows}


def measure(build: Build, truth: dict[Key, dict[str, str]], well: dict[str, float]) -> Figures:
    """Compare candidates and selections with the truth.

    Args:
        build: A build whose selections are done.
        truth: The planted sections.
        well: Share of well-formed answers by model stage.
    """
    candidates = list(read_rows(build.candidates.data))
    planted = Counter(row["kind"] for _, row in _labelled(candidates, truth))
    right = Counter(
        row["kind"] for pair, row in _labelled(candidates, truth) if pair["instruction"] == row["instruction"]
    )
    selections = []
    for curated in build.curated:
        chosen = list(read_rows(curated.data))
        kept = Counter(row["kind"] for _, row in _labelled(chosen, truth))
        selections.append(Selection(kept, planted, len(chosen) - kept.total()))
    exact = {kind: right[kind] / planted[kind] for kind in ("clean", *DEFECTS) if planted[kind]}
    return Figures(exact, selections, len(candidates) - planted.total(), well)


def _labelled(
    pairs: Iterable[dict[str, Any]], truth: dict[Key, dict[str, str]]
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    for pair in pairs:
        row = truth.get((pair["page_id"], pair["header"]))
        if row is not None:
            yield pair, row


def well_formed_shares(recipe: Recipe, work_dir: Path, models: Iterable[Artifact], world: World) -> dict[str, float]:
    """Let models answer the crawl's questions and return the share of well-formed answers by model stage."""
    shares = {}
    for model in models:
        with locked(work_dir), Console() as console:
            workspace = Workspace(work_dir, recipe.runtime, console)
            shares[model.stage] = well_formed_share(recipe, workspace, model, world)
    return shares


def well_formed_share(
    recipe: Recipe, workspace: Workspace, model: Artifact, world: World, *, tags: Tags = "both"
) -> float:
    """Let a model answer the crawl's questions, and return the share of well-formed answers."""
    stage = asking(recipe, world, tags)
    return share_well_formed(workspace.run(answers(model.name), answer_questions, stage, model).data, world)


def asking(recipe: Recipe, world: World, tags: Tags = "both") -> AnswerStage:
    """The crawl's questions, each asked `ANSWERS_PER_QUESTION` times."""
    questions = [question for _, question in world.questions()]
    return AnswerStage(
        questions=questions, samples=ANSWERS_PER_QUESTION, engine=recipe.engine, chat=recipe.chat, tags=tags
    )


def share_well_formed(folder: Path, world: World) -> float:
    """The share of well-formed ones among the answers of a folder."""
    combinations = {question: combination for combination, question in world.questions()}
    rows = list(read_rows(folder))
    good = sum(row["ended"] and not well_formed(combinations[row["question"]], row["answer"]) for row in rows)
    return float(good / len(rows))


def quickstart_figures(build: Build, folder: Path, work_dir: Path) -> Figures:
    """Measure a finished quickstart.

    Args:
        build: The build.
        folder: Where the sample lies.
        work_dir: Where the build lies.
    """
    well = well_formed_shares(build.recipe, work_dir, [build.models[0], build.final], sample_world())
    return measure(build, read_truth(folder / "truth.jsonl"), well)


def quickstart_table(build: Build, figures: Figures) -> str:
    """The figures of a quickstart as a table, with what became of the rows and how long it took."""
    return "\n".join([*_counts_lines(build), "", *_figure_lines(figures), "", _time_line(build)])


def figures_as_dict(figures: Figures) -> dict[str, Any]:
    """The figures of a quickstart as plain JSON values."""
    chance = figures.selections[0].planted
    return {
        "exact": figures.exact,
        "precision": [selection.precision for selection in figures.selections],
        "recall": [selection.recall for selection in figures.selections],
        "precision_without_curation": chance["clean"] / chance.total(),
        "well_formed": figures.well_formed,
    }


def _counts_lines(build: Build) -> list[str]:
    lines = []
    for artifact in (build.human, build.extracted, build.segments, build.candidates):
        for kind, counts in artifact.record["counts"].items():
            lines.append(f"{artifact.stage:<10} {describe_counts({kind: counts})}")
    return lines


def _figure_lines(figures: Figures) -> list[str]:
    kinds = ("clean", *DEFECTS)
    lines = [
        "instructions exactly right, and rows selected, by what was planted (a toy language: see README)",
        f"{'':<28}" + "".join(f"{kind:>11}" for kind in kinds),
        f"{'instruction exactly right':<28}" + "".join(f"{figures.exact.get(kind, 0):>11.3f}" for kind in kinds),
    ]
    for t, selection in enumerate(figures.selections, 1):
        cells = "".join(f"{f'{selection.kept[kind]}/{selection.planted[kind]}':>11}" for kind in kinds)
        lines.append(f"{f'selected by M_{t - 1} (A_{t})':<28}{cells}")
    for t, selection in enumerate(figures.selections, 1):
        lines.append(
            f"A_{t}: precision {selection.precision:.3f}, recall {selection.recall:.3f}; "
            f"not planted (hand-written pages, code): {selection.other} of {figures.other} selected"
        )
    chance = figures.selections[0].planted
    lines.append(f"without curation: precision {chance['clean'] / chance.total():.3f}")
    answers = ", ".join(f"{stage} {share:.3f}" for stage, share in figures.well_formed.items())
    return [*lines, f"well-formed share of the models' own answers: {answers}"]


def _time_line(build: Build) -> str:
    seconds = {stage: artifact.record["seconds"] for stage, artifact in build.artifacts.items()}
    parts = ", ".join(f"{stage} {value:.0f}" for stage, value in seconds.items())
    return f"build: {sum(seconds.values()):.0f} s ({parts})"
