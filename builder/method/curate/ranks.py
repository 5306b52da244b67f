"""Ranks of scores: shared by ties, combined over judges, compared between iterations."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def average_ranks(scores: Mapping[Key, float]) -> dict[Key, float]:
    """The rank of each key, 1 for the highest score; equal scores share the mean of their ranks."""
    import numpy as np

    values = np.fromiter(scores.values(), float, len(scores))
    _, place, ties = np.unique(-values, return_inverse=True, return_counts=True)
    shared = np.cumsum(ties) - (ties - 1) / 2
    return dict(zip(scores, shared[place].tolist(), strict=True))


def combine(columns: Sequence[Mapping[Key, float | None]]) -> dict[Key, float | None]:
    """One score made of the ranks in several columns, whatever their scales and order.

    Args:
        columns: Score of each key; all have the same keys.

    Returns:
        1 for a key that is first in every column, 0 for one that is last in every column, linear in the mean rank in
        between; None where a column has None or no finite number. Ranks are those among the other keys.
    """
    shared = [key for key in columns[0] if all(_is_number(column[key]) for column in columns)]
    doubled = dict.fromkeys(shared, 0)  # twice the ranks are whole numbers, whose sum no order of judges changes
    for column in columns:
        ranks = average_ranks({key: value for key in shared if (value := column[key]) is not None})
        for key, rank in ranks.items():
            doubled[key] += round(2 * rank)
    worst = 2 * len(columns) * (len(shared) - 1) or 1
    combined: dict[Key, float | None] = dict.fromkeys(columns[0])
    combined.update({key: 1 - (total - 2 * len(columns)) / worst for key, total in doubled.items()})
    return combined


def _is_number(score: float | None) -> bool:
    return score is not None and math.isfinite(score)


def rank_correlation(left: Mapping[Key, float], right: Mapping[Key, float]) -> float | None:
    """Spearman's rank correlation, ties averaged; None for less than two keys or where all scores are equal.

    Args:
        left: Scores.
        right: Other scores of the same keys.
    """
    one, other = average_ranks(left), average_ranks(right)
    middle = (len(one) + 1) / 2
    spread = [math.fsum((rank - middle) ** 2 for rank in ranks.values()) for ranks in (one, other)]
    if not all(spread):
        return None
    together = math.fsum((rank - middle) * (other[key] - middle) for key, rank in one.items())
    return max(-1.0, min(1.0, together / math.sqrt(spread[0] * spread[1])))


def area_under_curve(good: Sequence[float], bad: Sequence[float]) -> float | None:
    """How often a good one has the higher score than a bad one, equal ones half; None without one of either."""
    if not good or not bad:
        return None
    scores = dict(enumerate([*good, *bad]))
    ranks = average_ranks(scores)
    below = math.fsum(len(scores) - ranks[at] for at in range(len(good))) - len(good) * (len(good) - 1) / 2
    return below / (len(good) * len(bad))


def fifths(scores: Mapping[Key, float | None]) -> dict[Key, int | None]:
    """In which fifth of the scored keys each is, 5 being the best; equal scores are in the same one."""
    ranks = average_ranks({key: value for key, value in scores.items() if value is not None})
    by_key: dict[Key, int | None] = dict.fromkeys(scores)
    by_key.update({key: 5 - int(5 * (rank - 0.5) / len(ranks)) for key, rank in ranks.items()})
    return by_key


def levels(scores: Mapping[Key, float | None]) -> dict[Key, int | None]:
    """The whole rating that a score from 1 to 5 has reached: 4.5 is in A_4 and not in A_5, so its level is 4."""
    return {key: None if value is None else min(5, max(1, math.floor(value))) for key, value in scores.items()}
