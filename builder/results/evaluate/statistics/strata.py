"""Shares of a population of which a sample was labelled, stratum by stratum, each at a rate of its own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builder.results.evaluate.statistics.figure import LEVEL, figure

DRAWS = 20_000
PILOT = 10
"""Labels of a stratum before the others are shared out."""
_FORMULA = (
    "theta_h ~ Beta(good + 1/2, bad + 1/2) of each stratum, weighted by its rows; medians, interval of the draws; "
    "where a stratum is cut, one label of what is known of it and of the others, and means"
)


@dataclass(frozen=True)
class Cell:
    """Rows of which some were labelled at random.

    Attributes:
        rows: So many there are.
        good: So many of the labelled ones are good.
        labelled: So many were labelled.
        selected: Whether they are selected.
        known: The share of good ones that is expected before any label, and counts as one; None if nothing is.
    """

    rows: int
    good: int
    labelled: int
    selected: bool
    known: float | None = None

    @property
    def posterior(self) -> tuple[float, float]:
        """Parameters of the beta distribution of its share of good ones; the prior is that of Jeffreys or `known`."""
        before = 0.5 if self.known is None else self.known
        return self.good + before, self.labelled - self.good + 1 - before


def shares(cells: Sequence[Cell], *, seed: int = 0, level: float = LEVEL, draws: int = DRAWS) -> dict[str, Any]:
    """Precision and recall of a selection, and the share of good rows, from labels of a stratified sample.

    A figure is made of the medians of theta_h, and its interval of the draws. The shares that were seen would be too
    near the ends, for where a pilot is of one kind few labels follow it; the means lean towards one half. Where
    something is known beforehand the means lean there, and are taken.
    theta_h of a stratum without a label is as uncertain as it can be.

    Args:
        cells: Strata, none of them partly selected.
        seed: Of the draws.
        level: Of the intervals.
        draws: How many.

    Returns:
        `precision`, `recall` and `share_good`, a figure each.
    """
    some = [cell for cell in cells if cell.rows]
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = np.array([generator.beta(*cell.posterior, draws) for cell in some]).reshape(len(some), draws)
    middle = [
        np.median(of) if cell.known is None else cell.posterior[0] / sum(cell.posterior)
        for cell, of in zip(some, drawn, strict=True)
    ]
    # The first line has the middles.
    theta = np.vstack([middle, drawn.T]) if some else np.zeros((draws + 1, 0))
    good = theta * np.array([cell.rows for cell in some], dtype=float)
    everything, selected = good.sum(axis=1), good[:, [cell.selected for cell in some]].sum(axis=1)
    rows = sum(cell.rows for cell in some)
    chosen = sum(cell.rows for cell in some if cell.selected)
    labelled = sum(cell.labelled for cell in some)
    of_chosen = sum(cell.labelled for cell in some if cell.selected)

    def told(values: Any, n: int, whole: int, why: str) -> dict[str, Any]:
        if not whole or not n:
            return figure(None, n, _FORMULA, reason="none of these rows was labelled" if whole else why)
        low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
        return figure(float(values[0]), n, _FORMULA, interval=(float(low), float(high)), level=level, seed=seed)

    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "precision": told(selected / chosen, of_chosen, chosen, "nothing is selected"),
            "recall": told(selected / everything, labelled, rows, "there are no rows"),
            "share_good": told(everything / rows, labelled, rows, "there are no rows"),
        }


def allocate(
    rows: Mapping[str, int], good: Mapping[str, int], labelled: Mapping[str, int], budget: int
) -> dict[str, int]:
    """How many labels each stratum is to have in all, after a pilot: in proportion to N_h sqrt(p_h (1 - p_h)).

    p_h is (good + 1) / (labelled + 2), so that a pilot of one kind alone does not end a stratum.

    Args:
        rows: N_h by stratum.
        good: Of the labelled ones.
        labelled: So far.
        budget: Labels in all; what is there already counts.

    Returns:
        At least what is there already, at most N_h.
    """
    spread = {}
    for key, size in rows.items():
        p = (good.get(key, 0) + 1) / (labelled.get(key, 0) + 2)
        spread[key] = size * math.sqrt(p * (1 - p))
    given = {key: min(labelled.get(key, 0), size) for key, size in rows.items()}
    open_ones = set(rows)
    while open_ones and (left := budget - sum(given.values())) > 0:
        wanted = _in_proportion({key: spread[key] for key in open_ones}, left + sum(given[key] for key in open_ones))
        # Some have more than their part already, others have not so many rows: what weighs more is settled first.
        over = {key: given[key] - wanted[key] for key in open_ones if wanted[key] < given[key]}
        short = {key: wanted[key] - rows[key] for key in open_ones if wanted[key] > rows[key]}
        few = sum(over.values()) < sum(short.values())
        closed = {key: rows[key] for key in short} if few else {key: given[key] for key in over}
        if not closed:
            given |= wanted
            break
        given |= closed
        open_ones -= closed.keys()
    return given


def _in_proportion(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers in proportion to weights that add up to the total; the largest remainders are rounded up."""
    whole = math.fsum(weights.values())
    exact = {key: total * (weight / whole if whole else 1 / len(weights)) for key, weight in weights.items()}
    given = {key: math.floor(value) for key, value in exact.items()}
    order = sorted(exact, key=lambda key: (given[key] - exact[key], key))
    for key in order[: total - sum(given.values())]:
        given[key] += 1
    return given
