"""The rows of a training: conversations with their tags, those left out counted, those held out set aside."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.data.accounting import Counts, Rejects
from builder.data.records import Row, rejected_schema, stable_id, training_schema
from builder.data.storage import write_rows
from builder.errors import StageError
from builder.llm.conversations import Tag, backward_pair, forward_pair
from builder.llm.renderer import Renderer

ROWS, HELD_OUT = "rows", "held_out"
"""Folders of a training stage: the rows trained on, and those that its loss is measured on; a file for each source."""
TOO_LONG = "longer_than_max_length"
FEW, FEW_OF = 3, 10
"""So many rows may be too long where the share would allow none, if they are no more than one in so many."""


@dataclass
class Source:
    """Rows of one kind.

    Attributes:
        rows: What may be trained on.
        held_out_share: The share of them that is held out, by the hash of their ids.
        held_out: Rows that are held out anyway and count as none of `rows`.
    """

    rows: Iterable[Row]
    held_out_share: float = 0.0
    held_out: Iterable[Row] = field(default_factory=list)


def forward_rows(renderer: Renderer, tag: Tag, pairs: Iterable[Row]) -> Iterator[Row]:
    """Instruction -> output, tagged S_a or S_w (paper 2.3)."""
    return (forward_pair(renderer.contract, tag, pair) for pair in pairs)


def backward_rows(renderer: Renderer, template: str | Path, pairs: Iterable[Row]) -> Iterator[Row]:
    """Output -> instruction (paper 2.2)."""
    return (backward_pair(renderer.contract, template, pair) for pair in pairs)


def is_held_out(row_id: str, share: float) -> bool:
    """Whether a seed pair is held out from every model; the same pairs in all trainings of a build."""
    return int(stable_id("held out", row_id)[:8], 16) / 2**32 >= 1 - share


def write_training_rows(
    out: Path, sources: dict[str, Source], renderer: Renderer, max_length: int | None, max_too_long: float
) -> tuple[Counts, dict[str, Any]]:
    """Write the rows of each source; a row longer than `max_length` tokens, or with a forged turn, is dropped whole.

    Departure: the paper says nothing of long rows; a cut answer would teach cut answers.

    Returns:
        Counts of rows, and of each source how many are trained on and held out.

    Raises:
        StageError: If a source has no row to train on, or more than `max_too_long` of all rows are too long.
    """
    counts, details, rejects = Counts(), {}, Rejects()
    for name, source in sources.items():
        fitting, held_out, before = [], [], counts.dropped.copy()
        for row in source.rows:
            counts.rows_in += 1
            reason = why_drop(row, renderer, max_length)
            if reason is None and is_held_out(row["id"], source.held_out_share):
                held_out.append(row)
                reason = "held_out"
            if reason is None:
                fitting.append(row)
            else:
                counts.dropped[reason] += 1
                rejects.add(row["id"], reason)
        held_out += [row for row in source.held_out if why_drop(row, renderer, max_length) is None]
        details[f"{name}_rows"] = write_rows(out / ROWS / f"{name}.parquet", fitting, training_schema())
        details[f"{name}_held_out"] = write_rows(out / HELD_OUT / f"{name}.parquet", held_out, training_schema())
        counts.kept += len(fitting)
        if not fitting:
            raise StageError(_nothing_left(name, counts.dropped - before, len(held_out), max_length))
    write_rows(out / "rejected" / "rows.parquet", rejects.rows, rejected_schema())
    too_long = counts.dropped[TOO_LONG]
    if are_too_many(too_long, counts.rows_in, max_too_long):
        raise StageError(
            f"{too_long:,} of {counts.rows_in:,} training rows ({too_long / counts.rows_in:.1%}) are longer than "
            f"max_length: {max_length} tokens and would be left out; raise max_length in the TRL recipe, or allow it "
            f"with runtime.max_too_long (now {max_too_long:g})"
        )
    return counts, details


def are_too_many(long: int, rows: int, share: float) -> bool:
    """Whether more rows are too long than a training may leave out: a share of them, and of a small set a few.

    Args:
        long: How many are too long.
        rows: How many there are.
        share: `runtime.max_too_long`; with 0 none may.
    """
    return long > (max(share * rows, min(FEW, rows // FEW_OF)) if share else 0)


def why_drop(row: Row, renderer: Renderer, max_length: int | None) -> str | None:
    """Why a row is not trained on, or None; a forged turn may break the template, so it is looked for first."""
    if renderer.forged([*row["prompt"], *row["completion"]]):
        return "control_tokens"
    ids, start = renderer.answered(row["prompt"], row["completion"][0]["content"])
    if max_length is not None and len(ids) > max_length:
        return TOO_LONG
    return "fully_masked" if len(ids) <= start else None


def _nothing_left(name: str, dropped: Any, held_out: int, max_length: int | None) -> str:
    if not dropped and held_out:
        return f"all {held_out:,} {name} rows are held out; lower curate.test_share, or select more"
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in dropped.most_common()) or "none came in"
    return (
        f"no {name} row fits max_length: {max_length} and is free of control tokens of the base ({reasons}); "
        "raise max_length in the TRL recipe, or choose other rows"
    )
