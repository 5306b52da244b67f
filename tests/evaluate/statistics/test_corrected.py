"""The share of good rows corrected for a judge's errors: the value of the paper that it is from, and by simulation."""

import numpy as np
import pytest
from support.coverage import covers

from builder.errors import StageError
from builder.results.evaluate.statistics.corrected import corrected_share


def test_the_check_value() -> None:
    found = corrected_share(0.4, 1_000, (0.9, 200), (0.7, 200))
    assert found["value"] == pytest.approx(0.1667, abs=5e-5)
    assert found["interval"] == pytest.approx([0.0564, 0.2627], abs=5e-5)


@pytest.mark.parametrize(
    ("share", "sensitivity", "specificity"), [(0.2, 0.85, 0.9), (0.5, 0.8, 0.75), (0.05, 0.9, 0.95)]
)
def test_its_interval_covers_as_often_as_it_says(share: float, sensitivity: float, specificity: float) -> None:
    def trial(generator: np.random.Generator) -> tuple[float, float]:
        good = generator.binomial(1_000, share)
        taken = generator.binomial(good, sensitivity) + generator.binomial(1_000 - good, 1 - specificity)
        se, sp = generator.binomial(150, sensitivity) / 150, generator.binomial(150, specificity) / 150
        low, high = corrected_share(taken / 1_000, 1_000, (se, 150), (sp, 150))["interval"]
        return low, high

    assert 0.93 <= covers(trial, share, trials=1_500) <= 0.975


def test_a_share_below_nought_is_cut_off_and_said_to_be() -> None:
    found = corrected_share(0.05, 500, (0.9, 100), (0.8, 100))
    assert found["value"] == 0.0
    assert found["cut_off"] is True


@pytest.mark.parametrize(("se", "sp", "n"), [(0.55, 0.5, 200), (0.7, 0.5, 8)])
def test_a_judge_that_cannot_tell_is_refused(se: float, sp: float, n: int) -> None:
    with pytest.raises(StageError, match="cannot tell them apart"):
        corrected_share(0.4, 1_000, (se, n), (sp, n))
