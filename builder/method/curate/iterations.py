"""How scores and selections change from one iteration to the next, from the stages' rows alone.

Iteration t selects A_t with scores under M_{t-1}; M_t is trained on A_t and scores the same pairs again (paper 2.3).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from builder.data.storage import read_rows
from builder.errors import RecipeError, StageError
from builder.method.curate.labels import Labels, agreement, changed_verdicts
from builder.method.curate.ranks import area_under_curve, average_ranks, fifths, levels, rank_correlation
from builder.method.curate.selection import Scores, finite_scores, read_columns, select_by
from builder.recipe.sections.curate import RATINGS, Curate
from builder.workspace.workspace import Artifact

COMBINED = "combined"
"""What the ranks of several judges are called beside the judges."""
CLASSES: tuple[int | None, ...] = (1, 2, 3, 4, 5, None)
"""Rows and columns of a migration matrix; None are pairs without a score."""


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


def iteration_differences(iterations: Sequence[Iteration], examples: int) -> list[dict[str, Any]]:
    """Each iteration against the next; see `iteration_difference`."""
    return [iteration_difference(before, after, examples) for before, after in pairwise(iterations)]


def iteration_difference(before: Iteration, after: Iteration, examples: int) -> dict[str, Any]:
    """How two iterations differ.

    Args:
        before: Iteration t.
        after: Iteration t + 1.
        examples: How many of the promoted and of the demoted pairs to name, those that moved most.

    Returns:
        `from`, `to`, whether the scores of t + 1 are `crossed` (cross-fitted), and by judge the `scores` (see
        `migration`); `overlap`, |A_t and A_{t+1}| / |A_t|, and `jaccard`; `promoted` and `demoted`, `rows` and
        `examples` of the pairs only in A_{t+1} and only in A_t; `groups`, which tell whether M_t prefers
        what it was trained on (see `_group`).
    """
    rises = _rises(before.selector, after.selector)
    stayed = before.selected & after.selected
    outside = before.selector.keys() - before.selected
    groups = {"trained": before.trained, "withheld": before.selected - before.trained, "not_selected": outside}
    return {
        "from": before.number,
        "to": after.number,
        "crossed": after.crossed,
        "scores": {
            name: migration(before.scores[name], after.scores[name], rating=name in RATINGS)
            for name in before.scores
            if name in after.scores
        },
        "overlap": len(stayed) / len(before.selected),
        "jaccard": len(stayed) / len(before.selected | after.selected),
        "promoted": _moved(after.selected - before.selected, before, after, rises, examples, up=True),
        "demoted": _moved(before.selected - after.selected, before, after, rises, examples, up=False),
        "groups": {name: _group(ids, before, after, rises) for name, ids in groups.items()},
    }


def migration(before: Scores, after: Scores, *, rating: bool) -> dict[str, Any]:
    """How the scores of the same pairs move.

    Args:
        before: Scores in iteration t.
        after: Scores in iteration t + 1.
        rating: Whether the scores are ratings; then the classes are 1 to 5, else fifths of the scored pairs.

    Returns:
        `pairs`, those scored both times; their `rank_correlation` (Spearman); `matrix`, counts of all pairs by class
        before (down) and after (across), in the order of `CLASSES`.
    """
    classes = levels if rating else fifths
    one, other = classes(before), classes(after)
    cells = Counter((one.get(key), other.get(key)) for key in before.keys() | after.keys())
    both = _scored_twice(before, after)
    return {
        "pairs": len(both),
        "rank_correlation": _correlation(both, before, after),
        "matrix": [[cells[row, column] for column in CLASSES] for row in CLASSES],
    }


def _scored_twice(before: Scores, after: Scores) -> set[str]:
    return {key for key, value in before.items() if value is not None and after.get(key) is not None}


def _part(keys: Iterable[str], scores: Scores) -> dict[str, float]:
    return {key: value for key in keys if (value := scores[key]) is not None}


def _correlation(keys: set[str], before: Scores, after: Scores) -> float | None:
    return rank_correlation(_part(keys, before), _part(keys, after))


def _rises(before: Scores, after: Scores) -> dict[str, float]:
    """By how much of the whole order each pair that was scored twice has risen, -1 to 1."""
    both = _scored_twice(before, after)
    one, other = average_ranks(_part(both, before)), average_ranks(_part(both, after))
    return {key: (rank - other[key]) / len(both) for key, rank in one.items()}


def _moved(
    keys: set[str], before: Iteration, after: Iteration, rises: Mapping[str, float], examples: int, *, up: bool
) -> dict[str, Any]:
    sign = 1 if up else -1
    order = sorted(keys, key=lambda key: (-sign * rises.get(key, -sign), key))
    chosen = [
        {"id": key, "before": before.selector.get(key), "after": after.selector.get(key), "rise": rises.get(key)}
        for key in order[:examples]
    ]
    return {"rows": len(keys), "examples": chosen}


def _group(keys: set[str], before: Iteration, after: Iteration, rises: Mapping[str, float]) -> dict[str, Any]:
    """A part of the pairs: `rows`, the share `selected_after`, `rank_correlation`, and the mean `rise` in the order."""
    scored = keys & rises.keys()
    return {
        "rows": len(keys),
        "selected_after": len(keys & after.selected) / len(keys) if keys else None,
        "rank_correlation": _correlation(scored, before.selector, after.selector),
        "rise": math.fsum(rises[key] for key in scored) / len(scored) if scored else None,
    }


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
