"""Tests and quantiles against scipy and statsmodels."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from builder.errors import StageError
from builder.method.curate.labels import sign_test
from builder.results.evaluate.statistics.significance import holm, normal_quantile, t_quantile


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_sign_test_is_that_of_scipy(one: int, other: int) -> None:
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert sign_test(one, other) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_values_are_those_of_statsmodels(values: list[float]) -> None:
    assert holm(values) == pytest.approx(list(multipletests(values, method="holm")[1]), abs=1e-12)


def test_no_test_has_no_value() -> None:
    assert holm([]) == []


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 6, 7, 10, 29, 30, 199])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_t_is_that_of_scipy(degrees: int, level: float) -> None:
    assert t_quantile(level, degrees) == pytest.approx(stats.t.ppf((1 + level) / 2, degrees), rel=1e-9)


def test_without_a_degree_of_freedom_there_is_no_t() -> None:
    with pytest.raises(StageError, match="more points"):
        t_quantile(0.95, 0)


def test_z_is_that_of_scipy() -> None:
    assert normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert math.isclose(normal_quantile(0.5), stats.norm.ppf(0.75))
