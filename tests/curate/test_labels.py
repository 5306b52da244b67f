import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import RecipeError
from builder.method.curate.labels import agreement, changed_verdicts, label_pairs, read_labels

keys = st.sets(st.integers(0, 15).map(str))
labels = st.dictionaries(st.integers(0, 15).map(str), st.booleans(), max_size=16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no label"),
        ('{"id": "a", "good": 1}', "line 1 needs id"),
        ('\n{"id": 3, "good": true}', "line 2 needs id"),
        ("[]", "line 1 needs id"),
        ("{id: a}", "line 1 is not JSON"),
        ('{"id": "a", "good": true}\n{"id": "a", "good": false}', "line 2: a is good in one line and bad in another"),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_file_of_other_things_is_refused_with_the_line(tmp_path, text, message):
    path = tmp_path / "labels.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError, match=f"labels.jsonl.*{message}"):
        read_labels(path)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_labels(tmp_path)


def test_a_label_is_of_a_pair_or_of_all_pairs_of_a_segment(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"id": "s", "good": true}\r\n{"id": "s-1", "good": false, "by": "me"}\n\n')
    pairs = [{"id": f"{segment}-{sample}", "segment_id": segment} for segment in "st" for sample in range(3)]
    assert label_pairs(read_labels(path), pairs) == {"s-0": True, "s-1": False, "s-2": True}
    with pytest.raises(RecipeError, match="none of the ids"):
        label_pairs({"x": True}, pairs)


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
