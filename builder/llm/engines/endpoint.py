"""Requests to an OpenAI-compatible server: many at a time, sent again where that can help, each answered once.

The client's own retries are off: they do not see a reply that is no JSON, set no limit to a request as a whole, give up
on a long Retry-After, and cannot tell a server that is down from a row that it chokes on.
"""

import asyncio
import importlib.util
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from builder.data.resources import INSTALL
from builder.errors import StageError
from builder.llm.engines.engine import Failed, Tick
from builder.llm.engines.refusals import Refusals
from builder.llm.engines.request_failures import (
    BAD_REPLY,
    Health,
    Pace,
    RequestFailure,
    reading_failure,
    status_failure,
)

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime


KEY = "OPENAI_API_KEY"
PING_SECONDS = 10.0
FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds of the first and of the longest back-off."""
LONGEST_ASKED = 300.0
"""Seconds that a server may ask for."""
BEAT_SECONDS = 5.0
"""How often waiting for a server tells that it goes on: each request has a limit of its own, so it is no stall."""
ROUNDING = 0.01
"""What a log-probability may be above 0 by."""
PATIENCE = 10
"""How many times `runtime.request_tries` a request may be put off."""
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
        if importlib.util.find_spec("openai") is None:
            raise StageError(f"a server is to be asked, but openai is not installed: {INSTALL['openai']}")
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
                ValueError means that the reply is malformed, and it is asked for again.

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
                return await self._answer(lambda: self._models(client), _names, health, client, self._ping_seconds)

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
        async with self._client() as client, asyncio.TaskGroup() as group:

            async def work() -> None:
                for at, body in todo:
                    answers[at] = await self._answer(
                        lambda body=body: client.post(path, cast_to=object, body=self._refusals.spelled(body)),  # type: ignore[misc]
                        lambda reply, at=at: read(at, reply),  # type: ignore[misc]
                        health,
                        client,
                        self._runtime.request_seconds,
                        path,
                    )
                    self._refusals.answered |= not isinstance(answers[at], Failed)

            for _ in range(min(self._runtime.concurrency, len(bodies))):
                group.create_task(work())
        return [answers[at] for at in range(len(bodies))]

    async def _answer(
        self,
        send: Callable[[], Awaitable[Any]],
        read: Callable[[Any], T | Failed],
        health: Health,
        client: Any,
        seconds: float,
        path: str = "",
    ) -> T | Failed:
        """One request, sent until it is answered or has failed too often."""
        tries, waits, before, respelled = 0, 0, -1, False
        while True:
            outcome = await self._try(send, read, seconds)
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
        self, send: Callable[[], Awaitable[Any]], read: Callable[[Any], T | Failed], seconds: float
    ) -> T | Failed | RequestFailure:
        import openai

        try:
            async with asyncio.timeout(seconds):
                reply = await send()
        except (TimeoutError, openai.APITimeoutError):
            return RequestFailure("engine_timeout", f"no reply within {seconds:g} seconds")
        except openai.APIConnectionError as error:
            return RequestFailure("engine_connection", self._clean(error.__cause__ or error))
        except openai.APIStatusError as error:
            return status_failure(error, self.address, self._clean, has_key=bool(self._key))
        except (ValueError, RecursionError) as error:
            return reading_failure(self._clean(error), "the reply is not JSON")
        try:
            return read(json.loads(reply) if isinstance(reply, str) else reply)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            return reading_failure(self._clean(repr(error)), "the reply is not what was asked for")

    async def _check_up(self, client: Any, failure: RequestFailure) -> None:
        """Raise a StageError if the server answers nothing at all, so that no row is to blame."""
        ping = await self._try(lambda: self._models(client), _names, self._ping_seconds)
        if isinstance(ping, RequestFailure) and ping.again and ping.reason != BAD_REPLY:
            raise StageError(
                f"{self.address}: the server does not answer ({failure}); "
                f"{_ADDRESS}, and run the same command again; what is done stays"
            )

    @property
    def _ping_seconds(self) -> float:
        return min(PING_SECONDS, self._runtime.request_seconds)

    def _back_off(self, waits: int) -> float:
        """Twice as long each time, and never the same for two requests that failed together."""
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(waits - 1, 10)) * (1 + self._pace.jitter()) / 2

    async def _models(self, client: Any) -> Any:
        return await client.get("/models", cast_to=object)

    def _client(self) -> Any:
        """A client for one event loop; local servers take any key."""
        from openai import AsyncOpenAI, Timeout

        seconds = self._runtime.request_seconds
        return AsyncOpenAI(
            base_url=self.address,
            api_key=self._key or "none",
            max_retries=0,
            timeout=Timeout(seconds, connect=min(seconds, PING_SECONDS)),
        )

    def _clean(self, said: object) -> str:
        """What a server or the client said, on one line, without the key."""
        text = str(said) or type(said).__name__
        return " ".join((text.replace(self._key, "***") if self._key else text).split())[:300]


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


def _names(reply: Any) -> dict[str, dict[str, Any]]:
    return {str(model["id"]): dict(model) for model in reply["data"]}


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def number(value: Any) -> float:
    """A log-probability from JSON.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not one: NaN, or above 0 by more than rounding.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a log-probability of {value!r}")
    if not value <= ROUNDING:
        raise ValueError(f"a log-probability of {value!r}")
    return float(value)
