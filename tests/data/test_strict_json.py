"""JSON of others has one reading, or none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.strict_json import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert strict_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' is written twice"),
        ('[{"a\\u001b": 1, "a\\u001b": 1}]', r"the key 'a\\x1b' is written twice"),
        ("[NaN]", "NaN is no number of JSON"),
        ("-Infinity", "-Infinity is no number of JSON"),
        ("[" * 200_000, "nested too deep"),
        ("", "Expecting value"),
        ("{} {}", "Extra data"),
    ],
)
def test_what_readers_disagree_on_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        strict_json(text)
