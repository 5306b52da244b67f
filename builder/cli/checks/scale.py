"""A threshold that no score of the judge reaches: a build would find out when it selects, hours later."""

import math
from collections.abc import Iterator

from builder.recipe.recipe import Recipe
from builder.recipe.sections.curate import MEANS
from builder.recipe.sections.judges import Likelihood

_INSTEAD = (
    "give curate.share or curate.top instead, or for ratings from 1 to 5 a judge that gives them (verdict, reasoned or "
    "expected); `humpback show RECIPE curate-1` prints what each threshold would keep"
)
_RATING = 4
"""From here on a threshold on log-probabilities was meant for ratings: tokens would be 55 times as likely."""
_WRITTEN_OUT = 20
"""Up to here a likelihood is written out; of a large threshold it is no number that a machine has."""


def threshold_problems(recipe: Recipe) -> Iterator[str]:
    """Why nothing would be selected with `curate.threshold`."""
    threshold, judge = recipe.curate.threshold, recipe.curate.judge
    if threshold is None:
        return
    if judge == "longest" and threshold > recipe.segments.max_chars:
        yield (
            f"curate.threshold is {threshold:g} characters, and no segment is longer than segments.max_chars, "
            f"{recipe.segments.max_chars}; set it lower"
        )
    weight = _weight(recipe) if judge == "likelihood" else 1.0
    if judge not in ("likelihood", "reverse"):
        return
    if weight <= 0 < threshold:
        yield (
            f"curate.threshold is {threshold:g}, and with prior_weight {weight:g} a likelihood is never above 0; "
            f"{_INSTEAD}"
        )
    elif threshold >= _RATING * max(1.0, weight):
        yield (
            f"curate.threshold is {threshold:g}, and {judge} has no scale from 1 to 5: it gives log-probabilities per "
            f"token, and {threshold:g} would need tokens {_times(threshold)} times as likely; {_INSTEAD}"
        )


def threshold_notes(recipe: Recipe) -> Iterator[str]:
    """That hardly anything would be selected; docs/method.md has figures."""
    threshold, judge = recipe.curate.threshold, recipe.curate.judge
    if threshold is None:
        return
    if judge in MEANS and threshold > _RATING:
        yield (
            f"curate.threshold is {threshold:g}; {judge} gives means of probabilities, and few reach that even where "
            "many a verdict is 5. curate.share: 0.083 selects as many as the paper's A_5 has"
        )
    weight = _weight(recipe) if judge == "likelihood" else 1.0
    if judge in ("likelihood", "reverse") and 1 <= threshold < _RATING * max(1.0, weight):
        yield (
            f"curate.threshold is {threshold:g}; {judge} gives log-probabilities per token, no ratings from 1 to 5: "
            f"where that is not what is meant, {_INSTEAD}"
        )


def _times(threshold: float) -> str:
    return f"{math.exp(threshold):,.0f}" if threshold <= _WRITTEN_OUT else f"e^{threshold:g}"


def _weight(recipe: Recipe) -> float:
    """The largest weight of the text's own likelihood in any iteration."""
    given = next(judge.prior_weight for judge in recipe.score if isinstance(judge, Likelihood))
    return max(given) if isinstance(given, list) else given
