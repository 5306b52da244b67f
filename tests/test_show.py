from hypothesis import given
from hypothesis import strategies as st

from builder.show import HISTOGRAM_BINS, histogram, printable


@given(st.text())
def test_web_text_cannot_drive_the_terminal(text):
    shown = printable(text)
    assert not any((ord(char) < 32 and char not in "\n\t") or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert len(shown) == len(text)


def test_escape_sequences_stay_visible():
    assert printable("\x1b[31mred\x07") == "␛[31mred␇"


@given(st.lists(st.none() | st.floats(-5, 5), min_size=1))
def test_a_histogram_counts_every_row(scores):
    lines = histogram(scores).splitlines()
    missing = scores.count(None)
    if missing == len(scores):
        assert lines == [f"no scores; {missing} rows without one"]
        return
    assert sum(int(line.split()[1]) for line in lines[:HISTOGRAM_BINS]) == len(scores) - missing
    assert len(lines) == HISTOGRAM_BINS + bool(missing)


def test_equal_scores_have_a_histogram():
    assert "3 #" in histogram([2.0, 2.0, 2.0])
