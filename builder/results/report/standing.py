"""Where one pair stands among all: its score and its place by each judge, from columns and without sorting them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.data.storage import open_parquet, parquet_files
from builder.method.curate.iterations import COMBINED, IterationStages, selection_scores
from builder.method.curate.selection import Scores, finite_scores, read_columns
from builder.recipe.sections.curate import Curate


@dataclass(frozen=True)
class Standing:
    """What a judge made of a pair.

    Attributes:
        judge: Its name.
        score: None where it gave none, or no finite number.
        rank: 1 is the best, ties by id as in the selection; None where there is no score.
        scored: How many pairs have a score.
    """

    judge: str
    score: float | None
    rank: int | None
    scored: int


def standings(config: Curate, stages: IterationStages, pair: str) -> list[Standing]:
    """What each judge of an iteration made of a pair: those of the selection first, then what else it has scored."""
    folders = dict(zip(config.scored, (item.data for item in stages.judged), strict=True))
    others = [name for name in config.judges if name not in folders]
    counted = read_columns(config.model_copy(update={"judge": others}), stages.candidates.path, []) if others else {}
    found = [
        of_column(name, folders[name], pair) if name in folders else _of_scores(name, counted[name], pair)
        for name in config.judges
    ]
    for name, artifact in stages.own.items():
        if name not in config.judges and artifact.status == "done":
            found.append(of_column(name, artifact.data, pair))
    if len(config.judges) > 1:
        found.append(_of_scores(COMBINED, selection_scores(config, stages), pair))
    return found


def _of_scores(judge: str, scores: Scores, pair: str) -> Standing:
    finite = finite_scores(scores)
    given = [(key, value) for key, value in finite.items() if value is not None]
    own = finite.get(pair)
    before = sum(value > own or (value == own and key < pair) for key, value in given) if own is not None else 0
    return Standing(judge, own, None if own is None else before + 1, len(given))


def of_column(judge: str, folder: Path, pair: str) -> Standing:
    """What a judge made of a pair, from the folder of its scores."""
    import pyarrow.compute as pc

    tables = [_finite(path) for path in parquet_files(folder)]
    own = _first(tables, pair)
    scored = sum(table.num_rows for table in tables)
    if own is None:
        return Standing(judge, None, None, scored)
    before = 0
    for table in tables:
        ahead = pc.greater(table["score"], own)
        tied = pc.and_(pc.equal(table["score"], own), pc.less(table["id"], pair))
        before += pc.sum(pc.or_(ahead, tied)).as_py() or 0
    return Standing(judge, own, before + 1, scored)


def _finite(path: Path) -> Any:
    """The ids and scores of a file without those that have no place in an order."""
    import pyarrow.compute as pc

    with open_parquet(path) as file:
        table = file.read(columns=["id", "score"])
    return table.filter(pc.fill_null(pc.is_finite(table["score"]), False))


def _first(tables: Sequence[Any], pair: str) -> float | None:
    import pyarrow.compute as pc

    for table in tables:
        values = table["score"].filter(pc.equal(table["id"], pair))
        if len(values):
            return float(values[0].as_py())
    return None
