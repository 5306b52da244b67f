from typing import Any

import pytest
from calibration_check import is_within, ratio_line


def found(took: float) -> dict[str, Any]:
    return {"expected": {"low": 80.0, "mid": 100.0, "high": 140.0}, "took": took, "calibrating": 30.0, "loads": (1, 2)}


@pytest.mark.parametrize(("took", "within"), [(60, False), (67, True), (100, True), (150, True), (151, False)])
def test_a_time_is_told_well_within_a_factor(took: float, within: bool) -> None:
    assert is_within(found(took)) == within


def test_a_round_is_a_line() -> None:
    assert ratio_line(2, found(120)).startswith("round 2: said 100 s (80 to 140), took 120 s, ratio 1.20;")
