import math

from hypothesis import given
from hypothesis import strategies as st

from builder.method.curate.histogram import BINS, describe_thresholds, histogram, thresholds


@given(st.lists(st.none() | st.floats(-5, 5), min_size=1))
def test_a_histogram_counts_every_row(scores):
    lines = histogram(scores).splitlines()
    missing = scores.count(None)
    if missing == len(scores):
        assert lines == [f"no scores; {missing} row{'s' * (missing > 1)} without one"]
        return
    assert sum(int(line.split()[1]) for line in lines[:BINS]) == len(scores) - missing
    assert len(lines) == BINS + bool(missing)


@given(st.lists(st.none() | st.floats(-5, 5) | st.sampled_from([math.nan, math.inf, -math.inf]), min_size=1))
def test_scores_that_are_no_numbers_are_rows_without_one(scores):
    without = [value if value is not None and math.isfinite(value) else None for value in scores]
    assert histogram(scores) == histogram(without)
    for rating in (True, False):
        assert thresholds(scores, rating=rating) == thresholds(without, rating=rating)


def test_equal_scores_have_a_histogram():
    assert "3 #" in histogram([2.0, 2.0, 2.0])


def test_one_row_without_a_score_is_no_rows():
    assert histogram([2.0, None]).endswith("\n1 row without a score")
    assert histogram([2.0, None, None]).endswith("\n2 rows without a score")


@given(st.lists(st.none() | st.floats(-5, 5) | st.sampled_from([1.0, 4.5]), max_size=40), st.booleans())
def test_thresholds_count_what_they_would_keep(scores, rating):
    given_scores = [value for value in scores if value is not None]
    table = thresholds(scores, rating=rating)
    assert bool(table) == bool(given_scores)
    for row in table:
        assert row["rows"] == sum(value >= row["threshold"] for value in given_scores)
        assert row["share"] == row["rows"] / len(given_scores)
    assert [row["threshold"] for row in table] == sorted({row["threshold"] for row in table})
    assert len(describe_thresholds(table).splitlines()) == (len(table) + 1 if table else 0)


def test_thresholds_of_a_likelihood_keep_about_a_tenth_less_each():
    table = thresholds([number / 100 for number in range(1_000)], rating=False)
    assert [row["share"] for row in table] == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
