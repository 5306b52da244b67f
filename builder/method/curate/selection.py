"""The order in which pairs are selected, and what keeps a pair out of it although its score is high (paper 2.3).

Everything here is about ids and scores; texts are only read to compare instructions.
"""

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from builder.data.records import row_seed
from builder.data.storage import read_rows
from builder.errors import StageError
from builder.method.curate.near_instructions import NearInstructions
from builder.method.curate.ranks import combine
from builder.recipe.sections.curate import Curate

Scores = dict[str, float | None]


def read_columns(config: Curate, candidates: Path, scores: Sequence[Path]) -> dict[str, Scores]:
    """What each judge of the selection gives every pair.

    Departure: the paper has no controls; `random` and `longest` show what a judge is worth.

    Args:
        config: The curate section.
        candidates: Stage folder of the candidate pairs.
        scores: Stage folders of the judges `config.scored`, in that order.

    Returns:
        By name and id the score as it stands there, None where a judge gave none.

    Raises:
        StageError: If a pair was never scored.
    """
    ids = [row["id"] for row in read_rows(candidates / "data", ["id"])]
    folders = dict(zip(config.scored, scores, strict=True))
    columns: dict[str, Scores] = {}
    for name in config.judges:
        if name == "random":
            columns[name] = {key: row_seed(config.seed, name, key) / 2**32 for key in ids}
        elif name == "longest":
            columns[name] = {row["id"]: len(row["output"]) for row in read_rows(candidates / "data", ["id", "output"])}
        else:
            columns[name] = _judged(ids, folders[name])
    return columns


def _judged(ids: Iterable[str], folder: Path) -> Scores:
    given = {row["id"]: row["score"] for row in read_rows(folder / "data", ["id", "score"])}
    for key in ids:
        if key not in given:
            raise StageError(f"{folder.name}: pair {key} was never scored; delete that folder and build again")
    return {key: given[key] for key in ids}


def finite_scores(scores: Mapping[str, float | None]) -> Scores:
    """The scores, None where one is no finite number: it has no place in any order, and would spoil that of others."""
    return {key: value if value is not None and math.isfinite(value) else None for key, value in scores.items()}


def not_finite(columns: Mapping[str, Scores]) -> set[str]:
    """The ids that some judge gave a score which is no finite number."""
    every = (item for column in columns.values() for item in column.items())
    return {key for key, value in every if value is not None and not math.isfinite(value)}


def select_by(columns: Mapping[str, Scores], leave_out: Iterable[str] = ()) -> Scores:
    """The score to select by: the judge's, or of several judges the combined ranks, from 1 (best) to 0.

    A score that is no finite number counts as none.

    Departure: the paper has one judge.

    Args:
        columns: Scores by judge.
        leave_out: Ids that get no rank.
    """
    gone = set(leave_out)
    left = [finite_scores(column) for column in columns.values()]
    if gone:
        left = [{key: value for key, value in column.items() if key not in gone} for column in left]
    return left[0] if len(left) == 1 else combine(left)


def in_order(scores: Mapping[str, float | None]) -> list[str]:
    """The scored ids, best first; ties by id."""
    scored = {key: value for key, value in finite_scores(scores).items() if value is not None}
    return sorted(scored, key=lambda key: (-scored[key], key))


@dataclass
class Limits:
    """What keeps pairs out whatever their score, asked for each pair in the order of selection.

    Departure: the paper says of none of this that it was done.

    Attributes:
        per_domain: So many pairs of a registered domain are admitted.
        domains: The domain of each pair; those without one have no limit.
        instructions: Knows which instructions nearly repeat an admitted one.
        withheld: The pairs of withheld pages.
        test_rows: So many of those are admitted.
        reasons: Why pairs were not admitted, by id: `too_high`, `domain_cap`, `withheld`,
            `near_duplicate_instruction`.
        twins: For near duplicates the admitted pair that they repeat.
    """

    per_domain: int | None = None
    domains: Mapping[str, str] = field(default_factory=dict)
    instructions: NearInstructions | None = None
    withheld: Container[str] = ()
    test_rows: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    _admitted: Counter[str] = field(default_factory=Counter)
    _tests: int = 0

    def admit(self, key: str) -> bool:
        """Whether a pair is selected, all better ones having been asked for before."""
        domain = self.domains.get(key, "")
        if self.per_domain is not None and domain and self._admitted[domain] >= self.per_domain:
            self.reasons[key] = "domain_cap"
            return False
        test = key in self.withheld
        if test and self._tests >= self.test_rows:
            self.reasons[key] = "withheld"
            return False
        twin = self.instructions.admit(key) if self.instructions else None
        if twin is not None:
            self.reasons[key], self.twins[key] = "near_duplicate_instruction", twin
            return False
        self._admitted[domain] += 1
        self._tests += test
        return True


def choose(scores: Mapping[str, float | None], config: Curate, limits: Limits | None = None) -> set[str]:
    """The ids that threshold, top or share selects; ties are broken by id, unscored pairs are never selected.

    A score that is no finite number is none.

    The best `leave_out_top` go first; then the order is followed until the rule is met, so that pairs that the limits
    keep out make room for others under `top` and `share`.

    Departure: the paper has a threshold only; no other score than a verdict has a scale that means the same
    under every model.

    Args:
        scores: Score of each id, None where there is none.
        config: Has exactly one of threshold (inclusive), top (rows) and share (of the scored pairs).
        limits: Asked for each pair; takes note of what it keeps out, and of what is too high.
    """
    limits = limits or Limits()
    order = in_order(scores)
    highest = min(rows_in_share(config.leave_out_top, len(order)), max(len(order) - 1, 0))
    limits.reasons.update(dict.fromkeys(order[:highest], "too_high"))
    size = wanted_rows(config, len(order))
    chosen: set[str] = set()
    for key in order[highest:]:
        if len(chosen) == size or not _reaches(scores[key], config.threshold):
            break
        if limits.admit(key):
            chosen.add(key)
    return chosen


def wanted_rows(config: Curate, scored: int) -> int | None:
    """How many of the scored pairs `top` or `share` asks for, a share for at least one; None with a threshold."""
    return config.top if config.share is None else max(1, rows_in_share(config.share, scored))


def rows_in_share(share: float, rows: int) -> int:
    """A share of some rows as a number of rows: the nearest one, and the higher of two; the share is as it is written.

    `share: 0.145` of 100 rows is 15, although the number that a computer makes of 0.145 is a little less.
    """
    return int((Decimal(repr(share)) * rows).to_integral_value(ROUND_HALF_UP))


def _reaches(score: float | None, threshold: float | None) -> bool:
    return threshold is None or (score is not None and score >= threshold)
