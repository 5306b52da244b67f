"""Which scored pairs are shown, with their texts: the best, the worst, or those on both sides of a threshold."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from typing import Any, Literal

from builder.build import Build
from builder.data.records import segment_of
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.method.curate.iterations import selection_scores
from builder.workspace.stage_names import AUGMENT, CURATE, SCORE
from builder.workspace.workspace import Artifact, refuse_damaged

Row = dict[str, Any]
Rank = Callable[[Row], tuple[float, str]]
Order = Literal["score:desc", "score:asc"]
SELECTED = "selected"
SPARE = 100
"""So many times as many rows as are asked for are kept before those go that are not among the best."""
_TEXTS = ("header", "instruction", "output")


@dataclass(frozen=True)
class Choice:
    """Which rows of a stage are shown.

    Attributes:
        rows: How many; of each reason, for rejected ones.
        rejected: Rejected rows instead of kept ones.
        reason: Only those that were rejected for this.
        sort: By score, from the best or from the worst; in the order of the files if left out.
        around: The rows that are nearest to this score, on both sides of it.
    """

    rows: int = 3
    rejected: bool = False
    reason: str | None = None
    sort: Order | None = None
    around: float | None = None

    @property
    def by_score(self) -> bool:
        """Whether scores decide."""
        return self.sort is not None or self.around is not None

    @property
    def of_rejected(self) -> bool:
        """Whether rejected rows are asked for."""
        return self.rejected or self.reason is not None


def refuse_unscored(build: Build, artifact: Artifact) -> None:
    """Raise a RecipeError if the rows of a stage have no score."""
    if artifact.name.kind not in (SCORE, CURATE):
        scored = [item.stage for item in build.artifacts.values() if item.name.kind in (SCORE, CURATE)]
        raise RecipeError(f"{artifact.stage}: its rows have no score; those of {', '.join(scored)} have one")


def _order(choice: Choice) -> Rank:
    """By score, ties by id."""
    sign = 1 if choice.sort == "score:asc" else -1
    return lambda row: (sign * row["score"], row["id"])


def _distance(line: float) -> Rank:
    return lambda row: (abs(row["score"] - line), row["id"])


def chosen(rows: Iterable[Row], choice: Choice) -> list[Row]:
    """As many rows as are asked for: the first ones by score, or of the nearest to a threshold half on each side.

    Where one side has fewer, the other has more. However many rows pass by, no more than those are kept.
    """
    line, order = choice.around, _order(choice)
    given = (row for row in rows if row.get("score") is not None and math.isfinite(row["score"]))
    if line is None:
        return nsmallest(choice.rows, given, order)
    above, below = _nearest(given, line, choice.rows)
    wanted = choice.rows - choice.rows // 2
    over = min(len(above), max(wanted, choice.rows - len(below)))
    return sorted([*above[:over], *below[: choice.rows - over]], key=order)


def _nearest(rows: Iterable[Row], line: float, number: int) -> tuple[list[Row], list[Row]]:
    """So many rows on each side of a line at most, the nearest first."""
    sides, distance = (list[Row](), list[Row]()), _distance(line)
    for row in rows:
        side = sides[row["score"] < line]
        side.append(row)
        if len(side) > SPARE * (number + 1):
            side[:] = nsmallest(number, side, distance)
    return nsmallest(number, sides[0], distance), nsmallest(number, sides[1], distance)


def scored_rows(build: Build, artifact: Artifact, *, of_all: bool) -> Iterator[Row]:
    """The rows of a stage with their scores.

    Args:
        build: The build.
        artifact: A stage that scores or selects.
        of_all: Of a stage that selects, all candidates instead of those selected, each with its outcome.

    Raises:
        StageError: If the scores that it selected by are gone or damaged.
    """
    if artifact.name.kind == SCORE or not of_all:
        yield from read_rows(artifact.data)
        return
    reasons = {row["id"]: row["reason"] for row in read_rows(artifact.path / "rejected", ["id", "reason"])}
    for key, score in selection_scores_of(build, artifact).items():
        yield {"id": key, "score": score, "outcome": reasons.get(key, SELECTED)}


def selection_scores_of(build: Build, artifact: Artifact) -> dict[str, float | None]:
    """What a stage that selects has selected by, by id.

    Raises:
        StageError: If that is gone or damaged.
    """
    stages = build.iteration(artifact.name.iteration or 1)
    refuse_damaged([*stages.judged, *stages.own.values(), stages.candidates])
    return dict(selection_scores(build.recipe.curate, stages))


def with_texts(build: Build, artifact: Artifact, rows: Sequence[Row]) -> list[Row]:
    """The rows with header, instruction and answer, as far as the stages that have them are still whole."""
    if artifact.name == AUGMENT:
        return with_segments(rows, build.segments.data) if build.segments.status == "done" else list(rows)
    if artifact.name.kind not in (SCORE, CURATE) or build.candidates.status != "done":
        return list(rows)
    texts = _found(build.candidates.data, {row["id"] for row in rows}, ["id", *_TEXTS])
    return [_joined(row, texts.get(row["id"], {})) for row in rows]


def with_segments(rows: Sequence[Row], segments: Path) -> list[Row]:
    """Instructions that the gate has refused, with the segments that they were written for; other rows as they are."""
    wanted = {segment_of(row["id"]) for row in rows if "text" in row}
    texts = {key: {"output": row["text"]} for key, row in _found(segments, wanted, ["id", "text"]).items()}
    return [
        _joined({**row, "instruction": row["text"], "text": None}, texts.get(segment_of(row["id"]), {}))
        if "text" in row
        else row
        for row in rows
    ]


def _found(data: Path, ids: set[str], columns: list[str]) -> dict[str, Row]:
    return {row["id"]: row for row in read_rows(data, columns) if row["id"] in ids} if ids else {}


def _joined(row: Row, texts: Row) -> Row:
    """A row with texts where it has none; the instruction that a rejected row repeats in `text` stands once."""
    known = {name: texts.get(name) for name in _TEXTS if texts.get(name) is not None}
    same = known.get("instruction") is not None and row.get("text") == known["instruction"]
    own = {name: value for name, value in row.items() if not (same and name == "text")}
    return {**own, **{name: value for name, value in known.items() if not own.get(name)}}
