"""How far raters agree: Cohen's kappa of two, Krippendorff's alpha of more or of gaps, with intervals over items."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from builder.results.evaluate.statistics.figure import LEVEL, Interval, figure

DRAWS = 2_000
Answers = Mapping[str, Mapping[str, Hashable]]
"""By item and rater what was answered."""


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa, (p_o - p_e) / (1 - p_e); None where all answers are alike, or there are none."""
    if not pairs:
        return None
    observed = sum(one == other for one, other in pairs) / len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(firsts[value] * seconds[value] for value in firsts) / len(pairs) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for names: 1 - observed / expected disagreement; items with one answer say nothing.

    Args:
        units: The answers that each item has.

    Returns:
        None where all answers are alike, or no item has two.
    """
    pairable = [list(unit) for unit in units if len(unit) > 1]
    totals: Counter[Hashable] = Counter(value for unit in pairable for value in unit)
    n = sum(totals.values())
    apart = n * n - sum(count * count for count in totals.values())
    if not pairable or apart == 0:
        return None
    observed = sum(
        (len(unit) ** 2 - sum(count * count for count in Counter(unit).values())) / (len(unit) - 1) for unit in pairable
    )
    return 1 - (n - 1) * observed / apart


def agreement(answers: Answers, *, seed: int = 0, level: float = LEVEL, draws: int = DRAWS) -> dict[str, Any]:
    """Kappa of two raters who answered the same items, else alpha; `percent` beside it, the share of equal pairs."""
    raters = sorted({rater for given in answers.values() for rater in given})
    units = [list(given.values()) for given in answers.values() if len(given) > 1]
    pairs = sum(len(unit) * (len(unit) - 1) for unit in units)
    equal = sum(sum(count * (count - 1) for count in Counter(unit).values()) for unit in units)
    complete = len(raters) == 2 and all(len(given) == 2 for given in answers.values())
    name, compute = ("Cohen's kappa", _kappa_of(raters)) if complete else ("Krippendorff's alpha", alpha_of)
    items = [given for given in answers.values() if len(given) > 1]
    value = compute(items)
    return figure(
        value,
        len(units),
        name,
        interval=_interval(items, compute, seed, level, draws) if value is not None else None,
        level=level,
        seed=seed,
        reason="" if value is not None else "no item has two answers" if not units else "all answers are alike",
        raters=raters,
        equal=equal / pairs if pairs else None,
    )


def alpha_of(items: Sequence[Mapping[str, Hashable]]) -> float | None:
    """Alpha of items with their answers by rater."""
    return alpha([list(given.values()) for given in items])


def _kappa_of(raters: Sequence[str]) -> Any:
    def compute(items: Sequence[Mapping[str, Hashable]]) -> float | None:
        return kappa([(given[raters[0]], given[raters[1]]) for given in items])

    return compute


def _interval(items: Sequence[Any], compute: Any, seed: int, level: float, draws: int) -> Interval | None:
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = []
    for _ in range(draws):
        value = compute([items[at] for at in generator.integers(0, len(items), len(items))])
        if value is not None:
            drawn.append(value)
    if not drawn:
        return None
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
