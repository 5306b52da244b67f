"""The share of good rows as a judge sees it, corrected for the judge's own errors (Lang and Reiczigel 2014)."""

import math
from typing import Any

from builder.errors import StageError
from builder.results.evaluate.statistics.figure import LEVEL, figure
from builder.results.evaluate.statistics.significance import normal_quantile

LEAST = 0.1
"""Sensitivity + specificity - 1 below which a judge cannot tell good rows from bad ones."""


def corrected_share(
    share: float, rows: int, sensitivity: tuple[float, int], specificity: tuple[float, int], *, level: float = LEVEL
) -> dict[str, Any]:
    """The share of good rows, from the share that a judge takes and from how it did on labelled rows elsewhere.

    theta = (p + Sp - 1) / (Se + Sp - 1), cut off at 0 and 1.

    Args:
        share: p, of the rows that the judge takes.
        rows: So many it was asked about.
        sensitivity: Se, the share it takes of good rows, and of how many that is known.
        specificity: Sp, the share it leaves of bad rows, and of how many that is known.
        level: Of the interval.

    Raises:
        StageError: If the judge takes good and bad rows nearly alike, as far as is known.
    """
    (se, good), (sp, bad) = sensitivity, specificity
    z = normal_quantile(level)
    youden = se + sp - 1
    uncertain = math.sqrt(se * (1 - se) / max(good, 1) + sp * (1 - sp) / max(bad, 1))
    if youden <= LEAST or youden - z * uncertain <= 0:
        raise StageError(
            f"the judge takes {se:.1%} of {good} good rows and {1 - sp:.1%} of {bad} bad ones: it cannot tell them "
            "apart, so nothing follows from what it takes; label some rows of this build (humpback label)"
        )
    exact = (share + sp - 1) / youden
    n = rows + z * z
    p = (rows * share + z * z / 2) / n
    se_, sp_ = (good * se + 1) / (good + 2), (bad * sp + 1) / (bad + 2)
    t = (p + sp_ - 1) / (se_ + sp_ - 1)
    of_se, of_sp = se_ * (1 - se_) / (good + 2), sp_ * (1 - sp_) / (bad + 2)
    moved = 2 * z * z * (t * of_se - (1 - t) * of_sp)
    spread = math.sqrt(p * (1 - p) / n + t * t * of_se + (1 - t) ** 2 * of_sp) / (se_ + sp_ - 1)
    low, high = (min(1.0, max(0.0, t + moved + sign * z * spread)) for sign in (-1, 1))
    return figure(
        min(1.0, max(0.0, exact)),
        rows,
        "(p + Sp - 1) / (Se + Sp - 1); interval of Lang and Reiczigel 2014",
        interval=(low, high),
        level=level,
        observed=share,
        sensitivity=se,
        specificity=sp,
        cut_off=not 0 <= exact <= 1,
    )
