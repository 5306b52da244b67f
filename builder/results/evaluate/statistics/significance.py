"""Tests and quantiles that need no library of statistics; the tests hold them against scipy and statsmodels."""

import math
from collections.abc import Sequence

from builder.errors import StageError


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p values so that one wrong finding among several tests is as rare as it would be of one (Holm 1979).

    q_(i) = max over j <= i of min(1, (m - j + 1) p_(j)), the p in rising order.
    """
    order = sorted(range(len(values)), key=lambda at: values[at])
    adjusted, highest = [0.0] * len(values), 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[at]))
        adjusted[at] = highest
    return adjusted


def t_quantile(level: float, degrees: int) -> float:
    """The t between whose negative and positive value lies `level` of Student's distribution.

    Args:
        level: Between 0 and 1.
        degrees: Of freedom, at least 1.

    Raises:
        StageError: If there is no degree of freedom left.
    """
    if degrees < 1:
        raise StageError(f"{degrees} degrees of freedom: an interval needs more points")
    low, high = 0.0, 1.0
    while _within(high, degrees) < level:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return (low + high) / 2


def _within(t: float, degrees: int) -> float:
    """P(-t < T < t), by the finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    if degrees % 2:
        total, term = 0.0, cosine
        for step in range(1, degrees - 1, 2):
            total += term
            term *= cosine * cosine * (step + 1) / (step + 2)
        return 2 / math.pi * (angle + sine * total)
    total, term = 0.0, 1.0
    for step in range(0, degrees - 1, 2):
        total += term
        term *= cosine * cosine * (step + 1) / (step + 2)
    return sine * total


def normal_quantile(level: float) -> float:
    """The z between whose negative and positive value lies `level` of the normal distribution."""
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2)
