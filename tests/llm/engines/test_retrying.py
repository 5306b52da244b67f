from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import StageError
from builder.llm.engines.engine import Failed, Sampling
from builder.llm.engines.retrying import BROKEN, TRIES, EngineBrokenError, RetryingEngine, in_halves

items = st.lists(st.integers(), max_size=40, unique=True)


@given(items.flatmap(lambda all_: st.tuples(st.just(all_), st.sets(st.sampled_from(all_) if all_ else st.nothing()))))
def test_every_item_gets_its_own_answer_or_its_own_failure_in_order(given_items):
    every, bad = given_items

    def ask(some):
        if bad & set(some):
            raise RuntimeError(f"cannot do {some}\nsecond line")
        return [item * 2 for item in some]

    wanted = [Failed("engine_error", f"cannot do [{item}]") if item in bad else item * 2 for item in every]
    assert in_halves(ask, every) == wanted


def test_a_row_is_tried_again_before_it_counts_as_failed():
    calls = []

    def ask(some):
        calls.append(some)
        if len(calls) < TRIES:
            raise RuntimeError("not yet")
        return some

    assert in_halves(ask, [1]) == [1]
    assert len(calls) == TRIES


@pytest.mark.parametrize("error", [StageError("no such model"), MemoryError()])
def test_what_is_about_no_row_is_raised_at_once(error):
    calls = []

    def ask(some):
        calls.append(some)
        raise error

    with pytest.raises(type(error)):
        in_halves(ask, [1, 2, 3])
    assert calls == [[1, 2, 3]]


def test_each_call_of_the_engine_keeps_what_belongs_to_a_row_together():
    def refuse_one(some, *others):
        if [1] in some:
            raise RuntimeError("one")
        return [(ids, *(other[at] for other in others if isinstance(other, list))) for at, ids in enumerate(some)]

    engine = SimpleNamespace(
        generate=lambda prompts, sampling, seeds: refuse_one(prompts, seeds),
        token_logprobs=refuse_one,
        next_logprobs=lambda prompts, choices: refuse_one(prompts),
    )
    retrying, prompts, failed = RetryingEngine(engine), [[0], [1], [2]], Failed("engine_error", "one")
    assert retrying.generate(prompts, Sampling(1, 1, 1), [7, 8, 9]) == [([0], 7), failed, ([2], 9)]
    assert retrying.token_logprobs(prompts, [7, 8, 9]) == [([0], 7), failed, ([2], 9)]
    assert retrying.next_logprobs(prompts, [5]) == [([0],), failed, ([2],)]


def test_an_engine_that_fails_at_row_after_row_is_broken_and_not_its_rows():
    def never(prompts, choices):
        raise RuntimeError("device lost")

    def well(prompts, choices):
        return [[0.0] for _ in prompts]

    retrying = RetryingEngine(SimpleNamespace(next_logprobs=never))
    with pytest.raises(EngineBrokenError, match=f"failed at {BROKEN} rows one after the other: device lost"):
        retrying.next_logprobs([[at] for at in range(500)], [5])
    engine = SimpleNamespace(next_logprobs=never)
    some = RetryingEngine(engine)
    assert len(some.next_logprobs([[1]] * (BROKEN - 1), [5])) == BROKEN - 1
    engine.next_logprobs = well
    assert some.next_logprobs([[1]], [5]) == [[0.0]]
    engine.next_logprobs = never
    assert len(some.next_logprobs([[1]] * (BROKEN - 1), [5])) == BROKEN - 1
