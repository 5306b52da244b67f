"""The table says the figures as they are."""

import pytest
from planted.figures import Estimate
from planted.kinds import KINDS
from planted.measures import Measured
from planted.plant import Planting
from planted.table import cell, report

TRUTH = [
    {"id": "1", "page_id": "p", "half": "a", "kind": "good", "origin": "heading", "good": True},
    {"id": "2", "page_id": "p", "half": "a", "kind": "cut off", "origin": "heading", "good": False},
]


def table() -> str:
    figure = Estimate(0.714, 0.6, 1.0)
    kinds = dict.fromkeys(KINDS) | {"cut off": figure}
    measured = [
        Measured("likelihood, w 1", "M_1", 420, 400, figure, figure, Estimate(-0.1, -0.204, 0.051), None, kinds)
    ]
    return report("tried", Planting(code=""), TRUTH, measured, 0.1)


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Estimate(0.714, 0.6, 1.0), ".71 [.60, 1.00]"),
        (Estimate(-0.001, -0.5, 0.002), ".00 [-.50, .00]"),
        (Estimate(0.0, -1.0, 0.999), ".00 [-1.00, 1.00]"),
        (None, "-"),
    ],
)
def test_a_figure_has_two_digits_and_its_interval(figure: Estimate | None, shown: str) -> None:
    assert cell(figure) == shown


def test_the_table_has_a_row_for_each_judge_and_a_column_for_each_kind() -> None:
    lines = table().splitlines()
    assert "2 pairs of 1 texts on 1 pages" in lines[0]
    assert "| likelihood, w 1 | M_1 | 420 | 400 | .71 [.60, 1.00] | .71 [.60, 1.00] | -.10 [-.20, .05] | - |" in lines
    (kinds,) = [line for line in lines if line.startswith("| judge | scored by | same page")]
    assert "cut off (1)" in kinds
    assert f"| likelihood, w 1 | M_1 | - | - | .71 [.60, 1.00] |{' - |' * 5}" in lines
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables} == {9, 3 + len(KINDS)}
