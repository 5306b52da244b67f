"""How a win rate grows with the number of training rows: w = alpha log N + C (the paper's section 3.2)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from builder.results.evaluate.statistics.figure import LEVEL, figure
from builder.results.evaluate.statistics.significance import t_quantile

FOR_A_FIT, FOR_AN_INTERVAL = 3, 4
"""Sizes that it takes."""
BASES = {"ln": math.e, "log2": 2.0, "log10": 10.0}


def fit(sizes: Sequence[int], rates: Sequence[float], *, level: float = LEVEL) -> dict[str, Any]:
    """Least squares of w = alpha ln N + C, with an interval of alpha from how far the points are from the line.

    Args:
        sizes: N, rows of the training.
        rates: w, a win rate each, in any unit.
        level: Of the interval.

    Returns:
        `alpha`, a figure for each base of the logarithm; `constant` C; `r2`.
    """
    x, y = np.log(np.asarray(sizes, dtype=float)), np.asarray(rates, dtype=float)
    different = len(set(sizes))
    formula = "least squares of w = alpha log N + C; t interval on the residuals, n - 2 degrees of freedom"
    if different < FOR_A_FIT:
        none = figure(None, different, formula, reason=f"{different} sizes; a fit needs {FOR_A_FIT}")
        return {"alpha": dict.fromkeys(BASES, none), "constant": None, "r2": None}
    spread = float(((x - x.mean()) ** 2).sum())
    alpha = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    constant = float(y.mean() - alpha * x.mean())
    residual = float(((y - constant - alpha * x) ** 2).sum())
    whole = float(((y - y.mean()) ** 2).sum())
    half = None
    if different >= FOR_AN_INTERVAL:
        half = t_quantile(level, len(x) - 2) * math.sqrt(residual / (len(x) - 2) / spread)
    return {
        "alpha": {
            name: figure(
                alpha * math.log(base),
                len(x),
                formula,
                interval=None if half is None else ((alpha - half) * math.log(base), (alpha + half) * math.log(base)),
                level=level,
            )
            for name, base in BASES.items()
        },
        "constant": constant,
        "r2": 1 - residual / whole if whole else None,
    }


def over_prompts(
    scores: Mapping[int, Sequence[float]], *, seed: int = 0, draws: int = 2_000, level: float = LEVEL
) -> dict[str, Any]:
    """An interval of alpha (ln) when the prompts are drawn anew; it leaves out how runs differ from each other.

    Args:
        scores: By N the score of each prompt, the same prompts in the same order.
        seed: Of the draws.
        draws: How many.
        level: Of the interval.
    """
    sizes = sorted(scores)
    table = np.array([scores[size] for size in sizes], dtype=float)
    x = np.log(np.asarray(sizes, dtype=float))
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    generator = np.random.Generator(np.random.PCG64(seed))
    alphas = [
        float(weights @ table[:, generator.integers(0, table.shape[1], table.shape[1])].mean(axis=1))
        for _ in range(draws)
    ]
    low, high = np.quantile(alphas, [(1 - level) / 2, (1 + level) / 2])
    return figure(
        float(weights @ table.mean(axis=1)),
        table.shape[1],
        "alpha per ln N, prompts drawn anew; without run-to-run variation",
        interval=(float(low), float(high)),
        level=level,
        seed=seed,
    )
