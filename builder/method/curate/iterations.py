"""What each iteration scored and selected, from the stages' rows alone; see `differences` for what changed.

Iteration t selects A_t with scores under M_{t-1}; M_t is trained on A_t and scores the same pairs again (paper 2.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from builder.data.storage import read_rows
from builder.errors import RecipeError, StageError
from builder.method.curate.labels import Labels, agreement, changed_verdicts
from builder.method.curate.ranks import area_under_curve
from builder.method.curate.selection import Scores, finite_scores, read_columns, select_by
from builder.recipe.sections.curate import Curate
from builder.workspace.workspace import Artifact

COMBINED = "combined"
"""What the ranks of several judges are called beside the judges."""


@dataclass(frozen=True)
class IterationStages:
    """The stages of one iteration.

    Attributes:
        number: t, from 1.
        candidates: The pairs.
        judged: The scores that A_t is selected by, in the order of `Curate.scored`.
        own: Scores that this iteration has given, by judge.
        curated: A_t.
        model: M_t.
        crossed: Whether the pairs were scored by models that trained on the other half of the pages.
    """

    number: int
    candidates: Artifact
    judged: Sequence[Artifact]
    own: Mapping[str, Artifact]
    curated: Artifact
    model: Artifact
    crossed: bool = False


@dataclass(frozen=True)
class Iteration:
    """One iteration.

    Attributes:
        number: t, from 1.
        scores: Scores of all pairs under M_{t-1}, by judge.
        by: Which of them A_t was selected by.
        selected: A_t.
        trained: The pairs of A_t that M_t was trained on; some are withheld for testing.
        crossed: Whether the pairs were scored by models that trained on the other half of the pages.
    """

    number: int
    scores: dict[str, Scores]
    by: str
    selected: set[str]
    trained: set[str]
    crossed: bool = False

    @property
    def selector(self) -> Scores:
        """The scores that A_t was selected by."""
        return self.scores[self.by]


def read_iterations(config: Curate, stages: Iterable[IterationStages]) -> list[Iteration]:
    """All iterations whose selection is done, the first ones first.

    Raises:
        RecipeError: If there is none.
        StageError: If scores that a selection was made from are gone.
    """
    done = takewhile(lambda iteration: iteration.curated.status == "done", stages)
    iterations = [_read_iteration(config, iteration) for iteration in done]
    if not iterations:
        raise RecipeError("curate-1 has not run, so there is no iteration to show; `humpback build RECIPE` runs it")
    return iterations


def _read_iteration(config: Curate, stages: IterationStages) -> Iteration:
    scores = selection_columns(config, stages)
    by = COMBINED if len(scores) > 1 else next(iter(scores))
    for judge, artifact in stages.own.items():
        if judge not in scores and artifact.status == "done":
            scores[judge] = finite_scores(
                {row["id"]: row["score"] for row in read_rows(artifact.data, ["id", "score"])}
            )
    if by == COMBINED:
        scores[COMBINED] = dict.fromkeys(next(iter(scores.values()))) | selection_scores(config, stages)
    rows = list(read_rows(stages.curated.data, ["id", "split"]))
    trained = {row["id"] for row in rows if row["split"] == "train"}
    file = stages.model.path / "rows" / "curated.parquet"
    if file.is_file():  # without those that were too long
        trained &= {row["id"] for row in read_rows(file, ["id"])}
    return Iteration(stages.number, scores, by, {row["id"] for row in rows}, trained, stages.crossed)


def selection_columns(config: Curate, stages: IterationStages) -> dict[str, Scores]:
    """What each judge gave the pairs that A_t was selected from, as finite numbers; see `read_columns`.

    Raises:
        StageError: If one of the stages that it was made from is gone.
    """
    for item in (stages.candidates, *stages.judged):
        if item.status != "done":
            raise StageError(f"{item.stage}: is not there any more; `humpback build RECIPE` makes it again")
    columns = read_columns(config, stages.candidates.path, [item.path for item in stages.judged])
    return {name: finite_scores(column) for name, column in columns.items()}


def selection_scores(config: Curate, stages: IterationStages) -> Scores:
    """The scores that A_t was selected by; those of pairs with evaluation prompts are left out."""
    rejected = read_rows(stages.curated.path / "rejected", ["id", "reason"])
    contaminated = [row["id"] for row in rejected if row["reason"].startswith("contaminated:")]
    return select_by(selection_columns(config, stages), contaminated)


def labelled(iterations: Sequence[Iteration], labels: Labels) -> list[dict[str, Any]]:
    """How each iteration agrees with the labels: `labels.agreement`, by judge the `auc`, and what `changed`."""
    entries = []
    for at, iteration in enumerate(iterations):
        entry = {"iteration": iteration.number, **agreement(iteration.selected, labels)}
        entry["auc"] = {name: _auc(scores, labels) for name, scores in iteration.scores.items()}
        if at:
            entry["changed"] = changed_verdicts(iterations[at - 1].selected, iteration.selected, labels)
        entries.append(entry)
    return entries


def _auc(scores: Scores, labels: Labels) -> float | None:
    given = {key: value for key in labels if (value := scores.get(key)) is not None}
    good, bad = ([value for key, value in given.items() if labels[key] is kind] for kind in (True, False))
    return area_under_curve(good, bad)


def label_warnings(entries: Sequence[dict[str, Any]], by: str) -> list[str]:
    """A warning for each iteration that agrees less with the labels than the one before."""
    warnings = []
    for before, after in pairwise(entries):
        figures = {"F1": (before["f1"], after["f1"]), f"AUC of {by}": (before["auc"].get(by), after["auc"].get(by))}
        fell = [
            f"{name} {old:.3f} -> {new:.3f}"
            for name, (old, new) in figures.items()
            if old is not None and new is not None and new < old
        ]
        if fell:
            changed = after["changed"]
            warnings.append(
                f"iteration {after['iteration']} moves away from the labelled pairs: {', '.join(fell)} (right on "
                f"{changed['gained']} where the one before was wrong, wrong on {changed['lost']} where it was right, "
                f"sign test p = {changed['p']:.2g})"
            )
    return warnings
