"""AUC and precision against counting by hand, and intervals that pages alone decide."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted.figures import areas, draw_pages, estimate, precisions

SCORES = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 2.0])
PAIRS = st.lists(st.tuples(SCORES, st.booleans(), st.integers(0, 3)), min_size=1, max_size=20)


def expand(pairs: list[tuple[float, bool, int]], good: bool) -> list[float]:
    """The scores of good or of bad pairs, each as often as it counts."""
    return [score for score, is_good, times in pairs for _ in range(times) if is_good is good]


@given(PAIRS)
def test_the_area_is_that_of_counting_all_pairs_of_pairs(pairs: list[tuple[float, bool, int]]) -> None:
    good, bad = expand(pairs, good=True), expand(pairs, good=False)
    wins = sum((a > b) + (a == b) / 2 for a in good for b in bad)
    scores, labels, times = zip(*pairs, strict=True)
    (found,) = areas(scores, labels, np.array([times], dtype=float))
    assert math.isnan(found) if not good or not bad else found == pytest.approx(wins / (len(good) * len(bad)))


@given(PAIRS, st.floats(0.01, 1))
def test_the_precision_is_the_mean_over_all_orders_of_equal_scores(
    pairs: list[tuple[float, bool, int]], share: float
) -> None:
    rows = [(score, is_good) for score, is_good, times in pairs for _ in range(times)]
    scores, labels, times = zip(*pairs, strict=True)
    (found,) = precisions(scores, labels, np.array([times], dtype=float), share)
    if not rows:
        assert math.isnan(found)
        return
    wanted = max(1, math.floor(share * len(rows) + 0.5))
    border = sorted((score for score, _ in rows), reverse=True)[wanted - 1]
    sure = [is_good for score, is_good in rows if score > border]
    tied = [is_good for score, is_good in rows if score == border]
    right = sum(sure) + (wanted - len(sure)) * sum(tied) / len(tied)
    assert found == pytest.approx(right / wanted)


def test_the_first_row_of_the_draws_counts_each_pair_once_and_pages_stay_whole() -> None:
    pages = ["b", "a", "b", "c", "a"]
    draws = draw_pages(pages, draws=50, seed=3)
    assert draws.shape == (51, 5)
    assert draws[0].tolist() == [1] * 5
    assert np.array_equal(draws[:, 0], draws[:, 2])
    assert np.array_equal(draws[:, 1], draws[:, 4])
    assert (draws[1:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert np.array_equal(draws, draw_pages(pages, draws=50, seed=3))
    assert not np.array_equal(draws, draw_pages(pages, draws=50, seed=4))


def test_an_interval_holds_its_figure_and_is_wider_where_pairs_share_pages() -> None:
    rng = random.Random(0)
    good = [number % 2 == 0 for number in range(120)]
    shift = [rng.gauss(0, 1) for _ in range(12)]
    scores = [rng.gauss(0.4 * is_good, 0.3) + shift[at // 10] * is_good for at, is_good in enumerate(good)]
    widths = []
    for pages in ([str(at) for at in range(120)], [str(at // 10) for at in range(120)]):
        found = estimate(areas(scores, good, draw_pages(pages)))
        assert found is not None
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_there_is_no_figure_without_good_or_without_bad_pairs() -> None:
    assert estimate(areas([1.0, 2.0], [True, True], draw_pages(["a", "b"]))) is None
