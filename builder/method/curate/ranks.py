"""Ranks of scores: shared by ties, combined over judges, compared between iterations."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Integers = np.ndarray[Any, np.dtype[np.int64]]

Key = TypeVar("Key", bound=Hashable)


def shared_ranks(scores: "Floats") -> "Floats":
    """The rank of each score, 1 for the highest; equal scores share the mean of their ranks."""
    import numpy as np

    _, place, ties = np.unique(-scores, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(ties) - (ties - 1) / 2)[place])


def average_ranks(scores: Mapping[Key, float]) -> dict[Key, float]:
    """The rank of each key; see `shared_ranks`."""
    import numpy as np

    values = np.fromiter(scores.values(), float, len(scores))
    return dict(zip(scores, shared_ranks(values).tolist(), strict=True))


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


def correlation(one: "Floats", other: "Floats") -> float | None:
    """Spearman's rank correlation, ties averaged; None for less than two keys or where all scores are equal.

    Args:
        one: Ranks.
        other: Other ranks of the same keys.
    """
    middle = (len(one) + 1) / 2
    spread = [math.fsum((ranks - middle) ** 2) for ranks in (one, other)]
    if not all(spread):
        return None
    together = math.fsum((one - middle) * (other - middle))
    return max(-1.0, min(1.0, together / math.sqrt(spread[0] * spread[1])))


def area_under_curve(good: Sequence[float], bad: Sequence[float]) -> float | None:
    """How often a good one has the higher score than a bad one, equal ones half; None without one of either."""
    if not good or not bad:
        return None
    scores = dict(enumerate([*good, *bad]))
    ranks = average_ranks(scores)
    below = math.fsum(len(scores) - ranks[at] for at in range(len(good))) - len(good) * (len(good) - 1) / 2
    return below / (len(good) * len(bad))


def fifths(scores: "Floats") -> "Integers":
    """In which fifth of the scored keys each is, 5 being the best, 0 without a number; equal scores are in the same."""
    import numpy as np

    found, given = np.zeros(len(scores), np.int64), ~np.isnan(scores)
    ranks = shared_ranks(scores[given])
    found[given] = 5 - (5 * (ranks - 0.5) / max(1, len(ranks))).astype(np.int64)
    return found


def levels(scores: "Floats") -> "Integers":
    """The whole rating that a score from 1 to 5 has reached, 0 without a number.

    4.5 is in A_4 and not in A_5, so its level is 4.
    """
    import numpy as np

    return np.where(np.isnan(scores), 0, np.clip(np.floor(np.nan_to_num(scores)), 1, 5)).astype(np.int64)
