"""What a lying or broken server may do with one request: bytes that no honest server sends, in many forms.

Each is a `Play` of the scripted server.
"""

import bz2
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

from support.scripted_server import END, NAME, Handler, Play, changed, status, text, token_logprob

BOMB = 8 << 20
"""Bytes that a small reply would become, and a large one as easily."""
BROTLI = bytes.fromhex(
    "cfffff7ff82540e2b14020f7fe9ffffffff04b00c4610180eefd3fffffffe1970088c32200ddfb7ffeffffc32f0110870500"
)
"""The beginning of 256 MiB of blanks."""
SECOND = '{"model": "%s", "choices": [{"index": 0, "token_ids": [77, 2], "logprobs": null}]}'


def raw(data: bytes) -> Play:
    """Bytes in the place of a whole reply, after which the connection is closed."""

    def play(handler: Handler, _: dict[str, Any]) -> None:
        handler.close_connection = True
        handler.wfile.write(data)

    return play


def framed(body: bytes, **headers: str) -> Play:
    """A reply of status 200 with a body of bytes."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}

    def play(handler: Handler, _: dict[str, Any]) -> None:
        handler.head(200, len(body), fields)
        handler.wfile.write(body)

    return play


def without_end(part: bytes, head: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n") -> Play:
    """A reply that goes on for as long as anyone reads."""

    def play(handler: Handler, _: dict[str, Any]) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        while not handler.script.closing.is_set():
            handler.wfile.write(part)

    return play


def drip(head: bytes) -> Play:
    """A byte every now and then, each before a limit between bytes is over."""

    def play(handler: Handler, _: dict[str, Any]) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        while not handler.script.closing.wait(0.03):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return play


def moved(to: str, code: int = 307) -> Play:
    """A redirect; `{}` is the server's own address."""
    return lambda handler, _: handler.send(code, "", {"Location": to.format(handler.script.endpoint)})


def whole(change: Callable[[dict[str, Any]], object]) -> Play:
    """The right answer after a change to the reply as a whole."""

    def play(handler: Handler, answer: dict[str, Any]) -> None:
        change(answer)
        handler.send(200, json.dumps(answer))

    return play


def doubled_key(handler: Handler, answer: dict[str, Any]) -> None:
    """The model's name and the choices twice; one reader takes the first, another the last."""
    handler.send(200, json.dumps(answer)[:-1] + ', "choices": ' + json.dumps(answer["choices"]) + "}")


def two_replies(handler: Handler, answer: dict[str, Any]) -> None:
    """The answer, and in the same write one that nobody has asked for yet."""
    first, second = json.dumps(answer).encode(), (SECOND % answer["model"]).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    handler.wfile.write(head % len(first) + first + head % len(second) + second)


def compressed(kind: str) -> bytes:
    """Blanks that a decoder would make of a small body."""
    packers = {"gzip": gzip.compress, "bz2": bz2.compress, "deflate": zlib.compress}
    return packers[kind](b" " * BOMB, 1)


