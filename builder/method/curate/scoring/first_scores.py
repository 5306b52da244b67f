"""Whether the first scores of a stage tell its pairs apart: a judge that cannot rate is noticed before the last row.

Integer verdicts of small models gather on one or two values, and models that ignore the format put hardly any
probability on the digits; a selection from such scores is close to a random one.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from builder.data.records import Row
from builder.data.storage import parquet_files, read_rows
from builder.llm.batch.chunks import ENGINE_FAILURE
from builder.recipe.sections.judges import Judge, Likelihood, Rated, Reverse

FIRST = 200
"""So many pairs are looked at, in the order of the candidates."""
LEAST = 50
"""Fewer pairs than this say nothing of their judge."""
MOST = 0.9
"""The share of equal scores from which on they count as one value."""
SPREAD = {"rating": 0.1, "likelihood": 0.01}
"""The standard deviation below which scores count as one value.

Of ratings a tenth of a level: no threshold could be placed between them, and bfloat16 alone moves the mean of the
digits by hundredths. Of likelihoods, per token, what bfloat16 moves them by (.002 on average, .006 at most, measured on
a model of 0.75 M parameters).
"""
MASS = 0.5
"""The probability of 1 to 5 together, on average, below which the model would rather have written something else."""
LOST = 0.5
"""The share of pairs without a score from which on the judge has not answered."""


def first_score_rows(out: Path, judge: Judge) -> list[Row]:
    """The first score rows of a stage, at most `FIRST`, as far as they are written without a gap.

    Rows come in the order of the candidates, so those rows are the same whatever the size of a chunk, the number of
    engines, and however often the stage was begun. Left out is what the judge was not asked or the engine could not do.

    Args:
        out: The stage folder.
        judge: The judge's section of the recipe.
    """
    columns = ["score", "reason", *(["mass"] if judge.judge in ("expected", "reasoned") else [])]
    return list(islice((row for row in _unbroken(out / "data", columns) if _answered(row)), FIRST))


def _unbroken(data: Path, columns: list[str]) -> Iterator[Row]:
    for number, path in enumerate(parquet_files(data)):
        chunk = path.stem.removeprefix("part-")
        if chunk.isdigit() and int(chunk) != number:  # another engine is still at work on a chunk before this one
            return
        yield from read_rows(path, columns)


def _answered(row: Row) -> bool:
    reason = str(row["reason"] or "")
    return reason != "longer_than_context" and not reason.startswith(ENGINE_FAILURE)


def degenerate_scores(judge: Judge, rows: list[Row]) -> str | None:
    """What is wrong with the first scores and what to try; None if they tell pairs apart, or are too few to say.

    Args:
        judge: The judge's section of the recipe.
        rows: What `first_score_rows` gives.
    """
    if len(rows) < LEAST:
        return None
    problems = list(_score_problems(judge, rows))
    if not problems:
        return None
    said = "; ".join(problems)
    return f"the scores of the first {len(rows):,} pairs are of little use: {said}. Try {', '.join(_advice(judge))}"


def _score_problems(judge: Judge, rows: list[Row]) -> Iterator[str]:
    lost = Counter(row["reason"] for row in rows if row["score"] is None)
    if lost.total() > LOST * len(rows):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in lost.most_common())
        yield f"{lost.total():,} of them have no score ({reasons})"
    scores = [row["score"] for row in rows if row["score"] is not None]
    if len(scores) >= LEAST:
        value, times = Counter(scores).most_common(1)[0]
        spread = statistics.pstdev(scores)
        bound = SPREAD["likelihood" if isinstance(judge, Likelihood | Reverse) else "rating"]
        if times > MOST * len(scores):
            yield f"{times:,} of {len(scores):,} scores are {value:.4g}"
        elif spread < bound:
            mean = statistics.fmean(scores)
            yield f"the scores are nearly one value (mean {mean:.4g}, standard deviation {spread:.2g})"
    masses = [row["mass"] for row in rows if row.get("mass") is not None]
    if len(masses) >= LEAST and (mass := math.fsum(masses) / len(masses)) < MASS:
        yield f"the digits 1 to 5 together are only {mass:.2f} likely where the score stands"


def _advice(judge: Judge) -> Iterator[str]:
    if judge.judge != "reasoned":
        yield "judge reasoned (it reasons before it rates)"
    if judge.judge != "likelihood":
        yield "judge likelihood (it needs no rating skill)"
    if isinstance(judge, Rated):
        yield "rubric humpback" if judge.rubric == "additive" else "rubric additive"
    yield "or a larger base model"
