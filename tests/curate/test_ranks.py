import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.curate.ranks import area_under_curve, average_ranks, combine, fifths, levels, rank_correlation

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


@given(full)
def test_scores_correlate_with_themselves_and_against_their_reverse(scores):
    whole, against = (
        rank_correlation(scores, {key: sign * value for key, value in scores.items()}) for sign in (1, -1)
    )
    if len(set(scores.values())) < 2:
        assert whole is None
        assert against is None
    else:
        assert whole == pytest.approx(1)
        assert against == pytest.approx(-1)


def test_a_rank_correlation_known_by_hand():
    one = dict(enumerate([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert rank_correlation(one, dict(enumerate([5.0, 6.0, 7.0, 8.0, 7.0]))) == pytest.approx(0.8207826817)
    assert rank_correlation(one, dict(enumerate([1.0, 3.0, 2.0, 5.0, 4.0]))) == pytest.approx(0.8)


@given(st.lists(values, max_size=12), st.lists(values, max_size=12))
def test_the_area_is_the_share_of_pairs_in_the_right_order(good, bad):
    area = area_under_curve(good, bad)
    if not good or not bad:
        assert area is None
        return
    won = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    assert area == pytest.approx(won / (len(good) * len(bad)))
    assert area_under_curve(bad, good) == pytest.approx(1 - area)


@given(st.dictionaries(st.integers(0, 99), st.none() | values, max_size=60))
def test_fifths_follow_the_scores(scores):
    found = fifths(scores)
    assert {key for key, value in found.items() if value is None} == {key for key in scores if scores[key] is None}
    scored = {key: value for key, value in scores.items() if value is not None}
    for one in scored:
        assert 1 <= found[one] <= 5
        assert all(found[one] >= found[other] for other in scored if scored[one] >= scored[other])


def test_fifths_of_different_scores_have_equal_sizes():
    found = list(fifths({number: float(number) for number in range(50)}).values())
    assert found == sorted(found)
    assert [found.count(level) for level in range(1, 6)] == [10] * 5


def test_a_rating_has_the_level_whose_threshold_it_reaches():
    assert levels({"a": 1.0, "b": 4.0, "c": 4.99, "d": 5.0, "e": None}) == {"a": 1, "b": 4, "c": 4, "d": 5, "e": None}