LIES: dict[str, Callable[[], Play]] = {
    "nothing": lambda: raw(b""),
    "an empty body": lambda: text(""),
    "no content": lambda: lambda handler, _: handler.send(204, ""),
    "truncated JSON": lambda: text('{"model": "m", "choices": [{"index": 0, "tok'),
    "HTML": lambda: text("<html><body>busy</body></html>", "text/html"),
    "an error with status 200": lambda: text('{"error": {"message": "busy", "code": 500}}'),
    "an array": lambda: text("[" * 3 + "]" * 3),
    "a string": lambda: text('"choices"'),
    "deep arrays": lambda: text("[" * 200_000),
    "deep objects": lambda: text('{"a":' * 200_000 + "1" + "}" * 200_000),
    "an error that is deep": lambda: lambda handler, _: handler.send(500, '{"error":' * 100_000),
    "an endless number": lambda: text('{"model": ' + "9" * 100_000 + "}"),
    "no JSON of numbers": lambda: text('{"model": NaN, "choices": [Infinity]}'),
    "keys twice": lambda: doubled_key,
    "no UTF-8": lambda: framed(b'{"model": "\xff\xfe"}'),
    "UTF-16": lambda: framed('{"choices": []}'.encode("utf-16")),
    "an unknown charset": lambda: framed(b"{", Content_Type="application/json; charset=no-such"),
    "a charset that inflates": lambda: framed(compressed("bz2"), Content_Type="text/html; charset=bz2"),
    "a gzip bomb": lambda: framed(compressed("gzip"), Content_Encoding="gzip"),
    "a deflate bomb": lambda: framed(compressed("deflate"), Content_Encoding="deflate"),
    "a brotli bomb": lambda: framed(BROTLI, Content_Encoding="br"),
    "a chain of bombs": lambda: framed(gzip.compress(compressed("gzip")), Content_Encoding="gzip, gzip"),
    "zstd": lambda: framed(b"\x28\xb5\x2f\xfd", Content_Encoding="zstd"),
    "an endless body": lambda: without_end(b" " * 65_536),
    "an endless error": lambda: without_end(b"x" * 65_536, b"HTTP/1.1 500 Oh\r\n\r\n"),
    "a flood of headers": lambda: without_end(b"X-H: " + b"h" * 1_000 + b"\r\n", b"HTTP/1.1 200 OK\r\n"),
    "an endless status line": lambda: without_end(b"K" * 65_536, b"HTTP/1.1 200 "),
    "errors of odd parts": lambda: (
        lambda handler, _: handler.send(400, '{"error": {"message": ["no"], "code": ["no"], "param": {}}}')
    ),
    "switching protocols": lambda: raw(b"HTTP/1.1 101 Ok\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest"),
    "a negative length": lambda: raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
    "two lengths": lambda: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n{}"),
    "a huge length": lambda: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}"),
    "an early close": lambda: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
    "no HTTP": lambda: raw(b"\x00\x01\x02 220 smtp ready\r\n" * 9),
    "status 999": lambda: raw(b"HTTP/1.1 999 Oh\r\nContent-Length: 0\r\n\r\n"),
}
"""About any request: each is over soon."""
SLOW_LIES: dict[str, Callable[[], Play]] = {
    "endless chunks": lambda: without_end(
        b"1\r\n \r\n" * 4_000, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "a dripping body": lambda: drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    "a dripping head": lambda: drip(b"HTTP/1.1 200 OK\r\nX: "),
    "a dripping error": lambda: drip(b"HTTP/1.1 503 Busy\r\n\r\n"),
    "endless 100 Continue": lambda: without_end(b"HTTP/1.1 100 Continue\r\n\r\n" * 999, b""),
}
"""About any request: each goes on and on, without a pause that a limit between two bytes would see."""


def logprob(value: Any) -> Play:
    """A value in the place of every log-probability of the reply, wherever it stands."""

    def change(choice: dict[str, Any]) -> None:
        logprobs = choice.get("logprobs") or {}
        if logprobs.get("token_logprobs"):
            logprobs["token_logprobs"] = [value for _ in logprobs["token_logprobs"]]
        for step in logprobs.get("top_logprobs") or []:
            step.update(dict.fromkeys(step, value))
        for step in choice.get("prompt_logprobs") or []:
            for one in (step or {}).values():
                one["logprob"] = value

    return changed(change)


def ids(*tokens: Any) -> Play:
    """Other token ids, with log-probabilities that fit."""

    def change(choice: dict[str, Any]) -> None:
        if "token_ids" in choice:
            values = [token_logprob(1) for _ in tokens]
            choice["token_ids"] = list(tokens)
            choice["logprobs"] = {"token_logprobs": values}

    return changed(change)


TOKEN_LIES: dict[str, Callable[[], Play]] = {
    "a negative id": lambda: ids(-1, END),
    "an id out of range": lambda: ids(4_000_000, END),
    "an id that no machine word holds": lambda: ids(10**30, END),
    "an id that is true": lambda: ids(True, END),
    "an id that is a float": lambda: ids(3.0, END),
    "an id that is a word": lambda: ids("3", END),
    "ids in a word": lambda: changed(lambda choice: choice.update(token_ids="345")),
    "no tokens at all": lambda: ids(),
    "more tokens than allowed": lambda: ids(*[5] * 500),
    "tokens after the end": lambda: ids(5, END, 6, END),
    "too few log-probabilities": lambda: changed(lambda choice: choice["logprobs"]["token_logprobs"].pop()),
    "the most probable are others": lambda: changed(
        lambda choice: choice["logprobs"].update(
            top_logprobs=[{f"token_id:{n}": -0.01 for n in range(99)}] * len(choice["token_ids"])
        )
    ),
}
"""About the tokens of an answer."""
SCORE_LIES: dict[str, Callable[[], Play]] = {
    "a positive log-probability": lambda: logprob(3.5),
    "NaN": lambda: logprob(float("nan")),
    "infinite": lambda: logprob(float("inf")),
    "minus infinite": lambda: logprob(float("-inf")),
    "minus infinite, in digits": lambda: text_of(logprob(-7.25), "-7.25", "-1e999"),
    "so low that sums overflow": lambda: logprob(-1e308),
    "an int that no float holds": lambda: logprob(-(10**400)),
    "true": lambda: logprob(True),
    "a word": lambda: logprob("-0.5"),
    "an object": lambda: logprob({"logprob": -0.5}),
    "choices in a word": lambda: whole(lambda reply: reply.update(choices="x")),
    "no choices": lambda: whole(lambda reply: reply.update(choices=[])),
    "no key choices": lambda: whole(lambda reply: reply.pop("choices")),
    "choices twice": lambda: whole(lambda reply: reply.update(choices=reply["choices"] * 2)),
    "choices out of order": lambda: whole(
        lambda reply: reply.update(choices=[{**reply["choices"][0], "index": n} for n in (1, 0)])
    ),
    "another index": lambda: changed(lambda choice: choice.update(index=7)),
    "an index that is true": lambda: changed(lambda choice: choice.update(index=False)),
    "the prompt of another": lambda: changed(lambda choice: choice.update(prompt_token_ids=[9, 9, 9])),
}
"""About what a score is made of: of tokens written, of a prompt's, and of the next one."""


def text_of(play: Play, before: str, after: str) -> Play:
    """A play whose reply is changed as text, for what no JSON writer gives."""

    class Changing:
        def __init__(self, handler: Handler) -> None:
            self.script, self._handler = handler.script, handler

        def send(self, code: int, body: str) -> None:
            self._handler.send(code, body.replace(before, after))

    return lambda handler, answer: play(Changing(handler), answer)  # type: ignore[arg-type]


def message(**fields: Any) -> Play:
    """Another message of the assistant."""
    return changed(lambda choice: choice["message"].update(fields))


CHAT_LIES: dict[str, Callable[[], Play]] = {
    "content that is a list": lambda: message(content=[{"type": "text", "text": "5"}]),
    "content that is a number": lambda: message(content=5),
    "half of a surrogate pair": lambda: message(content="Score: 5 \ud800"),
    "no message": lambda: changed(lambda choice: choice.pop("message")),
    "a message that is text": lambda: changed(lambda choice: choice.update(message="Score: 5")),
    "no finish_reason": lambda: changed(lambda choice: choice.pop("finish_reason")),
    "a text without end": lambda: message(content="Score: 5 " * 2_000_000),
    "no choices": lambda: whole(lambda reply: reply.update(choices=[])),
    "two choices": lambda: whole(lambda reply: reply.update(choices=reply["choices"] * 2)),
    "another index": lambda: changed(lambda choice: choice.update(index=3)),
    "log-probabilities above 0": lambda: changed(
        lambda choice: choice.update(logprobs={"content": [{"token": "5", "logprob": 9.0}]})
    ),
    "a log-probability that no float holds": lambda: changed(
        lambda choice: choice.update(logprobs={"content": [{"token": "5", "logprob": -(10**400)}]})
    ),
}
"""About a conversation: each is a failed row."""
CHAT_ODDITIES: dict[str, Callable[[], Play]] = {
    "NUL": lambda: message(content="a\x00b"),
    "no content": lambda: message(content=None, tool_calls=[{"function": {"name": "rm", "arguments": "{}"}}]),
    "a refusal": lambda: message(content=None, refusal="no"),
    "an unknown finish_reason": lambda: changed(lambda choice: choice.update(finish_reason=["?"])),
    "usage that is negative": lambda: whole(lambda reply: reply.update(usage={"completion_tokens": -5})),
    "usage beyond a machine word": lambda: whole(lambda reply: reply.update(usage={"completion_tokens": 10**30})),
    "usage that is true": lambda: whole(lambda reply: reply.update(usage={"completion_tokens": True})),
    "usage that is a list": lambda: whole(lambda reply: reply.update(usage=[5])),
    "another model": lambda: whole(lambda reply: reply.update(model="gpt-0")),
}
"""About a conversation: each is an answer, with what is odd left out."""
LIST_LIES: dict[str, Callable[[], Play]] = {
    "an id that drives the terminal": lambda: text(json.dumps({"data": [{"id": "\x1b]0;x\x07\x1b[2J"}]})),
    "a million models": lambda: text(json.dumps({"data": [{"id": f"m{n}"} for n in range(100_000)]})),
    "an id of a megabyte": lambda: text(json.dumps({"data": [{"id": "m" * 1_000_000}]})),
    "an id that is a list": lambda: text(json.dumps({"data": [{"id": ["m"]}]})),
    "data that is text": lambda: text(json.dumps({"data": "models"})),
    "models that are text": lambda: text(json.dumps({"data": ["m"]})),
    "a context below nothing": lambda: text(json.dumps({"data": [{"id": NAME, "max_model_len": -(10**4_000)}]})),
    "the same id twice": lambda: text(json.dumps({"data": [{"id": "m"}, {"id": "m"}]})),
}
"""About the list of models."""
WAITS = [
    "1000000000",
    "-5",
    "inf",
    "nan",
    "9" * 5_000,
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00",
    "",
]
"""What Retry-After may say."""
MOVES = {
    "a loop": "{}/completions",
    "another port": "http://127.0.0.1:9/v1/completions",
    "another host": "http://localhost.invalid/v1",
    "another scheme": "https://127.0.0.1/v1",
    "a file": "file:///etc/passwd",
    "no address": "http://[::1",
    "with escapes": "http://h/\x1b[2J",
}
"""Where a redirect may lead."""


def busy(wait: str) -> Play:
    """Too many requests, with a time to wait."""
    return status(429, **({"Retry_After": wait} if wait else {}))
