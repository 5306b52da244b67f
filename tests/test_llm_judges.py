import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.contract import Renderer, make_contract
from builder.llm.engine import load_tokenizer
from builder.llm.judges import judge_rows, parse_verdict, rating_prompt, verdict_row
from builder.llm.transformers_engine import TransformersEngine
from builder.recipe import Chat, Engine
from builder.recipe_curate import Expected, Likelihood, Verdict

BASE = Path(__file__).parents[1] / "builder" / "sample" / "base"
ROWS = [
    {"id": "a", "instruction": "How should I store apples?", "output": "Keep apples in a cool room."},
    {"id": "b", "instruction": "What is a kite?", "output": "Kites are fine. Kites fly."},
]


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Clear and complete.\nScore: 5", 5),
        ("score: 3 out of 5", 3),
        ("Score 4", 4),
        ("**Score: 2**", 2),
        ("Score: **2**", 2),
        ("A 5 means perfect (Score: 5). This one is vague.\nScore: 2", 2),
        ("Score: 9", None),
        ("Score: 0", None),
        ("Score: -3", None),
        ("Score: 4.5", None),
        ("Score: 45", None),
        ("Score: 5.0", 5),
        ("Score: 5\nNo: score: 12", None),
        ("I cannot rate this.", None),
        ("5", None),
        ("Score: five", None),
        ("", None),
    ],
)
def test_the_last_verdict_from_1_to_5_counts(reply, score):
    assert parse_verdict(reply) == score


@given(st.text())
def test_the_parser_is_total(reply):
    assert parse_verdict(reply) in (None, 1, 2, 3, 4, 5)
    assert parse_verdict(f"{reply}\nScore: 3") == 3


def test_verdicts_are_averaged_and_unparsable_ones_left_out():
    row = verdict_row("a", ["Score: 5", "hm", "Score: 4"])
    assert (row["score"], row["verdicts"], row["reason"]) == (4.5, [5, None, 4], None)
    none = verdict_row("a", ["hm"])
    assert (none["score"], none["reason"], none["replies"]) == (None, "no_verdict", ["hm"])


@pytest.fixture(scope="module")
def engine():
    return TransformersEngine(BASE, Engine(kind="transformers", dtype="float32"))


@pytest.fixture(scope="module")
def renderer():
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)


def judged(renderer, engine, judge, room=2048):
    return judge_rows(ROWS, judge, renderer, lambda: engine, room)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_likelihood_counts_the_end_token_in_the_first_part_only(renderer, engine, weight):
    rows = judged(renderer, engine, Likelihood(judge="likelihood", prior_weight=weight))
    for pair, row in zip(ROWS, rows, strict=True):
        tag = renderer.contract.system("seed")
        asked = renderer.answered([tag, {"role": "user", "content": pair["instruction"]}], pair["output"])
        prior = renderer.answered([tag, {"role": "user", "content": ""}], pair["output"])
        given, alone = engine.token_logprobs([asked[0], prior[0]], [asked[1], prior[1]])
        assert len(given) == len(alone) == row["tokens"]
        assert row["score"] == pytest.approx((sum(given) - weight * sum(alone[:-1])) / len(given))
        assert row["logp_end"] == pytest.approx(given[-1])
        assert row["logp_answer"] == pytest.approx(sum(given[:-1]))
        assert row["id"] == pair["id"]


def test_expected_is_the_mean_over_the_five_digits_at_the_score_position(renderer, engine):
    rows = judged(renderer, engine, Expected(judge="expected"))
    for pair, row in zip(ROWS, rows, strict=True):
        prompt = renderer.prompt(rating_prompt(renderer, "humpback", pair))
        whole = prompt + renderer.tokenizer.encode("Score: ", add_special_tokens=False)
        digits = [renderer.tokenizer.convert_tokens_to_ids(digit) for digit in "12345"]
        weights = [math.exp(value) for value in engine.next_logprobs([whole], digits)[0]]
        assert row["mass"] == pytest.approx(sum(weights))
        assert sum(row["probabilities"]) == pytest.approx(1)
        assert row["score"] == pytest.approx(sum(n * w for n, w in enumerate(weights, 1)) / sum(weights))
        assert 1 <= row["score"] <= 5
        assert 0 <= row["spread"] <= 2


def test_verdict_keeps_the_replies_of_every_sample(renderer, engine):
    rows = judged(renderer, engine, Verdict(judge="verdict", samples=2, max_tokens=8))
    again = judged(renderer, engine, Verdict(judge="verdict", samples=2, max_tokens=8))
    assert rows == again
    for row in rows:
        assert len(row["replies"]) == len(row["verdicts"]) == 2
        assert row["replies"][0] != row["replies"][1]


@pytest.mark.parametrize(
    "judge", [Likelihood(judge="likelihood"), Expected(judge="expected"), Verdict(judge="verdict")]
)
def test_a_pair_longer_than_the_context_has_no_score_and_a_reason(renderer, judge):
    def no_engine():
        raise AssertionError("no row fits, so no engine is needed")

    rows = judge_rows(ROWS, judge, renderer, no_engine, room=8)
    assert [(row["id"], row["score"], row["reason"]) for row in rows] == [
        ("a", None, "longer_than_context"),
        ("b", None, "longer_than_context"),
    ]


class Degenerate:
    """Log-probabilities as a broken model gives them."""

    def token_logprobs(self, sequences, starts):
        return [[-math.inf] * (len(ids) - start) for ids, start in zip(sequences, starts, strict=True)]

    def next_logprobs(self, prompts, choices):
        return [[-math.inf] * len(choices) for _ in prompts]


@pytest.mark.parametrize(
    ("judge", "reason"), [(Likelihood(judge="likelihood"), "not_finite"), (Expected(judge="expected"), "no_mass")]
)
def test_a_score_that_is_no_number_is_null_with_a_reason(renderer, judge, reason):
    rows = judge_rows(ROWS, judge, renderer, Degenerate, 2048)
    assert [(row["score"], row["reason"]) for row in rows] == [(None, reason)] * 2


def test_judging_uses_the_seed_tag(renderer):
    assert rating_prompt(renderer, "humpback", ROWS[0])[0] == {
        "role": "system",
        "content": "Answer in the style of an AI Assistant.",
    }
