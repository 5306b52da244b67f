from hypothesis import given
from hypothesis import strategies as st

from builder.histogram import BINS, histogram


@given(st.lists(st.none() | st.floats(-5, 5), min_size=1))
def test_a_histogram_counts_every_row(scores):
    lines = histogram(scores).splitlines()
    missing = scores.count(None)
    if missing == len(scores):
        assert lines == [f"no scores; {missing} rows without one"]
        return
    assert sum(int(line.split()[1]) for line in lines[:BINS]) == len(scores) - missing
    assert len(lines) == BINS + bool(missing)


def test_equal_scores_have_a_histogram():
    assert "3 #" in histogram([2.0, 2.0, 2.0])
