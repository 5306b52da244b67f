import json
import math

from builder.results.evaluate.statistics.figure import figure, percent, with_interval


def test_a_number_that_is_none_is_null_with_a_reason() -> None:
    found = figure(math.nan, 0, "mean")
    assert found == {"value": None, "n": 0, "formula": "mean", "reason": "not defined for these rows"}
    json.dumps(found, allow_nan=False)


def test_an_interval_comes_with_its_level_and_seed() -> None:
    found = figure(0.5, 10, "mean", interval=(0.25, 0.75), seed=3)
    assert (found["interval"], found["level"], found["seed"]) == ([0.25, 0.75], 0.95, 3)
    assert with_interval(found) == "50.0 [25.0, 75.0]"


def test_no_figure_is_a_dash() -> None:
    assert percent(None) == "-"
    assert with_interval(figure(None, 0, "mean", reason="none")) == "-"
