"""What the table says of each judge: how well it tells good from bad, over all and by kind, and more than what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.data.records import Row
from planted.columns import Column
from planted.figures import Estimate, areas, draw_pages, estimate, precisions
from planted.judging import M_0
from planted.kinds import KINDS

CONTROL = "longest"


@dataclass(frozen=True)
class Measured:
    """The figures of one judge.

    Attributes:
        judge: Its name in the table.
        by: Who scores.
        pairs: How many it was asked about.
        scored: How many of them have a score; one without counts as lower than all others.
        area: AUC over all kinds.
        precision: At the share, among the scored pairs.
        more_than_longest: Difference of AUC to the control `longest` on the same pairs and draws.
        more_than_m_0: The same to the judge itself under M_0.
        kinds: AUC of the good pairs against those of each kind.
    """

    judge: str
    by: str
    pairs: int
    scored: int
    area: Estimate | None
    precision: Estimate | None
    more_than_longest: Estimate | None
    more_than_m_0: Estimate | None
    kinds: Mapping[str, Estimate | None]


def measure(truth: Sequence[Row], columns: Sequence[Column], share: float) -> list[Measured]:
    """Measure all judges on the same draws of pages.

    Args:
        truth: What each pair is.
        columns: The scores of each judge.
        share: Which share of the pairs a recipe selects.
    """
    weights = draw_pages([row["page_id"] for row in truth])
    bench = _Bench(truth, weights, share)
    longest = next((column for column in columns if column.judge == CONTROL), None)
    return [bench.measure(column, longest, bench.under_m_0(column, columns)) for column in columns]


def family(judge: str) -> str:
    """The name of a judge without what was chosen for it on these pairs."""
    return judge.partition(" (")[0]


@dataclass(frozen=True)
class _Bench:
    truth: Sequence[Row]
    weights: Any
    share: float

    def measure(self, column: Column, longest: Column | None, before: Column | None) -> Measured:
        places = [at for at, row in enumerate(self.truth) if row["id"] in column.scores]
        known = [at for at in places if column.scores[self.truth[at]["id"]] is not None]
        area = self._areas(column, places)
        compared = {
            "longest": self._areas(longest, places) if longest and longest is not column else None,
            "m_0": self._areas(before, places) if before else None,
        }
        differences = {name: estimate(area - other) if other is not None else None for name, other in compared.items()}
        nothing = not known
        return Measured(
            judge=column.judge,
            by=column.by,
            pairs=len(places),
            scored=len(known),
            area=None if nothing else estimate(area),
            precision=None if nothing else estimate(self._precisions(column, known)),
            more_than_longest=None if nothing else differences["longest"],
            more_than_m_0=None if nothing else differences["m_0"],
            kinds={kind: None if nothing else self._kind(column, places, kind) for kind in KINDS},
        )

    def under_m_0(self, column: Column, columns: Sequence[Column]) -> Column | None:
        if column.by in ("", M_0):
            return None
        same = (other for other in columns if other.by == M_0 and family(other.judge) == family(column.judge))
        return next(same, None)

    def _kind(self, column: Column, places: Sequence[int], kind: str) -> Estimate | None:
        own = [at for at in places if self.truth[at]["kind"] in ("good", kind)]
        return estimate(self._areas(column, own)) if own else None

    def _areas(self, column: Column, places: Sequence[int]) -> Any:
        return areas(self._scores(column, places), self._good(places), self.weights[:, list(places)])

    def _precisions(self, column: Column, places: Sequence[int]) -> Any:
        good, weights = self._good(places), self.weights[:, list(places)]
        return precisions(self._scores(column, places), good, weights, self.share)

    def _good(self, places: Sequence[int]) -> list[bool]:
        return [bool(self.truth[at]["good"]) for at in places]

    def _scores(self, column: Column, places: Sequence[int]) -> list[float]:
        values = (column.scores.get(self.truth[at]["id"]) for at in places)
        return [float("-inf") if value is None else value for value in values]
