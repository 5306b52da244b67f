import json
import time

import pytest
from support.scripted_server import NAME, refusal, status

from builder.errors import StageError
from builder.llm.engines.chat_model import ChatModel
from builder.llm.engines.endpoint import Endpoint
from builder.llm.engines.engine import Failed, Sampling
from builder.llm.engines.refusals import SAME, SENTENCES, refused_parameter
from builder.recipe.sections.runtime import Runtime

SAMPLING = Sampling(0.5, 0.8, 20)
TALKS = [[{"role": "user", "content": f"question {n}"}] for n in range(60)]
OLD_NAME = "Unsupported parameter: this model knows no 'max_tokens'; use 'max_completion_tokens'"


def model(server, **options):
    return ChatModel(NAME, Runtime(endpoint=server.endpoint, concurrency=3, request_tries=1), **options)


def ask(server, count=9, **options):
    return model(server, **options).generate(TALKS[:count], SAMPLING, range(count))


def test_max_completion_tokens_is_sent_where_max_tokens_is_refused(server, capfd):
    server.refuses = {"max_tokens": OLD_NAME}
    chat = model(server)
    for _ in range(2):
        found = chat.generate(TALKS[:9], SAMPLING, range(9))
        assert [answer.text for answer in found] == [f"question {n} {n}" for n in range(9)]
    refused = [body for body in server.asked if "max_tokens" in body]
    assert 1 <= len(refused) <= 3  # those that were in hand; learned once
    assert {body.get("max_completion_tokens") for body in server.asked if body not in refused} == {20}
    log = capfd.readouterr().err
    assert log.count("max_completion_tokens is sent instead of max_tokens from now on") == log.count(OLD_NAME) == 1


def test_a_server_that_refuses_both_names_is_asked_no_further(server):
    server.refuses = {"max_tokens": OLD_NAME, "max_completion_tokens": "Unknown parameter"}
    with pytest.raises(StageError, match=r"does not take max_completion_tokens \(.*leave_out: \[max_tokens\]"):
        ask(server)
    server.asked.clear()
    assert not any(isinstance(answer, Failed) for answer in ask(server, leave_out=["max_tokens"]))
    assert len(server.asked) == 9


@pytest.mark.parametrize("name", ["temperature", "top_p", "seed"])
def test_a_parameter_that_is_refused_ends_the_stage_at_once_and_can_be_left_out(server, name, capfd):
    said = f"Unsupported value: '{name}' can only be the default"
    server.refuses = {name: said}
    with pytest.raises(
        StageError, match=rf"does not take {name} \(.*{said}\); write leave_out: \[{name}\] beside served"
    ):
        ask(server, 60)
    assert len(server.asked) <= 3
    assert said in capfd.readouterr().err
    found = ask(server, leave_out=[name])
    assert [answer.text for answer in found] == [f"question {n} {None if name == 'seed' else n}" for n in range(9)]


def test_requests_that_are_all_refused_for_one_reason_end_the_stage(server, capfd):
    server.plays = lambda prompt, nth: status(400, "this model takes no turn of the system")
    with pytest.raises(StageError, match=r"refuses every request, 20 so far, .*no turn of the system\); see what"):
        ask(server, 60)
    assert SAME <= len(server.asked) <= SAME + 3
    assert capfd.readouterr().err.count("no turn of the system") == 1


def test_a_refusal_is_about_its_row_where_other_rows_are_answered(server, capfd):
    chat = model(server)
    assert chat.generate(TALKS[:1], SAMPLING, [0])[0].text == "question 0 0"
    server.plays = lambda prompt, nth: status(400, "this is not allowed: temperature")
    found = chat.generate(TALKS, SAMPLING, range(60))
    assert found == [Failed("engine_rejected", "status 400: this is not allowed: temperature")] * 60
    capfd.readouterr()
    server.plays = lambda prompt, nth: status(400, f"too long: {prompt[0]['content']}")
    assert {answer.reason for answer in ask(server, 60)} == {"engine_rejected"}
    assert capfd.readouterr().err.count("too long") == SENTENCES


def test_refusals_that_come_before_the_first_answers_do_not_end_the_stage(server):
    def slowly(handler, answer):
        time.sleep(1.5)
        handler.send(200, json.dumps(answer))

    refused = [int(talk[0]["content"].split()[1]) % 5 < 3 for talk in TALKS]
    server.plays = lambda prompt, nth: (
        status(400, "too long for this model") if refused[int(prompt[0]["content"].split()[1])] else slowly
    )
    runtime = Runtime(endpoint=server.endpoint, concurrency=15, request_tries=3)
    found = ChatModel(NAME, runtime).generate(TALKS, SAMPLING, range(60))
    assert [isinstance(answer, Failed) for answer in found] == refused


def test_a_row_that_is_refused_after_others_were_answered_renames_nothing(server):
    chat = model(server)
    chat.generate(TALKS[:2], SAMPLING, [0, 1])
    server.plays = lambda prompt, nth: status(400, "max_tokens 20 is not allowed with a prompt of this length")
    assert isinstance(chat.generate(TALKS[:1], SAMPLING, [0])[0], Failed)
    server.plays = lambda prompt, nth: None
    chat.generate(TALKS[:2], SAMPLING, [0, 1])
    assert all("max_tokens" in body for body in server.asked)


def test_a_server_of_token_ids_has_nothing_to_leave_out(server):
    server.plays = lambda prompt, nth: refusal("temperature", "temperature is not supported")
    endpoint = Endpoint(Runtime(endpoint=server.endpoint, concurrency=1))
    with pytest.raises(StageError, match=r"does not take temperature .*serve the model with vLLM's server"):
        endpoint.ask("/completions", [{"model": NAME, "prompt": [1], "max_tokens": 1}], lambda at, reply: reply)


@pytest.mark.parametrize(
    ("error", "said", "parameter"),
    [
        (
            {"param": "max_tokens", "code": "unsupported_parameter"},
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        ({}, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens"),
        ({"param": "temperature", "code": "unsupported_value"}, "0.7 is not the default", "temperature"),
        ({}, "[{'type': 'extra_forbidden', 'loc': ['body', 'seed']}]", "seed"),
        ({}, "`temperature` and `top_p` cannot both be specified", "temperature"),
        ({"param": "messages"}, "role 'system' is not supported", None),
        ({}, "'max_tokens' or 'max_completion_tokens' is too large: 512. The context has 2048 tokens", None),
        ({"param": "max_tokens"}, "this model's context is 2048 tokens", None),
        ({"param": None, "code": 400}, "seeds of plants are not allowed", None),
    ],
)
def test_what_a_server_does_not_take_is_told_from_what_is_wrong_with_a_row(error, said, parameter):
    assert refused_parameter(error, said) == parameter
