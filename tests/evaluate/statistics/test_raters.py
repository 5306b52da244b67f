"""Agreement against statsmodels, Krippendorff's own example, and by simulation."""

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa
from support.coverage import covers

from builder.results.evaluate.statistics.raters import agreement, alpha, kappa


def test_kappa_is_that_of_statsmodels() -> None:
    generator = np.random.default_rng(5)
    one = generator.integers(0, 3, 200)
    other = np.where(generator.random(200) < 0.6, one, generator.integers(0, 3, 200))
    table = np.zeros((3, 3))
    for pair in zip(one, other, strict=True):
        table[pair] += 1
    expected = cohens_kappa(table).kappa
    assert kappa([(int(a), int(b)) for a, b in zip(one, other, strict=True)]) == pytest.approx(expected, abs=1e-12)


def test_answers_that_are_all_alike_have_no_kappa() -> None:
    assert kappa([(True, True)] * 5) is None
    assert kappa([]) is None


def test_alpha_of_krippendorffs_example() -> None:
    # Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C: four observers, gaps, alpha .743.
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    units = [[row[at] for row in rows if row[at] is not None] for at in range(12)]
    assert alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_needs_an_item_with_two_answers() -> None:
    assert alpha([[1], [2], []]) is None
    assert alpha([[1, 1], [1, 1]]) is None


def test_two_raters_of_the_same_items_get_kappa_and_gaps_alpha() -> None:
    both = {str(at): {"a": at % 2 == 0, "b": at % 3 == 0} for at in range(12)}
    found = agreement(both, draws=50)
    assert found["formula"] == "Cohen's kappa"
    assert found["n"] == 12
    assert found["equal"] == pytest.approx(0.5)
    with_gap = both | {"x": {"a": True}}
    assert agreement(with_gap, draws=50)["formula"] == "Krippendorff's alpha"


def test_what_nobody_answered_twice_says_why() -> None:
    found = agreement({"1": {"a": True}, "2": {"b": True}})
    assert found["value"] is None
    assert found["reason"] == "no item has two answers"


def test_an_interval_of_kappa_covers_it_as_often_as_it_says() -> None:
    # Both raters say the truth with probability .85, which is good for half of the items: kappa = (2 * .85 - 1)^2.
    def trial(generator: np.random.Generator) -> tuple[float, float]:
        truth = generator.random(120) < 0.5
        said = [np.where(generator.random(120) < 0.85, truth, ~truth) for _ in range(2)]
        answers = {str(at): {"a": bool(said[0][at]), "b": bool(said[1][at])} for at in range(120)}
        low, high = agreement(answers, seed=int(generator.integers(2**31)), draws=200)["interval"]
        return low, high

    assert 0.93 <= covers(trial, 0.49, trials=400) <= 0.97
