"""Labelled pairs: what people say of some candidates, held against scores and selections.

The paper gives precision and recall of a selector over 250 pairs that one author labelled.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.errors import RecipeError

_EXAMPLE = '{"id": "...", "good": true}'
Labels = dict[str, bool]
"""Whether a pair is good, by its id."""


def read_labels(path: Path) -> Labels:
    """Read a file of JSON lines with `id`, of a pair or a segment, and `good`, true or false.

    Raises:
        RecipeError: If the file cannot be read, a line is something else, or an id is said to be good and bad.
    """
    try:
        refuse_special(path)
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path}: cannot be read ({why_unread(error)}); labels are JSON lines such as {_EXAMPLE}"
        ) from error
    labels: Labels = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        key, good = _label(line, f"{path}: line {number}")
        if labels.setdefault(key, good) != good:
            raise RecipeError(f"{path}: line {number}: {key} is good in one line and bad in another; keep one of them")
    if not labels:
        raise RecipeError(f"{path}: holds no label; write lines such as {_EXAMPLE}")
    return labels


def _label(line: str, where: str) -> tuple[str, bool]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise RecipeError(f"{where} is not JSON ({error}); write {_EXAMPLE}") from error
    key, good = (row.get("id"), row.get("good")) if isinstance(row, dict) else (None, None)
    if not isinstance(key, str) or not isinstance(good, bool):
        raise RecipeError(f"{where} needs id, the id of a pair or a segment, and good, which is true or false")
    return key, good


def label_pairs(labels: Labels, pairs: Iterable[Mapping[str, Any]]) -> Labels:
    """The labels of candidate pairs: a pair's own, else that of its segment.

    Args:
        labels: By id of a pair or a segment.
        pairs: Rows with `id` and `segment_id`.

    Raises:
        RecipeError: If no pair has a label.
    """
    known: Labels = {}
    for pair in pairs:
        good = labels.get(pair["id"], labels.get(pair["segment_id"]))
        if good is not None:
            known[pair["id"]] = good
    if not known:
        raise RecipeError("--labels: none of the ids is that of a candidate pair or its segment; were they built anew?")
    return known


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
