import asyncio
import json
import threading
import time
import traceback
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scripted_server import NAME, ScriptedServer, cut, drop, hang, status, text
from support.told import Told, told

from builder.errors import StageError
from builder.llm.engines.endpoint import Endpoint
from builder.llm.engines.engine import Failed
from builder.llm.engines.request_failures import Pace, seconds_asked
from builder.recipe.sections.runtime import Runtime

KEY = "sk-very-secret-0123456789"
AGAIN = {
    "too many": (status(429, Retry_After="7"), "engine_status_429"),
    "overloaded": (status(503), "engine_status_503"),
    "broken": (status(500), "engine_status_500"),
    "nothing": (text("", "text/html"), "engine_bad_reply"),
    "hang": (hang, "engine_timeout"),
    "drop": (drop, "engine_connection"),
    "cut": (cut, "engine_connection"),
    "garbage": (text('{"choices": [{"tok'), "engine_bad_reply"),
    "a page": (text("<html>busy</html>", "text/html"), "engine_bad_reply"),
    "no object": (text("[]"), "engine_bad_reply"),
    "null": (text("null"), "engine_bad_reply"),
    "no choices": (text('{"choices": []}'), "engine_bad_reply"),
    "an error of status 200": (text('{"error": {"message": "busy"}}'), "engine_bad_reply"),
}
"""What another try may cure, and the reason of a row that it did not."""
LIMIT = {"hang": {"request_seconds": 1.5}}
"""Short only where it is waited for: a busy machine may take a second for an answer."""


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self, jitter=1.0):
        self.now, self.waits = 0.0, []
        self.pace = Pace(self.sleep, lambda: self.now, lambda: jitter)

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def endpoint(server, clock=None, tick=lambda: None, **options):
    values = {"concurrency": 4, "request_tries": 3, "endpoint": server.endpoint, **options}
    return Endpoint(Runtime(**values), tick, (clock or Clock()).pace)


def bodies(count):
    return [{"model": NAME, "prompt": [10, at], "max_tokens": 8, "return_token_ids": True} for at in range(count)]


def read(at, reply):
    return at, reply["choices"][0]["token_ids"]


def right(server, count):
    return [(at, server.reply(body)["choices"][0]["token_ids"]) for at, body in enumerate(bodies(count))]


def tries(server, at):
    return server.tries[json.dumps([10, at])]


@pytest.mark.parametrize("name", AGAIN)
def test_what_fails_once_is_asked_once_more_and_nothing_is_lost_or_out_of_order(server, name):
    play, ticks, progress = AGAIN[name][0], [], Told()
    server.plays = lambda prompt, nth: play if nth == 0 and prompt[1] % 2 else None
    with told(progress):
        found = endpoint(server, tick=lambda: ticks.append(1), **LIMIT.get(name, {})).ask(
            "/completions", bodies(9), read
        )
    assert found == right(server, 9)
    assert [tries(server, at) for at in range(9)] == [1, 2] * 4 + [1]
    assert len(ticks) == 13
    assert (progress.requests, progress.answers) == ([9], 9)  # a row that is asked again is answered once


@pytest.mark.parametrize("name", sorted(set(AGAIN) - {"too many"}))
def test_a_row_that_never_succeeds_fails_alone_after_all_tries(server, name):
    play, reason = AGAIN[name]
    server.plays = lambda prompt, nth: play if prompt[1] == 2 else None
    found = endpoint(server, **LIMIT.get(name, {})).ask("/completions", bodies(6), read)
    assert isinstance(found[2], Failed)
    assert found[2].reason == reason
    assert found[2].message
    assert found[:2] + found[3:] == [answer for answer in right(server, 6) if answer[0] != 2]
    assert tries(server, 2) == 3
    assert [tries(server, at) for at in (0, 1, 3, 4, 5)] == [1] * 5


def test_a_quota_that_lasts_longer_than_all_tries_loses_no_row(server):
    server.plays = lambda prompt, nth: AGAIN["too many"][0] if nth < 9 else None
    found = endpoint(server, request_seconds=10_000).ask("/completions", bodies(6), read)
    assert found == right(server, 6)
    assert [tries(server, at) for at in range(6)] == [10] * 6


def test_a_quota_that_never_ends_stops_the_stage_and_blames_no_row(server):
    server.plays = lambda prompt, nth: AGAIN["too many"][0] if prompt[1] == 2 else None
    with pytest.raises(StageError, match=r"nothing has succeeded for [\d,]+ seconds"):
        endpoint(server).ask("/completions", bodies(6), read)


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from(sorted(set(AGAIN) - {"hang"})), max_size=4), max_size=8), st.integers(1, 5))
def test_every_request_is_answered_once_or_fails_whatever_goes_wrong(scripts, concurrency):
    server = ScriptedServer()

    def play(prompt, nth):
        script = scripts[prompt[1]]
        return AGAIN[script[nth]][0] if nth < len(script) else None

    server.plays = play
    try:
        found = endpoint(server, concurrency=concurrency).ask("/completions", bodies(len(scripts)), read)
        whole = right(server, len(scripts))
        for at, script in enumerate(scripts):
            if found[at] == whole[at]:
                assert tries(server, at) == len(script) + 1
            else:
                assert found[at].reason == AGAIN[script[tries(server, at) - 1]][1]
                assert tries(server, at) >= 3
            if len(script) < 3:
                assert found[at] == whole[at]
        assert len(found) == len(scripts)
    finally:
        server.close()


