"""A server that lies: every row ends as answered or failed, or the stage stops, and nothing else follows from it."""

import asyncio
import json

import pytest
from support import lies
from support.scripted_server import NAME, ScriptedServer, status, text

from builder.errors import StageError
from builder.llm.engines.chat_model import ChatModel
from builder.llm.engines.endpoint import Endpoint
from builder.llm.engines.engine import Failed, Generation, Sampling
from builder.llm.engines.openai_engine import OpenaiEngine
from builder.llm.engines.request_failures import Pace
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime

SAMPLING = Sampling(0.5, 0.8, 20)
WATCHING = Sampling(0.7, 0.9, 20, watched=(33, 4))
PROBLEMS = {
    "engine_bad_reply", "engine_connection", "engine_rejected", "engine_status_500", "engine_status_999",
    "engine_timeout",
}  # fmt: skip


def patience():
    """Waits that take no time, and what they would have taken."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)
        await asyncio.sleep(0)

    return Pace(sleep, lambda: sum(waits), lambda: 1.0), waits


def talk(name):
    return [{"role": "user", "content": name}]


def runtime(server, **options):
    return Runtime(**{"endpoint": server.endpoint, "concurrency": 4, "request_tries": 1, **options})


def told(server, table, **options):
    """What becomes of a row for each lie of a table, asked for in conversations; honest rows are between them."""
    plays = {name: play() for name, play in table.items()}
    server.plays = lambda prompt, nth: plays.get(prompt[-1]["content"])
    names = [name for lie in table for name in (lie, f"honest after {lie}")]
    chat = ChatModel(NAME, runtime(server, **options), pace=patience()[0])
    found = dict(zip(names, chat.generate([talk(name) for name in names], SAMPLING, [7] * len(names)), strict=True))
    for name in names[1::2]:
        assert found[name] == Generation(f"{name} 7", True, None, 3)
    return {name: found[name] for name in table}


def assert_failed(found):
    assert [name for name, answer in found.items() if not isinstance(answer, Failed)] == []
    assert {answer.reason for answer in found.values()} <= PROBLEMS
    assert all(answer.message.isprintable() and 0 < len(answer.message) <= 400 for answer in found.values())


def test_every_lie_about_a_reply_fails_its_own_row_and_no_other(server):
    found = told(server, lies.LIES)
    assert_failed(found)
    for bomb in ("a gzip bomb", "a deflate bomb", "a brotli bomb", "a chain of bombs", "zstd"):
        assert "compressed" in found[bomb].message


def test_every_lie_in_a_conversation_fails_its_own_row_and_no_other(server):
    assert_failed(told(server, lies.CHAT_LIES))


def test_what_is_only_odd_in_a_conversation_is_an_answer_without_it(server):
    found = told(server, lies.CHAT_ODDITIES)
    assert {type(answer) for answer in found.values()} == {Generation}
    assert {name for name, answer in found.items() if answer.tokens is None} == {
        "usage that is negative", "usage beyond a machine word", "usage that is true", "usage that is a list",
    }  # fmt: skip
    assert found["no content"].text == found["a refusal"].text == ""
    assert not found["an unknown finish_reason"].ended


def test_what_goes_on_and_on_ends_at_the_limit_of_its_request(server):
    plays = {name: play() for name, play in lies.SLOW_LIES.items()}
    server.plays = lambda prompt, nth: plays[prompt[-1]["content"]]
    chat = ChatModel(NAME, runtime(server, request_seconds=1.5, concurrency=9), pace=patience()[0])
    found = dict(zip(plays, chat.generate([talk(name) for name in plays], SAMPLING, [7] * len(plays)), strict=True))
    assert_failed(found)
    assert {found[name].reason for name in plays if "dripping" in name} == {"engine_timeout"}


def test_a_reply_is_read_no_further_than_an_answer_can_be_long(server):
    sent = []

    def play(handler, _):
        handler.head(200, 1 << 30, {})
        for _ in range(1 << 14):
            handler.wfile.write(b" " * 65_536)
            sent.append(65_536)

    server.plays = lambda prompt, nth: play
    found = ChatModel(NAME, runtime(server)).generate([talk("a")], SAMPLING, [7])[0]
    assert found.reason == "engine_bad_reply"
    assert "bytes, which is more than an answer can have" in found.message
    assert sum(sent) < 64 << 20  # of a GiB; what is beyond the limit lies in the buffers of the system


def test_a_reply_that_was_there_before_its_request_is_none(server):
    server.plays = lambda prompt, nth: lies.two_replies if prompt[-1]["content"] == "0" else None
    found = ChatModel(NAME, runtime(server, concurrency=1, request_tries=2), pace=patience()[0]).generate(
        [talk(str(n)) for n in range(3)], SAMPLING, [7] * 3
    )
    assert [answer.text for answer in found] == ["0 7", "1 7", "2 7"]


@pytest.fixture(scope="module")
def model(untrained):
    folder = untrained("backward")
    (folder / NAME).symlink_to(folder / "model")
    return folder / "model"


def engine(server, model, **options):
    server.served = [model.parent.name]
    return OpenaiEngine(model, Engine(kind="openai", max_model_len=400), runtime(server, **options), pace=patience()[0])


def asked_of(server, engine, table):
    """What becomes of a row for each lie of a table, by each question in token ids; honest rows are between them."""
    plays = [play() for play in table.values()]
    rows = [[9, at + 1, 3, odd] for at in range(len(plays)) for odd in (4, 5)]
    server.plays = lambda prompt, nth: plays[prompt[1] - 1] if prompt[3] == 4 else None
    for ask in (
        lambda: engine.generate(rows, WATCHING, [7] * len(rows)),
        lambda: engine.token_logprobs(rows, [1] * len(rows)),
        lambda: engine.next_logprobs(rows, [33, 4, 12]),
    ):
        found = ask()
        assert not any(isinstance(answer, Failed) for answer in found[1::2])
        yield dict(zip(table, found[::2], strict=True))


def test_nothing_of_a_lie_is_taken_for_a_score(server, model):
    answers = list(asked_of(server, engine(server, model), lies.SCORE_LIES))
    assert len(answers) == 3
    for found in answers:
        assert_failed(found)


def test_tokens_that_the_model_cannot_have_written_are_no_answer(server, model):
    assert_failed(next(asked_of(server, engine(server, model), lies.TOKEN_LIES)))


def test_digits_that_are_together_more_probable_than_1_are_no_score(server, model):
    server.plays = lambda prompt, nth: lies.logprob(-0.1)
    found = engine(server, model).next_logprobs([[1, 2]], [33, 4, 12])[0]
    assert found.reason == "engine_bad_reply"
    assert "together more probable" in found.message


@pytest.mark.parametrize("name", lies.LIST_LIES)
def test_a_list_of_models_that_lies_stops_the_stage_with_a_short_message(server, model, name):
    server.models_play, config = lies.LIST_LIES[name](), Engine(kind="openai", max_model_len=400)
    with pytest.raises(StageError) as caught:
        OpenaiEngine(model.parent / NAME, config, runtime(server), pace=patience()[0])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 3_000


def test_a_server_that_names_itself_otherwise_stops_the_stage_with_a_short_message(server, model):
    asking = engine(server, model)
    server.plays = lambda prompt, nth: lies.whole(lambda reply: reply.update(model="\x1b[2J" + "m" * 9_000))
    with pytest.raises(StageError, match=r"answers as .*, not as") as caught:
        asking.generate([[1, 2]], SAMPLING, [7])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_neither_rows_nor_key_follow_a_redirect(server, monkeypatch, code):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    other = ScriptedServer()
    try:
        server.plays = lambda prompt, nth: lies.moved(f"{other.endpoint}/completions", code)
        body = {"model": NAME, "prompt": [1], "max_tokens": 3}
        with pytest.raises(StageError, match=rf"sends requests on to {other.endpoint}.*make it runtime.endpoint"):
            Endpoint(runtime(server)).ask("/completions", [body], lambda at, reply: reply)
        server.models_play = lies.moved(f"{other.endpoint}/models", code)
        with pytest.raises(StageError, match="sends requests on"):
            Endpoint(runtime(server)).served()
        assert other.headers == []
        assert len(server.headers) == 2
    finally:
        other.close()


@pytest.mark.parametrize("name", lies.MOVES)
def test_a_redirect_wherever_it_leads_ends_the_stage_with_a_clear_message(server, name):
    server.plays = lambda prompt, nth: lies.moved(lies.MOVES[name])
    with pytest.raises(StageError, match="sends requests on to") as caught:
        Endpoint(runtime(server)).ask(
            "/completions", [{"model": NAME, "prompt": [1], "max_tokens": 3}], lambda at, reply: reply
        )
    assert str(caught.value).isprintable()
    assert len(server.asked) == 1


@pytest.mark.parametrize("wait", lies.WAITS)
def test_a_server_may_put_a_row_off_for_five_minutes_at_most(server, wait):
    server.plays = lambda prompt, nth: lies.busy(wait) if nth < 3 else None
    pace, waits = patience()
    found = ChatModel(NAME, runtime(server), pace=pace).generate([talk("a")], SAMPLING, [7])
    assert found[0].text == "a 7"
    assert len(waits) == 3
    assert all(0 < seconds <= 300 for seconds in waits)


def test_nothing_that_a_server_sets_comes_back_with_the_next_request(server):
    server.plays = lambda prompt, nth: (
        lambda handler, answer: handler.send(
            200, json.dumps(answer), {"Set-Cookie": "id=stranger; Path=/", "Content-Type": "text/plain; charset=bz2"}
        )
    )
    ChatModel(NAME, runtime(server, concurrency=1)).generate([talk(str(n)) for n in range(3)], SAMPLING, [7] * 3)
    assert len(server.headers) == 4
    assert not any("cookie" in sent for sent in server.headers)
    assert {sent["accept-encoding"] for sent in server.headers} == {"identity"}


@pytest.mark.parametrize("play", [text("\x1b[2J\u202e" + "x" * 9_000), status(400, "\x1b]0;x\x07" + "y" * 9_000)])
def test_what_a_server_says_is_shown_escaped_and_short(server, play, capfd):
    server.plays = lambda prompt, nth: play
    found = ChatModel(NAME, runtime(server)).generate([talk("a")], SAMPLING, [7])[0]
    assert found.message.isprintable()
    assert len(found.message) <= 400
    assert "\x1b" not in capfd.readouterr().err
