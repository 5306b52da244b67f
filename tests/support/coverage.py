"""How often an interval covers what it should, by simulation."""

from collections.abc import Callable

import numpy as np


def covers(
    trial: Callable[[np.random.Generator], tuple[float, float]], truth: float, *, trials: int, seed: int = 0
) -> float:
    """The share of trials whose interval holds the truth."""
    hits = 0
    for number in range(trials):
        low, high = trial(np.random.Generator(np.random.PCG64([seed, number])))
        hits += low <= truth <= high
    return hits / trials
