"""How scores and selections change from one iteration to the next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any

from builder.method.curate.iterations import Iteration
from builder.method.curate.ranks import correlation, fifths, levels, shared_ranks
from builder.method.curate.selection import Scores
from builder.recipe.sections.curate import RATINGS

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

CLASSES: tuple[int | None, ...] = (1, 2, 3, 4, 5, None)
"""Rows and columns of a migration matrix; None are pairs without a score."""


def iteration_differences(iterations: Sequence[Iteration], examples: int) -> list[dict[str, Any]]:
    """Each iteration against the next; see `iteration_difference`."""
    return [iteration_difference(before, after, examples) for before, after in pairwise(iterations)]


def iteration_difference(before: Iteration, after: Iteration, examples: int) -> dict[str, Any]:
    """How two iterations differ.

    Args:
        before: Iteration t.
        after: Iteration t + 1.
        examples: How many of the promoted and of the demoted pairs to name, those that moved most.

    Returns:
        `from`, `to`, whether the scores of t + 1 are `crossed` (cross-fitted), and by judge the `scores` (see
        `migration`); `overlap`, |A_t and A_{t+1}| / |A_t|, and `jaccard`; `promoted` and `demoted`, `rows` and
        `examples` of the pairs only in A_{t+1} and only in A_t; `groups`, which tell whether M_t prefers
        what it was trained on (see `_group`).
    """
    moves = _Moves(before.selector, after.selector)
    stayed = before.selected & after.selected
    outside = before.selector.keys() - before.selected
    groups = {"trained": before.trained, "withheld": before.selected - before.trained, "not_selected": outside}
    return {
        "from": before.number,
        "to": after.number,
        "crossed": after.crossed,
        "scores": {
            name: migration(before.scores[name], after.scores[name], rating=name in RATINGS)
            for name in before.scores
            if name in after.scores
        },
        "overlap": len(stayed) / len(before.selected),
        "jaccard": len(stayed) / len(before.selected | after.selected),
        "promoted": _moved(after.selected - before.selected, moves, examples, up=True),
        "demoted": _moved(before.selected - after.selected, moves, examples, up=False),
        "groups": {name: _group(ids, moves, after.selected) for name, ids in groups.items()},
    }


def migration(before: Scores, after: Scores, *, rating: bool) -> dict[str, Any]:
    """How the scores of the same pairs move.

    Args:
        before: Scores in iteration t.
        after: Scores in iteration t + 1.
        rating: Whether the scores are ratings; then the classes are 1 to 5, else fifths of the scored pairs.

    Returns:
        `pairs`, those scored both times; their `rank_correlation` (Spearman); `matrix`, counts of all pairs by class
        before (down) and after (across), in the order of `CLASSES`.
    """
    import numpy as np

    moves, classes, size = _Moves(before, after), levels if rating else fifths, len(CLASSES)
    down, across = ((classes(scores) - 1) % size for scores in (moves.before, moves.after))
    return {
        "pairs": int(moves.both.sum()),
        "rank_correlation": moves.correlation(moves.both),
        "matrix": np.bincount(size * down + across, minlength=size**2).reshape(size, size).tolist(),
    }


@dataclass(frozen=True)
class _Moves:
    """Scores of the same pairs before and after."""

    one: Scores
    other: Scores

    @cached_property
    def keys(self) -> list[str]:
        """The pairs, in the order of the columns."""
        return list(dict.fromkeys([*self.one, *self.other]))

    @cached_property
    def before(self) -> "Floats":
        """Scores before; not a number where there is none."""
        return self._column(self.one)

    @cached_property
    def after(self) -> "Floats":
        """Scores after."""
        return self._column(self.other)

    def _column(self, scores: Scores) -> "Floats":
        import numpy as np

        return np.array(list(map(scores.get, self.keys)), dtype=np.float64)

    @cached_property
    def both(self) -> "Flags":
        """Which pairs were scored twice."""
        import numpy as np

        both: Flags = ~(np.isnan(self.before) | np.isnan(self.after))
        return both

    @cached_property
    def rises(self) -> dict[str, float]:
        """By how much of the whole order each pair that was scored twice has risen, -1 to 1."""
        both = self.both
        rises = (shared_ranks(self.before[both]) - shared_ranks(self.after[both])) / max(1, both.sum())
        return dict(zip(compress(self.keys, both), rises.tolist(), strict=True))

    def correlation(self, chosen: "Flags") -> float | None:
        """Spearman's rank correlation of some pairs that were scored twice."""
        return correlation(shared_ranks(self.before[chosen]), shared_ranks(self.after[chosen]))

    def among(self, keys: set[str]) -> "Flags":
        """Which pairs are among some of them, and were scored twice."""
        import numpy as np

        found: Flags = np.fromiter((key in keys for key in self.keys), bool, len(self.keys))
        return found & self.both


def _moved(keys: set[str], moves: _Moves, examples: int, *, up: bool) -> dict[str, Any]:
    sign, rises = 1 if up else -1, moves.rises
    order = sorted(keys, key=lambda key: (-sign * rises.get(key, -sign), key))
    chosen = [
        {"id": key, "before": moves.one.get(key), "after": moves.other.get(key), "rise": rises.get(key)}
        for key in order[:examples]
    ]
    return {"rows": len(keys), "examples": chosen}


def _group(keys: set[str], moves: _Moves, selected: set[str]) -> dict[str, Any]:
    """A part of the pairs: `rows`, the share `selected_after`, `rank_correlation`, and the mean `rise` in the order."""
    rises = [rise for key, rise in moves.rises.items() if key in keys]
    return {
        "rows": len(keys),
        "selected_after": len(keys & selected) / len(keys) if keys else None,
        "rank_correlation": moves.correlation(moves.among(keys)),
        "rise": math.fsum(rises) / len(rises) if rises else None,
    }
