from collections import Counter

from builder.records import Counts
from builder.score import _warnings, quantiles


def test_pairs_without_a_score_are_warned_of():
    counts = Counts(rows_in=4, kept=1, failed=Counter(no_verdict=2, longer_than_context=1))
    assert _warnings(counts) == [
        "3 of 4 pairs (75%) have no score and cannot be selected: no_verdict 2, longer_than_context 1"
    ]
    assert _warnings(Counts(rows_in=1, kept=1)) == []


def test_quantiles_are_values_that_occur():
    assert quantiles([]) == {}
    assert quantiles([3.0]) == {f"{10 * n}%": 3.0 for n in range(11)}
    assert quantiles([float(n) for n in range(11)])["30%"] == 3.0
