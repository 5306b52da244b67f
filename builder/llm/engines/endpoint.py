"""Requests to an OpenAI-compatible server: many at a time, sent again where that can help, each answered once.

A try has one limit of time, from its connection to the last byte of its reply, and one of bytes, which follows from
what it asks for. What is said of a server's words, in errors and rows, is short, escaped and without the key.
"""

import asyncio
import functools
import importlib.util
import os
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from builder.data.resources import INSTALL, PACKAGE
from builder.errors import StageError
from builder.llm.engines.engine import Failed, Tick
from builder.llm.engines.refusals import Refusals
from builder.llm.engines.request_failures import (
    BAD_REPLY,
    LOST,
    Health,
    Pace,
    RequestFailure,
    reading_failure,
    status_failure,
)
from builder.llm.engines.server.replies import MODELS_BYTES, models_of, most_bytes, parse
from builder.llm.engines.server.wire import CONNECT_SECONDS, RefusedReply, exchange, open_client
from builder.text.escape import escape
from builder.workspace.progress import answered, asked

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime


KEY = "OPENAI_API_KEY"
FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds of the first and of the longest back-off."""
LONGEST_ASKED = 300.0
"""Seconds that a server may ask for."""
BEAT_SECONDS = 5.0
"""How often waiting for a server tells that it goes on: each request has a limit of its own, so it is no stall."""
_PINGS = 2
"""How often it is asked whether a server answers at all: a connection that it was just closing says nothing of it."""
NAMES = 20
"""Models of a server that a message names."""
PATIENCE = 10
"""How many times `runtime.request_tries` a request may be put off."""
SAID, SAID_READ = 300, 10_000
"""Characters that are kept of what a server says, and that are looked at for them."""
Body = dict[str, Any]
T = TypeVar("T")


class Endpoint:
    """A server and the key to it.

    Args:
        runtime: Its address, and how many requests it is sent, how often, and for how long.
        tick: Called after every try, and while replies are waited for.
        pace: How to wait.

    Raises:
        StageError: If the client is not installed, or address or key are missing or malformed.
    """

    def __init__(self, runtime: "Runtime", tick: Tick = lambda: None, pace: Pace | None = None) -> None:
        if importlib.util.find_spec(PACKAGE["openai"]) is None:
            raise StageError(f"a server is to be asked, but {PACKAGE['openai']} is not installed: {INSTALL['openai']}")
        if runtime.endpoint is None:
            raise StageError("runtime.endpoint is not set; it is the server's address, e.g. http://localhost:8000/v1")
        self.address, self._key = runtime.endpoint.rstrip("/"), _key()
        self._runtime, self._tick, self._pace = runtime, tick, pace or Pace()
        self._refusals = Refusals(self.address, runtime.concurrency)

    def ask(self, path: str, bodies: Sequence[Body], read: Callable[[int, Any], T | Failed]) -> list[T | Failed]:
        """Send all requests, at most `runtime.concurrency` at the same time, and read the replies.

        Args:
            path: Below the address, e.g. `/completions`.
            bodies: What is sent.
            read: Makes an answer of the place of a request and the JSON of its reply; a LookupError, TypeError or
                ValueError means that the reply is malformed, and it is asked for again. All of it is a stranger's: see
                `replies`.

        Returns:
            The answers in the order of the requests; what failed `runtime.request_tries` times has a reason beginning
            with `engine_`. A try that is put off (429) hardly counts (see `PATIENCE`): a quota is no fault of a row.

        Raises:
            StageError: If the server is down, out of order, or refuses key, model, a parameter or every request; no row
                is to blame then.
        """
        return self._run(self._ask(path, bodies, read)) if bodies else []

    def served(self) -> dict[str, dict[str, Any]]:
        """What the server says of each model it serves, by name.

        Raises:
            StageError: If it cannot be asked.
        """

        async def ask() -> dict[str, dict[str, Any]] | Failed:
            async with self._client() as client:
                health = Health(self._pace.clock())
                return await self._answer(client, "/models", None, models_of, health, self._ping_seconds)

        names = self._run(ask())
        if isinstance(names, Failed):
            raise StageError(f"{self.address}: does not say which models it serves ({names.message}); {_ADDRESS}")
        return names

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        async def work_and_beat() -> T:
            beat = asyncio.create_task(self._beat())
            try:
                return await work
            finally:
                beat.cancel()

        try:
            return asyncio.run(work_and_beat())
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._tick()

    async def _ask(self, path: str, bodies: Sequence[Body], read: Callable[[int, Any], T | Failed]) -> list[T | Failed]:
        answers: dict[int, T | Failed] = {}
        health, todo = Health(self._pace.clock()), iter(enumerate(bodies))
        asked(len(bodies))
        async with self._client() as client, asyncio.TaskGroup() as group:

            async def work() -> None:
                for at, body in todo:
                    reading = functools.partial(read, at)
                    seconds = self._runtime.request_seconds
                    answers[at] = await self._answer(client, path, body, reading, health, seconds)
                    self._refusals.answered |= not isinstance(answers[at], Failed)
                    answered()

            for _ in range(min(self._runtime.concurrency, len(bodies))):
                group.create_task(work())
        return [answers[at] for at in range(len(bodies))]

    async def _answer(
        self,
        client: Any,
        path: str,
        body: Body | None,
        read: Callable[[Any], T | Failed],
        health: Health,
        seconds: float,
    ) -> T | Failed:
        """One request, sent until it is answered or has failed too often."""
        tries, waits, before, respelled = 0, 0, -1, False
        while True:
            outcome = await self._try(client, path, body, read, seconds)
            self._tick()
            if not isinstance(outcome, RequestFailure):
                health.works(self._pace.clock())
                return outcome
            if not outcome.again:
                health.works(self._pace.clock())
                if not respelled and self._refusals.may_be_spelled_otherwise(outcome.parameter, outcome.message):
                    respelled = True
                    continue
                self._refusals.note(path, outcome.parameter, outcome.message)
                return Failed(outcome.reason, outcome.message)
            health.fails(self._pace.clock(), self._runtime.request_seconds, self.address, outcome)
            before = health.answered if not waits else before
            waits += 1
            tries += not outcome.put_off
            if tries >= self._runtime.request_tries or waits >= PATIENCE * self._runtime.request_tries:
                if health.answered == before:
                    await self._check_up(client, outcome)
                return Failed(outcome.reason, outcome.message)
            await self._pace.sleep(max(min(outcome.wait, LONGEST_ASKED), self._back_off(waits)))

    async def _try(
        self, client: Any, path: str, body: Body | None, read: Callable[[Any], T | Failed], seconds: float
    ) -> T | Failed | RequestFailure:
        most = MODELS_BYTES if body is None else most_bytes(body)
        sent = None if body is None else self._refusals.spelled(body)
        try:
            async with asyncio.timeout(seconds):
                reply = await exchange(client, path, sent, most)
        except TimeoutError:
            return RequestFailure("engine_timeout", f"no reply within {seconds:g} seconds")
        except RefusedReply as refused:
            return reading_failure(self._clean(refused), "the reply is refused")
        except Exception as error:  # whatever a client may raise over the bytes of a stranger is about this try alone
            said = self._clean(f"{type(error).__name__}: {error}")
            is_timeout = "Timeout" in type(error).__name__
            return RequestFailure("engine_timeout" if is_timeout else LOST, said)
        if not 200 <= reply.status < 300:
            return status_failure(reply, self.address, self._clean, has_key=bool(self._key))
        try:
            parsed = parse(reply.body)
        except ValueError as error:
            return reading_failure(self._clean(error), "the reply is not JSON")
        try:
            return read(parsed)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return reading_failure(self._clean(repr(error)), "the reply is not what was asked for")

    async def _check_up(self, client: Any, failure: RequestFailure) -> None:
        """Raise a StageError if the server answers nothing at all, so that no row is to blame."""
        for _ in range(_PINGS):
            ping = await self._try(client, "/models", None, models_of, self._ping_seconds)
            if not isinstance(ping, RequestFailure) or not ping.again or ping.reason == BAD_REPLY:
                return
            if ping.reason != LOST:
                break
        raise StageError(
            f"{self.address}: the server does not answer ({failure}); "
            f"{_ADDRESS}, and run the same command again; what is done stays"
        )

    @property
    def _ping_seconds(self) -> float:
        return min(CONNECT_SECONDS, self._runtime.request_seconds)

    def _back_off(self, waits: int) -> float:
        """Twice as long each time, and never the same for two requests that failed together."""
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(waits - 1, 10)) * (1 + self._pace.jitter()) / 2

    def _client(self) -> Any:
        return open_client(self.address, self._key, self._runtime.request_seconds)

    def names(self, served: Collection[str]) -> str:
        """The models that a server says it serves, for a message."""
        more = f" and {len(served) - NAMES:,} more" if len(served) > NAMES else ""
        return ", ".join(self._clean(name)[:100] for name in sorted(served)[:NAMES]) + more or "no model"

    def _clean(self, said: object) -> str:
        """What a server or the client said: short, on one line, escaped, without the key."""
        text = str(said) or type(said).__name__
        text = text.replace(self._key, "***") if self._key else text
        return escape(" ".join(text[:SAID_READ].split()), "terminal")[:SAID]


_ADDRESS = "see that it runs, and that runtime.endpoint is its address, which mostly ends in /v1"


class _Key(str):
    """A key that no traceback shows, not even one with the values of variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


def _key() -> _Key:
    key = _Key(os.environ.get(KEY, "").strip())
    if not all("!" <= character <= "~" for character in key):
        raise StageError(f"{KEY} holds characters that no key has, such as blanks or line breaks; set it anew")
    return key


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
