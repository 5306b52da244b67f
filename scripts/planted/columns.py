"""The scores of every judge, one for each weight of `likelihood`, of ranks combined, and of the controls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from builder.data.records import Row, row_seed
from builder.method.curate.ranks import area_under_curve, average_ranks, combine
from builder.method.curate.selection import Scores
from builder.workspace.stage_names import HALVES
from planted.judging import CROSSED, M_0, M_1, M_YX, Scored

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the prior in `likelihood`; both probabilities of a pair are read once."""
COMBINED = (("likelihood", "reverse"), ("likelihood", "expected"), ("likelihood", "reverse", "expected"))
"""Judges whose ranks are combined, `likelihood` with weight 1."""


@dataclass(frozen=True)
class Column:
    """What one judge gives the pairs that it was asked about.

    Attributes:
        judge: As the table has it.
        by: Who scores; empty for a control.
        scores: By id of the pair; None where it gives none.
    """

    judge: str
    by: str
    scores: Scores


def columns(truth: Sequence[Row], scored: Scored, seed: int) -> Iterator[Column]:
    """All columns of the table, in its order.

    Args:
        truth: What each pair is.
        scored: Score rows by judge and who scores.
        seed: Of the control `random`.
    """
    yield from controls(truth, seed)
    given = {key: {row["id"]: row["score"] for row in rows} for key, rows in scored.items()}
    yield Column("reverse", M_YX, given["reverse", M_YX])
    for by in (M_0, M_1, CROSSED):
        if ("likelihood", by) not in given:
            continue
        weighted = {weight: weighted_likelihood(scored["likelihood", by], weight) for weight in WEIGHTS}
        for weight, scores in weighted.items():
            yield Column(f"likelihood, w {weight:g}", by, scores)
        chosen, chosen_weights = by_other_half(truth, weighted)
        said = ", ".join(f"{weight:g} on {half}" for half, weight in chosen_weights.items())
        yield Column(f"likelihood, w chosen on the other half ({said})", by, chosen)
        rated = (judge for judge in ("expected", "additive", "verdict", "reasoned") if (judge, by) in given)
        yield from (Column(judge, by, given[judge, by]) for judge in rated)
        for judges in COMBINED:
            yield Column(f"ranks of {' + '.join(judges)}", by, combined(given, judges, by))


def controls(truth: Sequence[Row], seed: int) -> Iterator[Column]:
    """What a judge has to beat: a hash, and the number of tokens of the text, either way."""
    yield Column("random", "", {row["id"]: row_seed(seed, "random", row["id"]) / 2**32 for row in truth})
    yield Column("longest", "", {row["id"]: float(row["tokens"]) for row in truth})
    yield Column("shortest", "", {row["id"]: -float(row["tokens"]) for row in truth})


def weighted_likelihood(rows: Sequence[Row], weight: float) -> Scores:
    """The score of `likelihood` with another weight of the prior, from the sums beside it."""
    scores: Scores = {}
    for row in rows:
        known = row["score"] is not None
        parts = row["logp_answer"] + row["logp_end"] - weight * row["logp_prior"] if known else 0.0
        scores[row["id"]] = parts / row["tokens"] if known else None
    return scores


def by_other_half(truth: Sequence[Row], weighted: Mapping[float, Scores]) -> tuple[Scores, dict[str, float]]:
    """In each half of the pages the ranks under the weight that does best on the other half, and these weights.

    Scores under two weights have no common scale; the places in the two halves have, from 0 to 1.
    """
    chosen: Scores = {}
    weights: dict[str, float] = {}
    for half, other in zip(HALVES, reversed(HALVES), strict=True):
        there = [row for row in truth if row["half"] == other]
        weights[half] = max(weighted, key=lambda weight: _area(there, weighted[weight]))
        own = {row["id"]: weighted[weights[half]][row["id"]] for row in truth if row["half"] == half}
        known = {key: value for key, value in own.items() if value is not None}
        ranks = average_ranks(known)
        chosen |= {key: 1 - (ranks[key] - 0.5) / len(known) if key in known else None for key in own}
    return chosen, weights


def _area(truth: Sequence[Row], scores: Scores) -> float:
    parts: dict[bool, list[float]] = {True: [], False: []}
    for row in truth:
        value = scores[row["id"]]
        parts[row["good"]].append(float("-inf") if value is None else value)
    area = area_under_curve(parts[True], parts[False])
    return 0.5 if area is None else area


def combined(given: Mapping[tuple[str, str], Scores], judges: Sequence[str], by: str) -> Scores:
    """The ranks of several judges together, among the pairs that all of them were asked about."""
    found = [given[judge, M_YX if judge == "reverse" else by] for judge in judges]
    keys = [key for key in min(found, key=len) if all(key in column for column in found)]
    return combine([{key: column[key] for key in keys} for column in found])
