"""Win rates by hand and by simulation; the published ones are in test_annotations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coverage import covers

from builder.results.evaluate.statistics.win_rates import bootstrap, by_group, consistency, paired, score_of, win_rate


@pytest.mark.parametrize(
    ("preference", "score"),
    [
        (1, 0.0),
        (2, 1.0),
        (1.5, 0.5),
        (0, 0.5),
        (0.0, 0.5),
        (1.25, 0.25),
        (None, None),
        (3, None),
        (-1, None),
        (0.5, None),
    ],
)
def test_a_preference_is_a_score_from_nought_to_one(preference: float | None, score: float | None) -> None:
    assert score_of(preference) == score


@pytest.mark.parametrize("value", [True, "1", math.nan, math.inf, [1]])
def test_what_is_no_number_is_no_judgement(value: object) -> None:
    assert score_of(value) is None


def test_the_rate_of_some_prompts_by_hand() -> None:
    found = win_rate({"a": 1.0, "b": 1.0, "c": 0.5, "d": 0.0, "e": None})
    assert found["value"] == 0.625
    assert found["n"] == 4
    assert (found["wins"], found["draws"], found["losses"], found["unread"]) == (2, 1, 1, 1)
    assert found["standard_error"] == pytest.approx(np.std([1, 1, 0.5, 0], ddof=1) / 2)
    assert found["discrete"] == 0.625


def test_a_discrete_rate_rounds_each_probability() -> None:
    assert win_rate({"a": 0.9, "b": 0.6, "c": 0.5, "d": 0.2})["discrete"] == 2.5 / 4


def test_one_prompt_has_no_error_and_none_no_rate() -> None:
    one, none = win_rate({"a": 1.0}), win_rate({"a": None})
    assert one["value"] == 1.0
    assert one["standard_error"] is None
    assert "interval" not in one
    assert none["value"] is None
    assert none["reason"] == "no judgement could be read"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_the_interval_holds_values_that_were_there(values: list[float]) -> None:
    low, high = bootstrap(values, seed=1, draws=200)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.linspace(0, 1, 50)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_an_interval_covers_the_rate_as_often_as_it_says() -> None:
    def trial(generator: np.random.Generator) -> tuple[float, float]:
        return bootstrap(generator.beta(0.4, 0.6, 150), seed=int(generator.integers(2**31)), draws=400)

    assert 0.93 <= covers(trial, 0.4, trials=1_000) <= 0.97


def test_an_interval_of_a_difference_covers_it_as_often_as_it_says() -> None:
    def trial(generator: np.random.Generator) -> tuple[float, float]:
        shared = generator.random(150)
        one = {str(at): float(value) for at, value in enumerate(generator.random(150) < 0.2 + 0.6 * shared)}
        other = {str(at): float(value) for at, value in enumerate(generator.random(150) < 0.1 + 0.6 * shared)}
        low, high = paired(one, other, seed=int(generator.integers(2**31)), draws=400)["interval"]
        return low, high

    assert 0.93 <= covers(trial, 0.1, trials=800) <= 0.97


def test_a_difference_is_of_the_prompts_that_both_have() -> None:
    found = paired({"a": 1.0, "b": 0.0, "c": None, "d": 1.0}, {"a": 0.0, "b": 0.0, "c": 1.0, "e": 0.0})
    assert found["n"] == 2
    assert found["value"] == 0.5
    assert (found["better"], found["worse"], found["p"]) == (1, 0, 1.0)


def test_without_a_common_prompt_there_is_no_difference() -> None:
    found = paired({"a": 1.0}, {"b": 1.0})
    assert found["value"] is None
    assert found["reason"] == "no prompt was judged of both"


def test_groups_share_out_the_prompts() -> None:
    scores = {"a": 1.0, "b": 0.0, "c": 1.0, "d": None}
    parts = by_group(scores, {"a": "x", "b": "y", "c": "x", "d": "y"})
    assert {name: (part["value"], part["n"], part["unread"]) for name, part in parts.items()} == {
        "x": (1.0, 2, 0),
        "y": (0.0, 1, 1),
    }


def test_a_judge_that_prefers_a_place_contradicts_itself() -> None:
    found = consistency({"a": [1.0, 0.0], "b": [1.0, 1.0], "c": [0.9, 0.2], "d": [1.0, None], "e": [0.5, 0.5]})
    assert found["n"] == 4
    assert found["value"] == 0.5
    assert found["shown_first"] == pytest.approx(3.4 / 4)
    assert found["shown_second"] == pytest.approx(1.7 / 4)
