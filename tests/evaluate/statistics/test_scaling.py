"""The line through win rates: recovered from points, its interval by simulation and against scipy."""

import math

import numpy as np
import pytest
from scipy import stats
from support.coverage import covers

from builder.results.evaluate.statistics.scaling import fit, over_prompts

SIZES = (100, 800, 1_600, 3_200, 6_400, 12_800)


def test_alpha_is_recovered_in_every_base() -> None:
    found = fit(SIZES, [6.95 * math.log(size) + 3 for size in SIZES])
    assert found["alpha"]["ln"]["value"] == pytest.approx(6.95)
    assert found["alpha"]["log2"]["value"] == pytest.approx(6.95 * math.log(2))
    assert found["alpha"]["log10"]["value"] == pytest.approx(6.95 * math.log(10))
    assert found["constant"] == pytest.approx(3)
    assert found["r2"] == pytest.approx(1)


def test_the_interval_is_that_of_scipy() -> None:
    rates = [30.0, 44.0, 47.0, 55.0, 58.0, 66.0]
    line = stats.linregress(np.log(SIZES), rates)
    half = stats.t.ppf(0.975, 4) * line.stderr
    found = fit(SIZES, rates)
    assert found["alpha"]["ln"]["interval"] == pytest.approx([line.slope - half, line.slope + half])
    assert found["r2"] == pytest.approx(line.rvalue**2)


def test_the_interval_covers_as_often_as_it_says() -> None:
    def trial(generator: np.random.Generator) -> tuple[float, float]:
        rates = 5 * np.log(SIZES) + 2 + generator.normal(0, 2, len(SIZES))
        low, high = fit(SIZES, list(rates))["alpha"]["ln"]["interval"]
        return low, high

    assert 0.93 <= covers(trial, 5.0, trials=1_500) <= 0.97


def test_three_sizes_have_a_line_without_an_interval_and_two_none() -> None:
    three, two = fit(SIZES[:3], [1.0, 2.0, 2.5]), fit(SIZES[:2], [1.0, 2.0])
    assert three["alpha"]["ln"]["value"] is not None
    assert "interval" not in three["alpha"]["ln"]
    assert two["alpha"]["ln"]["value"] is None
    assert two["alpha"]["ln"]["reason"] == "2 sizes; a fit needs 3"


def test_prompts_alone_say_less_than_runs_do() -> None:
    generator = np.random.default_rng(1)
    scores = {size: list((generator.random(200) < 0.04 * math.log(size)).astype(float)) for size in SIZES}
    found = over_prompts(scores, draws=300)
    line = fit(SIZES, [float(np.mean(scores[size])) for size in SIZES])
    assert found["value"] == pytest.approx(line["alpha"]["ln"]["value"])
    assert "without run-to-run variation" in found["formula"]
    assert found["interval"][0] < found["value"] < found["interval"][1]
