import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.curate.labels import agreement, changed_verdicts

keys = st.sets(st.integers(0, 15).map(str))
labels = st.dictionaries(st.integers(0, 15).map(str), st.booleans(), max_size=16)


@given(keys, labels)
def test_precision_and_recall_are_what_their_names_say(selected, given_labels):
    found = agreement(selected, given_labels)
    both = [key for key in given_labels if given_labels[key] and key in selected]
    chosen = [key for key in given_labels if key in selected]
    assert found["precision"] == (len(both) / len(chosen) if chosen else None)
    assert found["recall"] == (len(both) / found["good"] if found["good"] else None)
    if both:
        assert found["f1"] == pytest.approx(2 / (1 / found["precision"] + 1 / found["recall"]))


@given(keys, keys, labels)
def test_changed_verdicts_are_symmetric_and_p_is_a_probability(one, other, given_labels):
    forth, back = changed_verdicts(one, other, given_labels), changed_verdicts(other, one, given_labels)
    assert (forth["gained"], forth["lost"]) == (back["lost"], back["gained"])
    assert 0 < forth["p"] == back["p"] <= 1
    assert forth["gained"] + forth["lost"] == len((one ^ other) & given_labels.keys())


def test_the_sign_test_is_exact():
    good = {str(number): True for number in range(10)}
    assert changed_verdicts(set("0"), set("12345678"), good)["p"] == pytest.approx(2 * (1 + 9) / 2**9)
    assert math.isclose(changed_verdicts(set(), set(), good)["p"], 1)