def test_a_rejected_row_fails_at_once_with_what_the_server_said(server):
    server.plays = lambda prompt, nth: status(400, "too long:\n 9 tokens") if prompt[1] == 1 else None
    found = endpoint(server).ask("/completions", bodies(3), read)
    assert found[1] == Failed("engine_rejected", "status 400: too long: 9 tokens")
    assert [tries(server, at) for at in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("play", "message"),
    [
        (status(401, "no"), r"the server refuses \(status 401: no\); set OPENAI_API_KEY"),
        (status(403), "the server refuses"),
        (status(402), "the server refuses"),
        (text("", "text/plain"), None),
        (status(404, "no such model"), r"status 404 \(no such model\): either the model is not served any more"),
    ],
)
def test_what_no_row_is_to_blame_for_ends_the_call_at_once(server, play, message):
    server.plays = lambda prompt, nth: play
    if message is None:  # a server that answers with nothing is alive, so its rows fail
        assert {answer.reason for answer in endpoint(server).ask("/completions", bodies(3), read)} == {
            "engine_bad_reply"
        }
        return
    with pytest.raises(StageError, match=message):
        endpoint(server).ask("/completions", bodies(30), read)
    assert len(server.asked) <= 4


def test_a_spent_quota_ends_the_call_although_its_status_is_that_of_a_busy_server(server):
    spent = json.dumps({"error": {"message": "no credit", "code": "insufficient_quota"}})
    server.plays = lambda prompt, nth: lambda handler, _: handler.send(429, spent)
    with pytest.raises(StageError, match="the server refuses"):
        endpoint(server).ask("/completions", bodies(30), read)
    assert len(server.asked) <= 4


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (None, [2.0, 4.0]),
        ("7", [7.0, 7.0]),
        ("2.5", [2.5, 4.0]),
        ("86400", [300.0, 300.0]),
        ("-3", [2.0, 4.0]),
        ("soon", [2.0, 4.0]),
        ("nan", [2.0, 4.0]),
    ],
)
def test_waits_grow_and_are_never_shorter_than_the_server_asks(server, asked, waits):
    headers = {} if asked is None else {"Retry_After": asked}
    server.plays = lambda prompt, nth: status(429, **headers) if nth < 2 else None
    clock = Clock()
    assert endpoint(server, clock).ask("/completions", bodies(1), read) == right(server, 1)
    assert clock.waits == waits


def test_retry_after_may_be_a_date():
    at = 1_800_000_000
    assert seconds_asked(formatdate(at + 90, usegmt=True), now=lambda: at) == 90
    assert seconds_asked(formatdate(at - 90, usegmt=True), now=lambda: at) == 0


def test_chance_spreads_the_waits_and_changes_no_answer(server):
    server.plays = lambda prompt, nth: status(500) if nth == 0 else None
    short, long = Clock(jitter=0.0), Clock(jitter=1.0)
    first = endpoint(server, short).ask("/completions", bodies(2), read)
    server.tries.clear()
    assert endpoint(server, long).ask("/completions", bodies(2), read) == first
    assert (short.waits, long.waits) == ([1.0, 1.0], [2.0, 2.0])


def test_no_more_requests_are_in_hand_than_the_recipe_allows(server):
    def slow(handler, answer):
        time.sleep(0.03)
        handler.send(200, json.dumps(answer))

    server.plays = lambda prompt, nth: slow
    assert endpoint(server, concurrency=3).ask("/completions", bodies(12), read) == right(server, 12)
    assert server.most == 3


def test_a_busy_server_that_lets_others_through_costs_a_row_no_try(server):
    """The first row is put off eight times, each time after another row got through; it has three tries."""
    others = threading.Semaphore(0)

    def put_off(handler, answer):
        others.acquire(timeout=5)
        time.sleep(0.05)
        status(429)(handler, answer)

    def answered(handler, answer):
        handler.send(200, json.dumps(answer))
        others.release()

    server.plays = lambda prompt, nth: (put_off if nth < 8 else None) if prompt[1] == 0 else answered
    found = endpoint(server, concurrency=2).ask("/completions", bodies(40), read)
    assert found == right(server, 40)
    assert tries(server, 0) == 9


def test_a_server_that_is_down_ends_the_call_soon(server):
    server.close()
    clock = Clock()
    with pytest.raises(StageError, match=r"the server does not answer \(engine_connection: .+\); see that it runs"):
        endpoint(server, clock).ask("/completions", bodies(500), read)
    assert len(clock.waits) <= 8


