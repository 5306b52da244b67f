import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.curate.ranks import (
    area_under_curve,
    average_ranks,
    combine,
    correlation,
    fifths,
    levels,
    shared_ranks,
)

values = st.sampled_from([0.0, 1.0, 2.5]) | st.floats(-9, 9)
full = st.dictionaries(st.text("abcde", min_size=1, max_size=3), values, max_size=25)


@st.composite
def columns(draw):
    keys = draw(st.lists(st.text("abcde", min_size=1, max_size=3), unique=True, max_size=20))
    column = st.tuples(*(st.none() | values for _ in keys)).map(lambda given: dict(zip(keys, given, strict=True)))
    return draw(st.lists(column, min_size=2, max_size=4))


@given(full)
def test_ranks_add_up_and_equal_scores_share_theirs(scores):
    ranks = average_ranks(scores)
    assert sum(ranks.values()) == len(scores) * (len(scores) + 1) / 2
    for one in scores:
        above = sum(scores[other] > scores[one] for other in scores)
        equal = sum(scores[other] == scores[one] for other in scores)
        assert ranks[one] == above + (equal + 1) / 2


@given(columns(), st.randoms(use_true_random=False))
def test_combined_ranks_do_not_depend_on_the_order_of_judges_or_keys(given_columns, random):
    combined = combine(given_columns)
    shuffled = random.sample(given_columns, len(given_columns))
    assert combine(shuffled) == combined
    keys = random.sample(list(combined), len(combined))
    assert combine([{key: column[key] for key in keys} for column in given_columns]) == combined


@given(columns())
def test_combined_ranks_are_from_0_to_1_and_only_for_what_all_judges_score(given_columns):
    combined = combine(given_columns)
    shared = {key for key in combined if all(column[key] is not None for column in given_columns)}
    assert {key for key, value in combined.items() if value is not None} == shared
    assert all(0 <= combined[key] <= 1 for key in shared)
    for one in shared:
        for other in shared:
            if all(column[one] > column[other] for column in given_columns):
                assert combined[one] > combined[other]


def test_the_mean_of_the_ranks_decides():
    first, second = {"a": 9.0, "b": 8.0, "c": 1.0, "d": 0.0}, {"a": 0.1, "b": 0.3, "c": 0.2, "d": None}
    assert combine([first, second]) == {"a": 0.5, "b": 0.75, "c": 0.25, "d": None}


def rank_correlation(left, right):
    return correlation(*(shared_ranks(np.array(scores, dtype=float)) for scores in (left, right)))


@given(st.lists(values, max_size=25))
def test_scores_correlate_with_themselves_and_against_their_reverse(scores):
    whole, against = (rank_correlation(scores, [sign * value for value in scores]) for sign in (1, -1))
    if len(set(scores)) < 2:
        assert whole is None
        assert against is None
    else:
        assert whole == pytest.approx(1)
        assert against == pytest.approx(-1)


def test_a_rank_correlation_known_by_hand():
    one = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert rank_correlation(one, [5.0, 6.0, 7.0, 8.0, 7.0]) == pytest.approx(0.8207826817)
    assert rank_correlation(one, [1.0, 3.0, 2.0, 5.0, 4.0]) == pytest.approx(0.8)


@given(st.lists(values, max_size=12), st.lists(values, max_size=12))
def test_the_area_is_the_share_of_pairs_in_the_right_order(good, bad):
    area = area_under_curve(good, bad)
    if not good or not bad:
        assert area is None
        return
    won = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    assert area == pytest.approx(won / (len(good) * len(bad)))
    assert area_under_curve(bad, good) == pytest.approx(1 - area)


@given(st.lists(st.just(math.nan) | values, max_size=60))
def test_fifths_follow_the_scores(scores):
    found = fifths(np.array(scores, dtype=float)).tolist()
    pairs = list(zip(scores, found, strict=True))
    assert all((fifth == 0) == math.isnan(score) for score, fifth in pairs)
    scored = [(score, fifth) for score, fifth in pairs if fifth]
    for score, fifth in scored:
        assert 1 <= fifth <= 5
        assert all(fifth >= other for lower, other in scored if score >= lower)


def test_fifths_of_different_scores_have_equal_sizes():
    found = fifths(np.arange(50.0)).tolist()
    assert found == sorted(found)
    assert [found.count(level) for level in range(1, 6)] == [10] * 5


def test_a_rating_has_the_level_whose_threshold_it_reaches():
    assert levels(np.array([0.5, 1.0, 4.0, 4.99, 5.0, math.nan])).tolist() == [1, 1, 4, 4, 5, 0]
