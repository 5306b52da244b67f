"""How well scores tell good pairs from bad ones, with intervals over pages.

A draw takes as many pages as there are, with repeats; a pair counts as often as its page was drawn. All figures of one
run look at the same draws, so differences between judges are paired.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

DRAWS, SEED, LEVEL = 2_000, 0, 0.95


class Estimate(NamedTuple):
    """A figure with its interval; None where it cannot be told."""

    value: float
    low: float
    high: float


def draw_pages(pages: Sequence[str], draws: int = DRAWS, seed: int = SEED) -> "Numbers":
    """How often each pair counts: once each in the first row, then in a row for each draw.

    Args:
        pages: The page of each pair.
        draws: How many draws.
        seed: Of the draws.
    """
    import numpy as np

    names = sorted(set(pages))
    place = {page: at for at, page in enumerate(names)}
    rng = np.random.Generator(np.random.PCG64(seed))
    times: Any = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    whole = np.ones((1, len(names)))
    counts: Any = np.concatenate([whole, times]).astype(float)
    return counts[:, [place[page] for page in pages]]  # type: ignore[no-any-return]


def _tied(scores: Sequence[float], good: Sequence[bool], weights: "Numbers") -> tuple["Numbers", "Numbers"]:
    """The weight of good and of bad pairs with the same score, lowest scores first; a row for each draw."""
    import numpy as np

    values: Any = np.asarray(scores, dtype=float)
    order = np.argsort(values, kind="stable")
    firsts = np.flatnonzero(np.r_[True, values[order][1:] != values[order][:-1]])
    is_good = np.asarray(good, dtype=float)[order]
    ordered = weights[:, order]
    return np.add.reduceat(ordered * is_good, firsts, axis=1), np.add.reduceat(ordered * (1 - is_good), firsts, axis=1)


def areas(scores: Sequence[float], good: Sequence[bool], weights: "Numbers") -> "Numbers":
    """How often a good pair has the higher score than a bad one, equal ones half, in each row of the weights.

    Not a number where a row has no good pair or no bad one.
    """
    import numpy as np

    goods, bads = _tied(scores, good, weights)
    below = np.cumsum(bads, axis=1) - bads
    pairs = goods.sum(axis=1) * bads.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area: Any = (goods * (below + bads / 2)).sum(axis=1) / pairs
    return area  # type: ignore[no-any-return]


def precisions(scores: Sequence[float], good: Sequence[bool], weights: "Numbers", share: float) -> "Numbers":
    """The share of good pairs among the best ones, in each row of the weights.

    Of equal scores at the border as much counts of each as there is room for.

    Args:
        scores: Higher is better.
        good: Which are good.
        weights: As `draw_pages` gives them.
        share: Which share is the best; at least one pair.
    """
    import numpy as np

    goods, bads = (each[:, ::-1] for each in _tied(scores, good, weights))
    both = goods + bads
    wanted = np.maximum(1, np.floor(share * both.sum(axis=1, keepdims=True) + 0.5))
    taken = np.clip(wanted - (np.cumsum(both, axis=1) - both), 0, both)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(both > 0, taken * goods / both, 0)
        found: Any = parts.sum(axis=1) / taken.sum(axis=1)
    return found  # type: ignore[no-any-return]


def estimate(rows: "Numbers") -> Estimate | None:
    """The figure of the first row, and the interval of the others; None where there is none."""
    import numpy as np

    drawn = rows[1:][np.isfinite(rows[1:])]
    if not np.isfinite(rows[0]) or not drawn.size:
        return None
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(rows[0]), float(low), float(high))
