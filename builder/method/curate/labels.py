"""Labelled pairs: what people say of some candidates, held against scores and selections.

The paper gives precision and recall of a selector over 250 pairs that one author labelled.
"""

import math
from typing import Any

Labels = dict[str, bool]
"""Whether a pair is good, by its id."""


def agreement(selected: set[str], labels: Labels) -> dict[str, Any]:
    """How a selection and labels agree.

    Returns:
        `selected` and `good`, so many labelled pairs; `precision`, the share of good ones among the selected;
        `recall`, the share of the good ones that is selected; `f1`, their harmonic mean; None where undefined.
    """
    good = {key for key, value in labels.items() if value}
    chosen = selected & labels.keys()
    both = len(chosen & good)
    return {
        "selected": len(chosen),
        "good": len(good),
        "precision": both / len(chosen) if chosen else None,
        "recall": both / len(good) if good else None,
        "f1": 2 * both / (len(chosen) + len(good)) if chosen or good else None,
    }


def changed_verdicts(before: set[str], after: set[str], labels: Labels) -> dict[str, Any]:
    """On how many labelled pairs one selection is right and the other wrong, and how likely that is by chance.

    Returns:
        `gained`, `lost`, and `p` of the two-sided sign test over these pairs.
    """
    moved = (before ^ after) & labels.keys()
    gained = sum(labels[key] == (key in after) for key in moved)
    return {"gained": gained, "lost": len(moved) - gained, "p": sign_test(gained, len(moved) - gained)}


def sign_test(one: int, other: int) -> float:
    """The two-sided p of so many signs against so many, each as likely as the other; 1 without any."""
    trials = one + other
    logs = (
        math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1) - trials * math.log(2)
        for hits in range(min(one, other) + 1)
    )
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))
