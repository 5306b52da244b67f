"""Faults on purpose: what happens to the n-th request that a pattern matches, before or after its work was done."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class Fault:
    """One fault.

    Attributes:
        kind: A status to answer with, `cut` for a connection that ends without an answer (after the work: a lost
            answer), or something to call, such as the kill of the client.
        pattern: Searched in `METHOD /path?query`.
        nth: Which of the matching requests, from 1.
        when: Before the work, instead of which the fault happens, or after it; `beside` lets a call happen first and
            the request go on.
        times: How many requests in a row.
        headers: Of the answer, such as Retry-After.
    """

    kind: Literal["cut"] | int | Callable[[], None]
    pattern: str = ""
    nth: int = 1
    when: Literal["before", "after", "beside"] = "before"
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0

    def strikes(self, request: str) -> bool:
        """Count a request and say whether it is hit."""
        if not re.search(self.pattern, request):
            return False
        self.seen += 1
        hit = self.nth <= self.seen < self.nth + self.times
        self.struck += hit
        return hit


class Faulty:
    """The outermost layer of the server: logs requests, counts the bytes of their bodies, lets faults strike them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.tokens: list[str | None] = []
        self.received = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"] == "/received":
            return await JSONResponse(self.received)(scope, receive, send)
        query = scope["query_string"].decode()
        request = f"{scope['method']} {scope['raw_path'].decode()}{'?' if query else ''}{query}"
        self.requests.append(request)
        self.tokens.append(dict(scope["headers"]).get(b"authorization", b"").decode() or None)
        fault = next((fault for fault in self.faults if fault.strikes(request)), None)
        if fault and fault.when == "beside" and callable(fault.kind):
            fault.kind()
            fault = None
        if fault is None:
            return await self.app(scope, self._counted(receive), send)
        if fault.when == "after":
            await self.app(scope, receive, _nowhere)
        else:
            await _drain(receive)
        await _answer(fault, scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        async def counted() -> Any:
            message = await receive()
            self.received += len(message.get("body", b""))
            return message

        return counted


async def _answer(fault: Fault, scope: Scope, receive: Receive, send: Any) -> None:
    if isinstance(fault.kind, int):
        headers = fault.headers or ({"RateLimit": '"api";r=0;t=0'} if fault.kind == 429 else {})
        response: Response = JSONResponse({"error": "made on purpose"}, fault.kind, headers)
        return await response(scope, receive, send)
    if fault.kind != "cut":
        fault.kind()
        await asyncio.sleep(0.05)
    cycle = send.__self__  # uvicorn's; ASGI itself has no way to close a connection without an answer
    cycle.disconnected = True
    cycle.transport.abort()
    return None


async def _drain(receive: Receive) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _nowhere(message: Any) -> None:
    pass
