"""Rows that stand in for those of stages that have not run: made of what there is, in folders of the same form."""

from pathlib import Path

from builder.cli.planning.probe import copy_rows, first_rows
from builder.data.records import Row, candidate_schema, curated_schema, pair_id, score_schema, stable_id
from builder.data.storage import count_rows, write_rows

ROWS = 2_000
"""The most rows of a sample."""


def candidates_of(segments: Path, folder: Path) -> Path:
    """Pairs of segments, each with its heading as the instruction."""
    rows = [_pair(row) for row in first_rows(segments / "data", ROWS)]
    write_rows(folder / "data" / "rows.parquet", rows, candidate_schema())
    return folder


def first_candidates(candidates: Path, folder: Path) -> Path:
    """Some of the pairs that M_yx has written."""
    copy_rows(candidates / "data", folder / "data" / "rows.parquet", ROWS)
    return folder


def _pair(row: Row) -> Row:
    pair = {"id": pair_id(row["id"], 0), "segment_id": row["id"], "instruction": row["header"], "output": row["text"]}
    return {**pair, **{key: row[key] for key in ("page_id", "url", "header")}, "logprob": None, "tokens": None}


def scores_of(candidates: Path, judge: str, folder: Path) -> Path:
    """Scores from 1 to 5 by the hash of the id, as a selection reads them."""
    names = score_schema(judge).names
    rows = [
        dict.fromkeys(names) | {"id": row["id"], "score": 1 + 4 * _number(row["id"])}
        for row in first_rows(candidates / "data", ROWS)
    ]
    write_rows(folder / "data" / "rows.parquet", rows, score_schema(judge))
    return folder


def _number(row_id: str) -> float:
    return int(stable_id("calibration", row_id)[:8], 16) / 2**32


def curated_of(candidates: Path, wanted: int, folder: Path) -> Path:
    """So many pairs, as a selection leaves them."""
    rows = [row | {"score": 1.0, "split": "train"} for row in first_rows(candidates / "data", min(wanted, ROWS))]
    write_rows(folder / "data" / "rows.parquet", rows, curated_schema())
    return folder


def in_proportion(seed: Path, curated: Path, wanted: float, folder: Path) -> Path:
    """So much of the seed as goes with a sample of the selected pairs.

    Args:
        seed: Stage folder of the pairs.
        curated: Stage folder of the sample.
        wanted: How many selected pairs are expected in all.
        folder: Where to.
    """
    share = min(count_rows(curated / "data") / max(wanted, 1.0), 1.0)
    rows = max(round(count_rows(seed / "data") * share), 1)
    copy_rows(seed / "data", folder / "data" / "rows.parquet", min(rows, ROWS))
    return folder
