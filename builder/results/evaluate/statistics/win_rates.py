"""Win rates over prompts, and their differences (the definition that gives AlpacaEval's published figures).

A preference p is 1 where the reference won and 2 where the model did, a number between where a judge's probability is
known; the score is p - 1. 1.5, and 0 in old files, is a draw, half a win.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from builder.errors import StageError
from builder.method.curate.labels import sign_test
from builder.results.evaluate.statistics.figure import DRAWS, LEVEL, Interval, figure

Scores = Mapping[str, float | None]
"""By prompt how likely the model is better, 0 to 1; None where no judgement could be read."""
_AT_ONCE = 500
DRAW = 0.5
RATE = "mean of preference - 1; draws are half a win"


def score_of(preference: Any) -> float | None:
    """The score of a preference as a file has it; None for what is none."""
    if isinstance(preference, bool) or not isinstance(preference, int | float) or not math.isfinite(preference):
        return None
    if preference == 0:
        return DRAW
    return float(preference) - 1 if 1 <= preference <= 2 else None


def win_rate(scores: Scores, *, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> dict[str, Any]:
    """The win rate over prompts.

    Args:
        scores: By prompt.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        level: Of the interval.

    Returns:
        A figure with `standard_error` (null below two prompts), `wins`, `losses` and `draws`, `discrete`, the rate
        where each probability is rounded to a win or a loss, and `unread`, the prompts without a judgement.
    """
    values = np.array([value for value in scores.values() if value is not None], dtype=float)
    n = len(values)
    wins, losses = int((values > DRAW).sum()), int((values < DRAW).sum())
    return figure(
        float(values.mean()) if n else None,
        n,
        RATE,
        interval=bootstrap(values, seed=seed, draws=draws, level=level) if n > 1 else None,
        level=level,
        seed=seed,
        reason="no judgement could be read" if not n else "",
        standard_error=standard_error(values),
        wins=wins,
        losses=losses,
        draws=n - wins - losses,
        discrete=(wins + DRAW * (n - wins - losses)) / n if n else None,
        unread=len(scores) - n,
    )


def standard_error(values: Any) -> float | None:
    """The standard error of the mean, sd (n - 1) / sqrt(n); None below two values."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def bootstrap(values: Any, *, seed: int, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """Percentile interval of the mean, the prompts drawn anew (PCG64)."""
    means = np.concatenate([part.mean(axis=1) for part in _drawn(np.asarray(values, dtype=float), seed, draws)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _drawn(values: Any, seed: int, draws: int) -> Any:
    generator = np.random.Generator(np.random.PCG64(seed))
    for begin in range(0, draws, _AT_ONCE):
        yield values[generator.integers(0, len(values), (min(_AT_ONCE, draws - begin), len(values)))]


def paired(one: Scores, other: Scores, *, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> dict[str, Any]:
    """By how much the first has the higher win rate, on the prompts that were judged of both.

    Returns:
        A figure of the mean difference with `standard_error`, `better` and `worse`, the prompts by sign of the
        difference, and `p` of the exact sign test over these.
    """
    common = [key for key in one if one[key] is not None and other.get(key) is not None]
    values = np.array([_known(one, key) - _known(other, key) for key in common], dtype=float)
    better, worse = int((values > 0).sum()), int((values < 0).sum())
    n = len(values)
    return figure(
        float(values.mean()) if n else None,
        n,
        "mean difference of scores on common prompts",
        interval=bootstrap(values, seed=seed, draws=draws, level=level) if n > 1 else None,
        level=level,
        seed=seed,
        reason="no prompt was judged of both" if not n else "",
        standard_error=standard_error(values),
        better=better,
        worse=worse,
        p=sign_test(better, worse),
    )


def _known(scores: Scores, key: str) -> float:
    value = scores[key]
    if value is None:
        raise StageError(f"prompt {key} has no score")
    return value


def by_group(scores: Scores, groups: Mapping[str, str], *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """The win rate of each group of prompts, in the order in which the groups first appear."""
    parts: dict[str, dict[str, float | None]] = {}
    for key, value in scores.items():
        if key in groups:
            parts.setdefault(groups[key], {})[key] = value
    return {name: win_rate(part, seed=seed) for name, part in parts.items()}


def consistency(orders: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """How often the same side wins in both orders.

    Args:
        orders: By prompt the score where the model stood first, and where it stood second.
    """
    both = [(one, two) for one, two in orders.values() if one is not None and two is not None]
    same = sum((one > DRAW) - (one < DRAW) == (two > DRAW) - (two < DRAW) for one, two in both)
    first, second = ([pair[at] for pair in both] for at in (0, 1))
    return figure(
        same / len(both) if both else None,
        len(both),
        "share of prompts whose winner is the same in both orders",
        reason="no prompt was judged in both orders" if not both else "",
        shown_first=math.fsum(first) / len(both) if both else None,
        shown_second=math.fsum(second) / len(both) if both else None,
    )
