import pytest
from support.scripted_server import NAME, changed, status

from builder.errors import StageError
from builder.llm.engines.chat_model import ChatModel
from builder.llm.engines.engine import Generation, Sampling
from builder.recipe.sections.runtime import Runtime

SAMPLING = Sampling(0.5, 0.8, 20)
TALKS = [[{"role": "system", "content": "s"}, {"role": "user", "content": f"question {n}"}] for n in range(5)]


def model(server, name=NAME, **options):
    return ChatModel(name, Runtime(endpoint=server.endpoint, concurrency=2, request_tries=1, **options))


def test_replies_come_in_order_with_their_seeds(server):
    found = model(server).generate(TALKS, SAMPLING, [9, 8, 7, 6, 5])
    assert found == [Generation(f"question {n} {9 - n}", True, None, 3) for n in range(5)]
    assert server.asked[0].keys() == {"model", "messages", "temperature", "top_p", "max_tokens", "seed"}
    assert {body["temperature"] for body in server.asked} == {0.5}


def test_log_probabilities_are_read_where_a_server_gives_them_unasked(server):
    steps = {"content": [{"token": "1", "logprob": -0.25}] * 3}
    server.plays = lambda prompt, nth: changed(lambda choice: choice.update(logprobs=steps))
    assert model(server).generate(TALKS[:1], SAMPLING, [1]) == [Generation("question 0 1", True, -0.75, 3)]


@pytest.mark.parametrize(
    ("change", "generation"),
    [
        (lambda choice: choice.update(finish_reason="length"), Generation("question 0 1", False, None, 3)),
        (lambda choice: choice.update(finish_reason="content_filter"), Generation("question 0 1", False, None, 3)),
        (lambda choice: choice["message"].update(content=None, refusal="no"), Generation("", True, None, 3)),
    ],
)
def test_a_reply_that_was_cut_or_withheld_is_no_error(server, change, generation):
    server.plays = lambda prompt, nth: changed(change)
    assert model(server).generate(TALKS[:1], SAMPLING, [1]) == [generation]


def test_a_row_that_fails_says_why_and_a_malformed_reply_is_no_reply(server):
    plays = [status(400, "no"), changed(lambda choice: choice["message"].update(content=["x"])), None]
    server.plays = lambda prompt, nth: plays[min(2, TALKS.index(prompt))]
    found = model(server).generate(TALKS, SAMPLING, [0] * 5)
    assert [answer.reason for answer in found[:2]] == ["engine_rejected", "engine_bad_reply"]
    assert [answer.text for answer in found[2:]] == [f"question {n} 0" for n in (2, 3, 4)]


def test_a_model_that_is_not_served_is_refused_with_what_is(server):
    with pytest.raises(StageError, match=rf"serves {NAME}, but the recipe names gpt-x; use one of those"):
        model(server, "gpt-x")
