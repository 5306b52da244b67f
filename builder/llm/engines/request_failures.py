"""What one try of a request may come to, whether another can help, and whether the server still gets anything done."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from builder.errors import StageError
from builder.llm.engines.refusals import refused_parameter
from builder.llm.engines.server.replies import parse
from builder.llm.engines.server.wire import Reply

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 that another try may cure."""
BAD_REPLY = "engine_bad_reply"
LOST = "engine_connection"
PAYMENT = "insufficient_quota"
"""Code of a 429 that no waiting cures."""
IN_A_ROW = 20
"""So many tries may fail, however long it takes, before a server counts as out of order."""


class RequestFailure(NamedTuple):
    """A try that failed.

    Attributes:
        reason: Begins with `engine_`.
        message: What the server or the client said.
        again: Whether another try can help.
        wait: Seconds that the server asked for before the next one.
        put_off: Whether the server only had too much to do.
        parameter: The parameter of the request that the server does not take.
    """

    reason: str
    message: str
    again: bool = True
    wait: float = 0.0
    put_off: bool = False
    parameter: str | None = None

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def reading_failure(said: str, problem: str) -> RequestFailure:
    """A reply that cannot be used."""
    return RequestFailure(BAD_REPLY, f"{problem}: {said}")


def status_failure(reply: Reply, address: str, clean: Callable[[object], str], *, has_key: bool) -> RequestFailure:
    """What an HTTP status means that is none of success.

    Args:
        reply: What came.
        address: Of the server.
        clean: Makes a short text of what a server said, without the key.
        has_key: Whether a key was sent.

    Raises:
        StageError: If the server refuses every such request, whatever the row, or sends it to another address.
    """
    status, body = reply.status, _error_of(reply.body)
    said = clean(body.get("message") or reply.body.decode("utf-8", "replace").strip() or f"status {status}")
    if 300 <= status < 400:
        to = f" to {clean(reply.location)}" if reply.location else ""
        raise StageError(
            f"{address}: the server sends requests on{to} (status {status}); neither they nor the key go there. If "
            "that is the server that you mean, make it runtime.endpoint"
        )
    if status in {401, 402, 403} or body.get("code") == PAYMENT:
        todo = "see that OPENAI_API_KEY is the key of this server and may use it" if has_key else "set OPENAI_API_KEY"
        raise StageError(f"{address}: the server refuses (status {status}: {said}); {todo}")
    if status in {404, 405}:
        raise StageError(
            f"{address}: status {status} ({said}): either the model is not served any more, or the address is not that "
            "of an OpenAI-compatible server; runtime.endpoint mostly ends in /v1"
        )
    if status in AGAIN or not 400 <= status < 500:
        wait = seconds_asked(reply.retry_after)
        return RequestFailure(f"engine_status_{status}", said, wait=wait, put_off=status == 429)
    return RequestFailure(
        "engine_rejected", f"status {status}: {said}", again=False, parameter=refused_parameter(body, said)
    )


def _error_of(body: bytes) -> dict[str, Any]:
    """The error in a reply, in the form of OpenAI and vLLM; empty where it has another."""
    try:
        reply = parse(body)
    except ValueError:
        return {}
    error = reply.get("error", reply) if isinstance(reply, dict) else reply
    return error if isinstance(error, dict) else {}


def seconds_asked(header: str | None, now: Callable[[], float] = time.time) -> float:
    """Seconds to wait after a Retry-After header (RFC 9110, 10.2.3): a number or a date; 0 if it is neither."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now()
        except (ValueError, OverflowError, OSError, TypeError):
            return 0.0
    return seconds if seconds > 0 else 0.0


class Pace(NamedTuple):
    """Time and chance, neither of which changes a result."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


@dataclass
class Health:
    """How a server does during one call.

    Attributes:
        since: When it last answered; before that, when the call began.
        answered: Requests that it has answered.
        failed: Tries that have failed since.
    """

    since: float
    answered: int = 0
    failed: int = 0

    def works(self, now: float) -> None:
        """Note an answer."""
        self.since, self.failed, self.answered = now, 0, self.answered + 1

    def fails(self, now: float, seconds: float, address: str, failure: RequestFailure) -> None:
        """Note a try that failed.

        Args:
            now: The time.
            seconds: How long one request may take.
            address: Of the server.
            failure: What the try came to.

        Raises:
            StageError: If many have failed and nothing has succeeded for longer than two requests may take.
        """
        self.failed += 1
        silent = now - self.since
        if self.failed >= IN_A_ROW and silent > 2 * seconds:
            raise StageError(
                f"{address}: nothing has succeeded for {silent:,.0f} seconds and {self.failed:,} requests, the last "
                f"with {failure}; look at the server's log, lower runtime.concurrency or raise "
                "runtime.request_seconds, and run the same command again; what is done stays"
            )
