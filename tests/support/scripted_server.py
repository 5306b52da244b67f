"""An OpenAI-compatible server on this machine that follows a script: which try of which request goes wrong, and how.

Its model is a formula, so that every answer can be foretold.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "model-0-0123456789ab"
END = 2
Play = Callable[["Handler", dict[str, Any]], None]
"""How a request goes wrong; the second argument is the answer it would have had."""


def status(code: int, said: str = "trouble", **headers: str) -> Play:
    """An error of the form that OpenAI and vLLM use."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.send(code, json.dumps({"error": {"message": said, "code": code}}), fields)


def refusal(parameter: str, said: str) -> Play:
    """A refusal of a parameter, with the fields that hosted servers fill."""
    error = {"message": said, "type": "invalid_request_error", "param": parameter, "code": "unsupported_parameter"}
    return lambda handler, _: handler.send(400, json.dumps({"error": error}))


def text(body: str, kind: str = "application/json") -> Play:
    """A good status with any body."""
    return lambda handler, _: handler.send(200, body, {"Content-Type": kind})


def changed(change: Callable[[dict[str, Any]], object]) -> Play:
    """The right answer after a change to its first choice."""

    def play(handler: "Handler", answer: dict[str, Any]) -> None:
        change(answer["choices"][0])
        handler.send(200, json.dumps(answer))

    return play


def hang(handler: "Handler", _: dict[str, Any]) -> None:
    """No answer until the server is closed."""
    handler.script.closing.wait(30)


def drop(handler: "Handler", _: dict[str, Any]) -> None:
    """The connection is closed without a word."""
    handler.close_connection = True


def cut(handler: "Handler", answer: dict[str, Any]) -> None:
    """The connection is closed in the middle of the answer."""
    data = json.dumps(answer).encode()
    handler.head(200, len(data), {})
    handler.wfile.write(data[: len(data) // 2])
    handler.close_connection = True


def token_logprob(token: int) -> float:
    """Log p of every token, wherever it stands; so low that some tokens together are no more probable than 1."""
    return -(token % 7 + 20) / 8


def tokens(prompt: list[int], seed: int, limit: int) -> list[int]:
    """The model's answer."""
    length = 1 + (sum(prompt) + seed) % 5
    return [*(3 + (sum(prompt) + seed + at) % 90 for at in range(length)), END][:limit]


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has hung up is nothing to report."""


class ScriptedServer:
    """A server that plays a script.

    Attributes:
        plays: For a request, given its prompt or conversation and the number of its try from 0, what goes wrong.
        answer: The model.
        served: Names of the models.
        key: The key it wants, if any.
        refuses: Parameters that it does not take, each with its sentence.
        asked: The bodies of all requests for an answer, in order; `tries` counts them by prompt.
        most: The most requests that were in hand at the same time.
    """

    def __init__(self) -> None:
        self.plays: Callable[[Any, int], Play | None] = lambda prompt, nth: None
        self.answer: Callable[[list[int], int, int], list[int]] = tokens
        self.served, self.key, self.models_play = [NAME], "", None
        self.room: int | None = 4_096
        self.refuses: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        self.tries: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.in_hand = self.most = 0
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.http = _Quiet(("127.0.0.1", 0), type("Bound", (Handler,), {"script": self}))
        self.endpoint = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=lambda: self.http.serve_forever(0.02), daemon=True).start()

    def close(self) -> None:
        """Let go of all that hangs, and stop."""
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()

    def models(self) -> dict[str, Any]:
        """The answer to GET /models."""
        return {"object": "list", "data": [{"id": name, "max_model_len": self.room} for name in self.served]}

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        """The right answer to a request."""
        if "messages" in body:
            return {"model": body["model"], "choices": [self._chat(body)], "usage": {"completion_tokens": 3}}
        prompt = body["prompt"]
        ids = self.answer(prompt, body.get("seed", 0), body["max_tokens"])
        choice: dict[str, Any] = {"index": 0, "text": "", "finish_reason": "stop"}
        if body.get("return_token_ids"):
            choice["token_ids"] = ids
        if body.get("logprobs") is not None:
            top = {f"token_id:{token}": token_logprob(token) for token in [*body.get("logprob_token_ids", []), *ids]}
            values = [token_logprob(token) for token in ids]
            choice["logprobs"] = {"token_logprobs": values, "top_logprobs": [top for _ in ids]}
        if body.get("prompt_logprobs") is not None:
            rest = [{str(token): {"logprob": token_logprob(token)}} for token in prompt[1:]]
            choice["prompt_logprobs"] = [None, *rest]
        return {"model": body["model"], "choices": [choice]}

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        said = body["messages"][-1]["content"]
        message = {"role": "assistant", "content": f"{said} {body.get('seed')}"}
        return {"index": 0, "message": message, "finish_reason": "stop"}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    script: ScriptedServer

    def do_GET(self) -> None:
        if not self._may():
            return
        if self.script.models_play:
            self.script.models_play(self, {})
        elif self.path == "/v1/models":
            self.send(200, json.dumps(self.script.models()))
        else:
            self.send(404, json.dumps({"detail": "Not Found"}))

    def do_POST(self) -> None:
        script, body = self.script, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._may():
            return
        prompt = body.get("prompt", body.get("messages"))
        with script.lock:
            nth = script.tries[json.dumps(prompt)]
            script.tries[json.dumps(prompt)] += 1
            script.asked.append(body)
            script.in_hand += 1
            script.most = max(script.most, script.in_hand)
        refused = next((refusal(name, said) for name, said in script.refuses.items() if name in body), None)
        play = refused or script.plays(prompt, nth)
        try:
            if play:
                play(self, script.reply(body))
            else:
                self.send(200, json.dumps(script.reply(body)))
        finally:
            with script.lock:
                script.in_hand -= 1

    def _may(self) -> bool:
        self.script.headers.append({name.lower(): value for name, value in self.headers.items()})
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.script.key and given != self.script.key:
            self.send(401, json.dumps({"error": {"message": f"wrong key {given}", "code": "invalid_api_key"}}))
            return False
        return True

    def send(self, code: int, body: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.head(code, len(data), headers or {})
        self.wfile.write(data)

    def head(self, code: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
