import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.engines.server.replies import (
    LOWEST,
    count_of,
    models_of,
    most_bytes,
    number,
    numbers_of_one_place,
    one_choice,
    parse,
    sum_of_numbers,
    text_of,
    token_ids,
)

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


def test_a_log_probability_is_a_number_and_not_above_0_by_more_than_rounding():
    assert [number(value) for value in (-3, -0.5, 0.001, -9999.0)] == [-3, -0.5, 0.001, -9999.0]
    for value in (800.0, 1, math.nan, math.inf, -math.inf, -1e308, -(10**400), LOWEST - 1):
        with pytest.raises(ValueError, match="log-probability"):
            number(value)
    for value in (True, "-1", None, [-1]):
        with pytest.raises(TypeError, match="a log-probability that is"):
            number(value)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"<html>", b"{} {}", b'{"a": 1, "a": 1}', b'{"x": {"a": 1, "a": 2}}', b"NaN", b"[Infinity]",
        b"-Infinity", b'"\xff"', "[1]".encode("utf-16"), b"\xef\xbb\xbf{}", b"9" * 5_000, b"[" * 100_000,
        b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000,
    ],
)  # fmt: skip
def test_what_readers_of_json_disagree_on_is_no_json(body):
    with pytest.raises(ValueError, match=r"."):
        parse(body)


@given(ANY)
def test_json_is_read_as_it_was_written(value):
    try:
        body = json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return
    assert parse(body) == value


@given(ANY, st.binary(max_size=40))
def test_whatever_a_reply_holds_it_is_read_or_refused_and_nothing_else(value, data):
    readers = [
        one_choice, models_of, text_of, number, lambda one: numbers_of_one_place([one]), lambda one: one_choice([one]),
        lambda one: one_choice({"choices": [one]}), lambda one: text_of({"content": one}),
        lambda one: models_of({"data": one}), lambda one: sum_of_numbers(one, 1),
        lambda one: token_ids(one, vocabulary=10, most=3, ends=frozenset([2])), lambda _: parse(data),
    ]  # fmt: skip
    for read in readers:
        try:
            read(value)
        except (TypeError, ValueError):
            continue
    count = count_of({"usage": {"completion_tokens": value}}, 9)
    assert count is None or 0 <= count <= 9


@given(st.lists(st.integers(-5, 15), max_size=5))
def test_token_ids_are_those_that_a_model_can_have_written(ids):
    try:
        found = token_ids(ids, vocabulary=10, most=3, ends=frozenset([2]))
    except ValueError:
        assert not ids or len(ids) > 3 or min(ids) < 0 or max(ids) > 9 or 2 in ids[:-1]
        return
    assert found == ids
    assert 1 <= len(ids) <= 3
    assert 0 <= min(ids) <= max(ids) <= 9
    assert 2 not in ids[:-1]


def test_tokens_of_one_place_are_together_no_more_probable_than_1():
    assert numbers_of_one_place([math.log(0.5), math.log(0.5)]) == [math.log(0.5)] * 2
    with pytest.raises(ValueError, match="together more probable than 1"):
        numbers_of_one_place([0.0, 0.0, 0.0])


def test_the_bytes_of_a_reply_follow_from_the_request():
    written = most_bytes({"prompt": [1], "max_tokens": 100})
    assert written < 1 << 20
    assert most_bytes({"prompt": [1], "max_tokens": 200}) - written == 100 * 1_024
    assert most_bytes({"prompt": [1] * 2_000, "max_tokens": 1, "prompt_logprobs": 0}) < 3 << 20
    assert most_bytes({"messages": [{"content": "x" * 1_000}]}) < 32 << 20
