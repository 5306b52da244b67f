"""What a judge said in both orders, put together: a score a prompt; and the same as AlpacaEval has it."""

import math
from pathlib import Path
from typing import Any

from builder.data.records import Row
from builder.data.storage import read_rows
from builder.results.evaluate.comparison.annotations import Judgement, Judgements


def judgements_of(folder: Path, digest: str) -> tuple[Judgements, dict[str, list[float | None]]]:
    """What was judged of a model: a score a prompt, the mean of both orders; and the scores by prompt and order.

    A prompt of which one order cannot be read has the score of the other.

    Args:
        folder: Stage folder of the judgements.
        digest: What tells them from others; stands in the report.
    """
    orders: dict[str, list[float | None]] = {}
    rows: dict[str, Row] = {}
    for row in read_rows(folder / "data"):
        orders.setdefault(row["prompt_id"], [None, None])[row["order"] - 1] = row["p"]
        rows[row["prompt_id"]] = row
    found = []
    for key, row in rows.items():
        known = [value for value in orders[key] if value is not None]
        score = math.fsum(known) / len(known) if known else None
        lengths = row["length_reference"], row["length_model"]
        identical = row["asked"] is False and row["p"] is not None
        found.append(Judgement(key, score, lengths, identical, row["length_model"] == 0, row["source"]))
    return Judgements(found, digest), orders


def alpaca_annotations(
    folder: Path, answers: Path, reference: Path, names: tuple[str, str, str]
) -> list[dict[str, Any]]:
    """The judgements as AlpacaEval's annotations.json, `preference` = 1 + the mean of both orders.

    Args:
        folder: Stage folder of the judgements.
        answers: Stage folder of the model's answers.
        reference: Stage folder of the reference's.
        names: Of model, reference and judge.
    """
    judged, _ = judgements_of(folder, "")
    theirs = {row["id"]: row["output"] for row in read_rows(reference / "data", ["id", "output"])}
    ours = {row["id"]: row for row in read_rows(answers / "data")}
    model, other, judge = names
    return [
        {
            "instruction": ours[row.prompt]["instruction"],
            "dataset": row.source,
            "output_1": theirs[row.prompt],
            "generator_1": other,
            "output_2": ours[row.prompt]["output"],
            "generator_2": model,
            "annotator": judge,
            "preference": None if row.score is None else 1 + row.score,
        }
        for row in judged.rows
    ]
