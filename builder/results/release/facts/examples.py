"""Pairs for the first look of a reader: of the highest scores, at the line of the selection, and left out.

None is called good or bad: by its score is all that is known of it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.storage import open_parquet
from builder.recipe.sections.curate import CONTROLS, Curate
from builder.results.release.content.parquet import Config
from builder.workspace import stage_names

if TYPE_CHECKING:
    import pyarrow as pa

    Places = list[tuple[str, list[dict[str, Any]]]]

NEAR = 20
"""So many pairs at each place are looked at for one that is short."""
PLAIN = "A pair that was not selected"
SHORT = 700
"""Characters of an answer up to which it is shown whole."""


@dataclass(frozen=True)
class Example:
    """A pair.

    Attributes:
        kind: What it is an example of.
        score: By which it was selected or left out; None where it has none.
        instruction: What a model wrote.
        output: The text of the page; None in a release of places.
    """

    kind: str
    score: float | None
    instruction: str
    output: str | None


def example_pairs(curate: Curate, iterations: int, configs: list[Config]) -> list[Example]:
    """The examples, from the rows as they were written; fewer where there are fewer such rows.

    Args:
        curate: By which rule pairs were selected.
        iterations: How many iterations the build has.
        configs: The configs of the release.
    """
    files = {config.name: config.splits[0].files for config in configs}
    column, chosen = judged_by(curate, iterations, configs), f"selected_{iterations}"
    selected = _ranked(_table(files["curated"], ["id", "score"]), "score")
    others = _table(files["augmented"], ["id", chosen, *([column] if column else [])])
    withheld = any(config.name == "curated" and len(config.splits) > 1 for config in configs)
    whole = "the selected pairs to train on" if withheld else "the selected pairs"
    places = _places(curate, whole, selected, _ranked(_unselected(others, chosen), column))
    texts = _texts(files["augmented"], {str(row["id"]) for _, rows in places for row in rows})
    found = [(kind, _shortest(rows, texts)) for kind, rows in places]
    return [
        Example(kind, row["score"], texts[row["id"]]["instruction"], texts[row["id"]].get("output"))
        for kind, row in found
        if row is not None
    ]


def judged_by(curate: Curate, iterations: int, configs: list[Config]) -> str | None:
    """The column of `augmented` by which the last selection was made; None where it was by more than one, or none."""
    if len(curate.judges) > 1 or curate.judges[0] in CONTROLS:
        return None
    columns = next(config.schema.names for config in configs if config.name == "augmented")
    names = (str(stage_names.score(t, curate.judges[0])).replace("-", "_") for t in (iterations, None))
    return next((name for name in names if name in columns), None)


def _places(curate: Curate, whole: str, selected: "pa.Table", rejected: "pa.Table") -> "Places":
    if curate.judges[0] in CONTROLS:
        return [("A selected pair", _first(selected, NEAR)), (PLAIN, _first(rejected, NEAR))]
    half = selected.num_rows // 2  # where few were selected, no pair is an example of both
    highest, lowest = _first(selected, min(NEAR, selected.num_rows - half)), _last(selected, min(NEAR, half))
    others = _last(rejected, NEAR)
    by_score = bool(others) and others[0]["score"] is not None
    line = f"; the line is at {curate.threshold:g}" if curate.threshold is not None else ""
    return [
        (f"Of {whole}, {_one_of(highest, 'highest')}", highest),
        (f"Of {whole}, {_one_of(lowest, 'lowest')}{line}", lowest),
        (f"Of those that were not selected, {_one_of(others, 'lowest')}" if by_score else PLAIN, others),
    ]


def _one_of(rows: list[dict[str, Any]], end: str) -> str:
    return f"the one with the {end} score" if len(rows) == 1 else f"one of the {len(rows)} with the {end} scores"


def _first(rows: "pa.Table", number: int) -> list[dict[str, Any]]:
    return list(rows.slice(0, number).to_pylist())


def _last(rows: "pa.Table", number: int) -> list[dict[str, Any]]:
    return list(reversed(rows.slice(rows.num_rows - min(number, rows.num_rows)).to_pylist()))


def _unselected(rows: "pa.Table", selected: str) -> "pa.Table":
    import pyarrow.compute as pc

    return rows.filter(pc.invert(rows.column(selected)))


def _ranked(rows: "pa.Table", column: str | None) -> "pa.Table":
    """Id and score, the highest first and those of one score by id; by id alone where nothing was scored."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column is None:
        scores: Any = pa.nulls(rows.num_rows, pa.float64())
        return pa.table({"id": rows.column("id"), "score": scores}).sort_by("id")
    scored = rows.filter(pc.is_valid(rows.column(column)))
    scored = pa.table({"id": scored.column("id"), "score": scored.column(column)})
    return scored.sort_by([("score", "descending"), ("id", "ascending")])


def _shortest(rows: list[dict[str, Any]], texts: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The first row with a short answer, else the one with the shortest."""
    lengths = {row["id"]: len(texts[row["id"]].get("output") or "") for row in rows}
    short = (row for row in rows if lengths[row["id"]] <= SHORT)
    return next(short, min(rows, key=lambda row: lengths[row["id"]], default=None))


def _texts(files: list[Path], ids: set[str]) -> dict[str, dict[str, Any]]:
    """The rows of `augmented` with these ids, by id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted, found = pa.array(sorted(ids), pa.string()), dict[str, dict[str, Any]]()
    for path in files:
        with open_parquet(path) as file:
            columns = [name for name in ("id", "instruction", "output") if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=columns):
                rows = batch.filter(pc.is_in(batch.column("id"), value_set=wanted))
                found |= {row["id"]: row for row in rows.to_pylist()}
    return found


def _table(files: list[Path], columns: list[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pa.concat_tables(pq.read_table(path, columns=columns) for path in files)