def test_a_server_that_dies_on_the_way_ends_the_call_soon(server):
    def die(handler, answer):
        server.models_play = drop
        drop(handler, answer)

    server.plays = lambda prompt, nth: die if prompt[1] >= 20 else None
    with pytest.raises(StageError, match="the server does not answer"):
        endpoint(server).ask("/completions", bodies(500), read)
    assert len(server.asked) < 60


def test_a_connection_that_is_lost_while_a_server_is_asked_whether_it_lives_says_nothing_of_it(server):
    lost = []

    def lose_once(handler, answer):
        server.models_play = None
        lost.append(True)
        drop(handler, answer)

    server.models_play = lose_once
    server.plays = lambda prompt, nth: drop if prompt[1] == 5 else None
    found = endpoint(server, request_tries=1).ask("/completions", bodies(20), read)
    assert lost == [True]
    assert found[5].reason == "engine_connection"
    assert [answer for at, answer in enumerate(found) if at != 5] == [
        answer for at, answer in enumerate(right(server, 20)) if at != 5
    ]


@pytest.mark.parametrize("play", [hang, status(500)])
def test_a_server_that_lives_and_does_nothing_ends_the_call_soon(server, play):
    server.plays = lambda prompt, nth: play
    clock = Clock()
    with pytest.raises(StageError, match=r"nothing has succeeded for \d+ seconds and \d+ requests, the last with"):
        endpoint(server, clock, concurrency=8, request_seconds=1).ask("/completions", bodies(500), read)
    assert len(server.asked) <= 40


def test_one_row_that_hangs_alone_does_not_count_as_a_server_that_does_nothing(server):
    server.plays = lambda prompt, nth: hang if prompt[1] == 0 else None
    found = endpoint(server, concurrency=1, request_seconds=1).ask("/completions", bodies(3), read)
    assert found[0] == Failed("engine_timeout", "no reply within 1 seconds")
    assert found[1:] == right(server, 3)[1:]


def test_a_reply_that_trickles_in_ends_at_the_limit(server):
    def trickle(handler, answer):
        handler.head(200, 1_000, {})
        for _ in range(1_000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            sent.append(1)
            if server.closing.wait(0.05):
                return

    server.plays = lambda prompt, nth: trickle
    sent = []
    found = endpoint(server, request_tries=1, request_seconds=1).ask("/completions", bodies(1), read)
    assert found[0].reason == "engine_timeout"
    assert 0 < len(sent) < 100  # of 1,000, which take 50 seconds


def test_waiting_for_a_slow_reply_is_no_stall(server, monkeypatch):
    def slow(handler, answer):
        if not server.closing.wait(0.6):
            text(json.dumps(answer))(handler, answer)

    monkeypatch.setattr("builder.llm.engines.endpoint.BEAT_SECONDS", 0.05)
    server.plays = lambda prompt, nth: slow
    ticks = []
    found = endpoint(server, tick=lambda: ticks.append(time.monotonic())).ask("/completions", bodies(1), read)
    assert found == right(server, 1)
    assert len(ticks) >= 4


def test_no_rows_are_no_requests(server):
    assert endpoint(server).ask("/completions", [], read) == []
    assert server.headers == []


def test_the_models_are_asked_for_again_while_the_server_starts(server):
    left = [status(503), drop, None]

    def play(handler, _):
        one = left.pop(0)
        handler.send(200, json.dumps(server.models())) if one is None else one(handler, {})

    server.models_play = play
    assert list(endpoint(server).served()) == [NAME]
    assert left == []


def test_an_address_that_is_not_that_of_the_interface_is_said_to_be_wrong(server):
    server.models_play = text("<html>welcome</html>", "text/html")
    with pytest.raises(StageError, match=r"does not say which models it serves .*mostly ends in /v1"):
        endpoint(server).served()
    server.models_play = None
    with pytest.raises(StageError, match="status 404"):
        endpoint(server, endpoint=server.endpoint.removesuffix("/v1")).served()


def test_the_key_comes_from_the_environment_alone(server, monkeypatch):
    server.key = KEY
    with pytest.raises(StageError, match=r"refuses \(status 401: wrong key none\); set OPENAI_API_KEY"):
        endpoint(server).served()
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    assert list(endpoint(server).served()) == [NAME]
    assert server.headers[-1]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("code", [400, 401, 404, 500])
def test_no_message_holds_the_key_even_if_the_server_says_it(server, monkeypatch, code):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.plays = lambda prompt, nth: status(code, f"what is {KEY}?" + "x" * 290 + KEY)
    try:
        said = str(endpoint(server).ask("/completions", bodies(2), read))
    except StageError as error:
        said = "".join(traceback.format_exception(error))
    assert "what is ***?" in said
    assert KEY[:10] not in said


@pytest.mark.parametrize("key", ["two words", "a\nb", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(server, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(StageError, match="OPENAI_API_KEY holds characters") as caught:
        endpoint(server)
    assert key not in str(caught.value)
