"""Which scored rows are shown, however many there are."""

import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from builder.cli.rows.scored import Choice, chosen
from builder.cli.show import rejected_examples


def rows(number: int, size: int = 0) -> Iterator[dict[str, Any]]:
    draw = random.Random(1)
    for at in range(number):
        score = None if at % 7 == 0 else float("nan") if at % 11 == 0 else round(draw.gauss(0, 1), 2)
        yield {"id": f"{at:06}", "score": score, "reason": "not_selected", "text": f"{at:06}" + "x" * size}


def known(number: int) -> list[dict[str, Any]]:
    return [row for row in rows(number) if row["score"] is not None and row["score"] == row["score"]]


@pytest.mark.parametrize(("sort", "sign"), [("score:desc", -1), ("score:asc", 1)])
def test_the_first_rows_by_score_are_those_of_all_rows_sorted(sort: Any, sign: int) -> None:
    expected = sorted(known(3_000), key=lambda row: (sign * row["score"], row["id"]))[:5]
    assert chosen(rows(3_000), Choice(rows=5, sort=sort)) == expected
    (group,) = rejected_examples(rows(3_000), Choice(rows=5, sort=sort, rejected=True)).values()
    assert group == {"rows": 3_000, "examples": [{k: v for k, v in row.items() if k != "reason"} for row in expected]}


@pytest.mark.parametrize("line", [0.0, 2.9, -2.9, 9.0, -9.0])
def test_the_nearest_rows_are_those_of_all_rows_on_both_sides(line: float) -> None:
    near = sorted(known(3_000), key=lambda row: (abs(row["score"] - line), row["id"]))
    over, below = ([row for row in near if (row["score"] >= line) is side] for side in (True, False))
    above = min(len(over), max(4, 7 - len(below)))
    found = chosen(rows(3_000), Choice(rows=7, around=line))
    assert found == sorted([*over[:above], *below[: 7 - above]], key=lambda row: (-row["score"], row["id"]))
    assert len(found) == 7


@pytest.mark.parametrize("choice", [Choice(sort="score:desc"), Choice(around=0.0)])
def test_of_many_rows_few_are_in_memory(choice: Choice) -> None:
    tracemalloc.start()
    try:
        assert len(chosen(rows(20_000, size=2_000), choice)) == 3
        assert tracemalloc.get_traced_memory()[1] < 5_000_000  # all of them have 40 MB
    finally:
        tracemalloc.stop()
