import math

import pytest
from support.judging import ROWS, judged

from builder.llm.contract import make_contract
from builder.llm.conversations import backward_prompt, rating_prompt
from builder.llm.engines.engine import Completion
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.curate.scoring.judges import judge_rows
from builder.recipe.sections.judges import Expected, Likelihood, Reasoned, Reverse, Verdict
from builder.recipe.sections.models import Chat
from builder.sample.generate import BASE


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_likelihood_counts_the_end_token_in_the_first_part_only(renderer, engine, weight):
    rows = judged(renderer, engine, Likelihood(judge="likelihood", prior_weight=weight))
    for pair, row in zip(ROWS, rows, strict=True):
        tag = {"role": "system", "content": renderer.contract.system_seed}
        asked = renderer.answered([tag, {"role": "user", "content": pair["instruction"]}], pair["output"])
        prior = renderer.answered([tag, {"role": "user", "content": ""}], pair["output"])
        given, alone = engine.token_logprobs([asked[0], prior[0]], [asked[1], prior[1]])
        assert len(given) == len(alone) == row["tokens"]
        assert row["score"] == pytest.approx((sum(given) - weight * sum(alone[:-1])) / len(given))
        assert row["logp_end"] == pytest.approx(given[-1])
        assert row["logp_answer"] == pytest.approx(sum(given[:-1]))
        assert row["id"] == pair["id"]


@pytest.fixture(scope="module")
def backward():
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "backward", tokenizer), tokenizer)


@pytest.mark.parametrize("template", ["backward", "own"])
def test_reverse_is_what_the_text_adds_to_the_probability_of_its_instruction(backward, engine, tmp_path, template):
    if template == "own":
        template = tmp_path / "own.jinja"
        template.write_text("What is this the answer to?\n{{ output }}")
    rows = judge_rows(ROWS, Reverse(judge="reverse"), backward, lambda: engine, 2048, template=template)
    for pair, row in zip(ROWS, rows, strict=True):
        asked = backward.answered(backward_prompt(backward.contract, template, pair["output"]), pair["instruction"])
        prior = backward.answered(backward_prompt(backward.contract, template, ""), pair["instruction"])
        given, alone = engine.token_logprobs([asked[0], prior[0]], [asked[1], prior[1]])
        words = len(backward.tokenizer.encode(pair["instruction"], add_special_tokens=False))
        assert len(given) == len(alone) == words + 1
        assert row["tokens"] == words
        assert row["score"] == pytest.approx((sum(given[:-1]) - sum(alone[:-1])) / words)
        assert row["logp_end"] == pytest.approx(given[-1])
        assert row["id"] == pair["id"]


def test_an_instruction_without_a_token_has_no_reverse_score(backward, engine):
    (row,) = judge_rows([{**ROWS[0], "instruction": ""}], Reverse(judge="reverse"), backward, lambda: engine, 2048)
    assert (row["score"], row["reason"], row["tokens"]) == (None, "not_finite", 0)


def test_expected_is_the_mean_over_the_five_digits_at_the_score_position(renderer, engine):
    rows = judged(renderer, engine, Expected(judge="expected"))
    for pair, row in zip(ROWS, rows, strict=True):
        prompt = renderer.prompt(rating_prompt(renderer.contract, "humpback", pair, reasons=False))
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
    "judge",
    [
        Likelihood(judge="likelihood"),
        Expected(judge="expected"),
        Verdict(judge="verdict"),
        Reasoned(judge="reasoned"),
        Reverse(judge="reverse"),
    ],
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

    def generate(self, prompts, sampling, seeds):
        return [Completion([], 0.0, ended=False) for _ in prompts]

    def token_logprobs(self, sequences, starts):
        return [[-math.inf] * (len(ids) - start) for ids, start in zip(sequences, starts, strict=True)]

    def next_logprobs(self, prompts, choices):
        return [[-math.inf] * len(choices) for _ in prompts]


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (Likelihood(judge="likelihood"), "not_finite"),
        (Reverse(judge="reverse"), "not_finite"),
        (Expected(judge="expected"), "no_mass"),
        (Reasoned(judge="reasoned"), "no_mass"),
    ],
)
def test_a_score_that_is_no_number_is_null_with_a_reason(renderer, judge, reason):
    rows = judge_rows(ROWS, judge, renderer, Degenerate, 2048)
    assert [(row["score"], row["reason"]) for row in rows] == [(None, reason)] * 2
