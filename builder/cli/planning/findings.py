"""What a probe has found of a stage, as the rate that the whole stage is reckoned with."""

from typing import Any

from builder.cli.planning.ranges import Range
from builder.cli.planning.rates import Rate
from builder.recipe.sections.runtime import Runtime
from builder.workspace.environment import visible_gpus

Kept = tuple[float, float, float]
"""Rows that go on, for a unit: likely, low and high."""
_MOST_LOST = 0.8
"""No more of a corpus is taken to be duplicates."""


def plain_rate(found: dict[str, Any], kept: Kept, *notes: str) -> Rate:
    """The rate of a stage without a model."""
    return Rate(
        start=found["start"],
        each=found["each"],
        unit=found["unit"],
        bytes_fixed=found.get("bytes_fixed", 0.0),
        bytes_each=found.get("bytes_each", 0.0),
        units=found.get("units"),
        kept=kept,
        notes=notes,
    )


def training_rate(found: dict[str, Any]) -> Rate:
    """The rate of a training."""
    return Rate(
        start=found["start"],
        each=found["each"],
        unit="steps",
        tokens=found["tokens"],
        bytes_fixed=found["bytes_fixed"],
        devices=found["processes"] if visible_gpus() else 0,
        step_rows=found["step_rows"],
    )


def rows_rate(found: dict[str, Any], runtime: Runtime, kept: Kept, *notes: str) -> Rate:
    """The rate of a stage that asks a model about every row."""
    gpus = visible_gpus()
    engines = runtime.engines
    # Engines on GPUs have their own; on a CPU they share its cores.
    beside = engines if gpus else 1
    return Rate(
        start=found["start"],
        each=found["each"] / beside,
        low=found["low"],
        high=found["high"],
        unit="rows",
        tokens=found["tokens"],
        bytes_each=found["bytes_each"],
        devices=engines * runtime.tensor_parallel if gpus else 0,
        kept=kept,
        notes=notes,
    )


def about(kept: float | None, share: float) -> Kept:
    """What goes on of a whole, where a sample says it but for a share of that."""
    likely = 1.0 if kept is None else kept
    return likely, likely * (1 - share), likely * (1 + share)


def distinct(found: dict[str, Any], rows: Range | None) -> Kept:
    """What is no duplicate, between what a sample says and what a corpus of so many rows may have.

    Of pairs of equal texts that lie anywhere in a corpus, a sample of a tenth has a tenth as large a share.
    """
    lost = max(1 - (found["kept"] or 0.0), 0.0)
    most = min(lost * max(rows.mid / max(found["tried"], 1), 1.0), _MOST_LOST) if rows else lost
    lost, most = sorted((lost, most))
    return 1 - (lost + most) / 2, 1 - most, 1 - lost


def within_limits(found: dict[str, Any]) -> float:
    """The share of pairs that no limit of a selection keeps out, whatever their score is."""
    limits = sum(count for reason, count in found["dropped"].items() if reason != "not_selected")
    pairs = sum(found["dropped"].values()) + (found["kept"] or 0.0) * found["tried"]
    return 1 - limits / pairs if pairs else 1.0
