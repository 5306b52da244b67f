"""What labels say of a build: of its selection, and of every judge at every threshold, each stratum by its weight."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from builder.data.records import segment_of
from builder.errors import RecipeError
from builder.method.curate.iterations import COMBINED
from builder.method.curate.selection import Scores
from builder.recipe.sections.curate import RATINGS
from builder.results.evaluate.labels.population import FILE as STRATA
from builder.results.evaluate.labels.population import Population
from builder.results.evaluate.labels.store import ONE, Label, verdicts
from builder.results.evaluate.statistics.figure import LEVEL, figure
from builder.results.evaluate.statistics.parts import cells_of
from builder.results.evaluate.statistics.raters import agreement
from builder.results.evaluate.statistics.strata import shares

RATED = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
"""Thresholds of a rating."""
PARTS = 20
"""Of other scores the thresholds take so many twentieths of the scored pairs."""
_RESAMPLED = 2_000


def measure(population: Population, labels: Sequence[Label], *, seed: int = 0) -> dict[str, Any]:
    """All figures of some labels.

    Args:
        population: The pairs of the build.
        labels: As they stand in the file; of pairs that are not in the build none counts.
        seed: Of the draws.

    Returns:
        `labelled`, `divided` and `unknown`, so many pairs; `agreement` of the raters; `selections`, of each iteration
        the figures of `strata.shares`; `judges`, by iteration and judge the `thresholds` with the same figures and
        a `suggested` one.

    Raises:
        RecipeError: If the strata that they were drawn from are not known any more.
    """
    own = of_pairs(labels, population.ids)
    said, divided = verdicts(own)
    strata = strata_of_labels(population, own)
    answers: dict[str, dict[str, bool]] = {}
    for label in own:
        answers.setdefault(label.id, {})[label.rater] = label.good
    return {
        "labelled": len(said),
        "good": sum(said.values()),
        "divided": len(divided),
        "unknown": len({label.id for label in labels} - answers.keys() - set(map(segment_of, answers))),
        "selection": population.selection,
        "agreement": agreement(answers, seed=seed) if len({label.rater for label in own}) > 1 else None,
        "selections": {
            str(item.number): at_threshold(strata, item.selected, said, seed=seed) for item in population.iterations
        },
        "judges": {
            str(item.number): {name: _judge(name, scores, strata, said, seed) for name, scores in item.scores.items()}
            for item in population.iterations
        },
    }


def of_pairs(labels: Sequence[Label], ids: Iterable[str]) -> list[Label]:
    """Labels of pairs: those of a segment are those of its pairs which have none of their own by that rater."""
    pairs, named = set(ids), {(label.id, label.rater) for label in labels}
    of_segments = {label.id for label in labels} - pairs
    by_segment: dict[str, list[str]] = {}
    for key in pairs if of_segments else ():
        if (segment := segment_of(key)) in of_segments:
            by_segment.setdefault(segment, []).append(key)
    found = []
    for label in labels:
        own = [label.id] if label.id in pairs else by_segment.get(label.id, [])
        found += [replace(label, id=key) for key in own if key == label.id or (key, label.rater) not in named]
    return found


def strata_of_labels(population: Population, labels: Sequence[Label]) -> Mapping[str, str]:
    """The strata that the sample was drawn from; all pairs are one where a label says none."""
    if any(label.stratum is None for label in labels):
        return dict.fromkeys(population.ids, ONE)
    if any(label.stratum != population.strata[label.id] for label in labels):
        raise RecipeError(
            f"the labels were drawn from the strata of another selection, and {STRATA} is not beside them; it is "
            "written where the sheet is, and goes where the labels go"
        )
    return population.strata


def at_threshold(
    strata: Mapping[str, str], taken: set[str], said: Mapping[str, bool], *, seed: int = 0, level: float = LEVEL
) -> dict[str, Any]:
    """Precision, recall and share of good pairs, where some pairs are taken.

    Args:
        strata: Of all pairs.
        taken: Ids.
        said: Labels.
        seed: Of the draws.
        level: Of the intervals.
    """
    return shares(cells_of(strata, taken, said), seed=seed, level=level)


def _judge(name: str, scores: Scores, strata: Mapping[str, str], said: Mapping[str, bool], seed: int) -> dict[str, Any]:
    known = {key: value for key, value in scores.items() if value is not None}
    thresholds = thresholds_of(name, known)
    table = [
        {
            "threshold": threshold,
            "taken": len(taken := {key for key, value in known.items() if value >= threshold}),
            **at_threshold(strata, taken, said, seed=seed),
        }
        for threshold in thresholds
    ]
    return {"thresholds": table, "suggested": _suggested(thresholds, known, strata, said, seed)}


def thresholds_of(judge: str, scores: Mapping[str, float]) -> list[float]:
    """The thresholds that are tried of a judge, each of which takes other pairs than the one before."""
    values = sorted(scores.values())
    if not values:
        return []
    if judge in RATINGS and judge != COMBINED:
        tried: Sequence[float] = RATED
    else:
        tried = [values[len(values) * part // PARTS] for part in range(PARTS)]
    found: list[float] = []
    taken = -1
    for threshold in sorted(set(tried)):
        count = sum(value >= threshold for value in values)
        if count and count != taken:
            found.append(threshold)
            taken = count
    return found


def _suggested(
    thresholds: Sequence[float],
    scores: Mapping[str, float],
    strata: Mapping[str, str],
    said: Mapping[str, bool],
    seed: int,
) -> dict[str, Any]:
    """The threshold with the highest F1, and between which ones it lies when the labels are drawn anew.

    Labels weigh as many rows as they stand for; they are drawn anew within each stratum.
    """
    formula = "threshold of the highest F1, labels weighted by their strata"
    some = [key for key in said if key in strata]
    if not thresholds or not any(said[key] for key in some):
        return figure(None, len(some), formula, reason="no label is good" if thresholds else "no pair has a score")
    sizes: dict[str, int] = {}
    for name in strata.values():
        sizes[name] = sizes.get(name, 0) + 1
    groups: dict[str, list[int]] = {}
    for at, key in enumerate(some):
        groups.setdefault(strata[key], []).append(at)
    good = np.array([said[key] for key in some], dtype=float)
    over = np.array([[scores.get(key, -np.inf) >= limit for limit in thresholds] for key in some], dtype=float)
    even = np.zeros(len(some))
    for name, members in groups.items():
        even[members] = sizes[name] / len(members)
    best = thresholds[int(np.argmax(_f1(even, good, over)))]
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = []
    for _ in range(_RESAMPLED):
        weights = np.zeros(len(some))
        for name, members in groups.items():
            weights[members] = sizes[name] * generator.dirichlet(np.ones(len(members)))
        drawn.append(thresholds[int(np.argmax(_f1(weights, good, over)))])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return figure(best, len(some), formula, interval=(float(low), float(high)), seed=seed)


def _f1(weights: Any, good: Any, over: Any) -> Any:
    both = (weights * good) @ over
    return 2 * both / np.maximum(weights @ over + (weights * good).sum(), 1e-12)
