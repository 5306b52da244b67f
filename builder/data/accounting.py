"""What became of the rows of a stage: every one is kept, dropped or failed, with a reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from builder.errors import StageError

REJECTED_TEXTS_PER_REASON = 1_000
"""Rejected rows keep id and reason without end, their text only up to this many per reason."""


@dataclass
class Counts:
    """What happened to the rows of one kind: `rows_in = kept + dropped + failed`, always.

    Attributes:
        rows_in: How many rows came in.
        kept: How many went on.
        dropped: How many were left out on purpose, by reason.
        failed: How many could not be processed, by reason.
    """

    rows_in: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def check(self, where: str) -> None:
        """Raise a StageError if a row is unaccounted for."""
        total = self.kept + self.dropped.total() + self.failed.total()
        if self.rows_in != total:
            raise StageError(
                f"{where}: {self.rows_in:,} rows came in but {total:,} are accounted for "
                f"({self.kept:,} kept, {self.dropped.total():,} dropped, {self.failed.total():,} failed); "
                "this is a defect of the stage, please report it"
            )

    def add(self, other: "Counts") -> None:
        """Add the counts of another part of the same rows."""
        self.rows_in += other.rows_in
        self.kept += other.kept
        self.dropped.update(other.dropped)
        self.failed.update(other.failed)

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain JSON values, reasons sorted."""
        return {
            "in": self.rows_in,
            "kept": self.kept,
            "dropped": dict(sorted(self.dropped.items())),
            "failed": dict(sorted(self.failed.items())),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Counts":
        """The inverse of `as_dict`."""
        return cls(value["in"], value["kept"], Counter(value["dropped"]), Counter(value["failed"]))


@dataclass
class Stats:
    """What a stage returns: counts by kind of row (`pages`, `segments`, `pairs`, ...) and other figures.

    Attributes:
        counts: Counts by kind of row; the last kind is what the stage hands on.
        details: Further figures, JSON values only.
        warnings: What the user should know before going on; one sentence each.
    """

    counts: dict[str, Counts]
    details: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def check(self, where: str) -> None:
        """Raise a StageError if any row is unaccounted for."""
        for kind, counts in self.counts.items():
            counts.check(f"{where} ({kind})")


class Rejects:
    """Collects rejected rows; beyond `limit` texts per reason only id and reason are kept."""

    def __init__(self, limit: int = REJECTED_TEXTS_PER_REASON) -> None:
        self.limit = limit
        self.rows: list[dict[str, Any]] = []
        self.reasons: Counter[str] = Counter()

    def add(self, row_id: str, reason: str, *, page_id: str = "", header: str = "", text: str = "") -> None:
        """Record one rejected row."""
        self.reasons[reason] += 1
        kept_text = text if self.reasons[reason] <= self.limit else None
        self.rows.append({"id": row_id, "reason": reason, "page_id": page_id, "header": header, "text": kept_text})
