"""One request to a server and the bytes of its reply: no more than may be read, from where it was sent, as they came.

What comes back is a stranger's. Nothing is decompressed, decoded or believed here: a reply is a status and bytes,
`replies` reads them. The OpenAI client is not used, since it follows redirects, keeps cookies, inflates whatever it is
sent, decodes errors with any codec of Python that the server names, some of which inflate too, and checks no answer.
"""

import asyncio
import json
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

CONNECT_SECONDS = 10.0
MOST_OF_AN_ERROR = 64 << 10
"""Bytes that are read of an error; the rest of it says nothing more."""
_HEADERS, _READ = "http11.receive_response_headers.started", "http11.receive_response_headers.complete"


@dataclass(frozen=True)
class Reply:
    """A reply as it came; no traceback shows what a server said, for it may say the key.

    Attributes:
        status: Of HTTP.
        retry_after: The header of that name.
        location: The header of that name: where the server wants the request to go.
        body: Its bytes; the beginning of them where it is an error.
    """

    status: int
    retry_after: str | None = field(repr=False)
    location: str | None = field(repr=False)
    body: bytes = field(repr=False)


class RefusedReply(Exception):
    """A reply that is not read to its end."""


def open_client(address: str, key: str, seconds: float) -> Any:
    """A client for one event loop. It follows no redirect, keeps no cookie and asks for plain bytes.

    The user's own proxies and certificates (HTTPS_PROXY, SSL_CERT_FILE, ...) hold.
    """
    from httpx2 import AsyncClient, Limits, Timeout

    return AsyncClient(
        base_url=address,
        headers={
            "Authorization": f"Bearer {key or 'none'}",  # local servers take any
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "humpback",
        },
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        limits=Limits(max_connections=None, max_keepalive_connections=None),  # runtime.concurrency is the limit
        timeout=Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
    )


async def exchange(client: Any, path: str, body: dict[str, Any] | None, most: int) -> Reply:
    """Send one request and read the reply.

    Args:
        client: Of `open_client`.
        path: Below the address.
        body: What is posted; None asks for what stands there.
        most: Bytes that the reply may have.

    Raises:
        RefusedReply: If it has more, is compressed although plain bytes were asked for, or was there already.
        Exception: Whatever the client raises over a connection or the bytes of a stranger.
    """
    content = None if body is None else json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    method, watch = "GET" if body is None else "POST", {"trace": _Watch()}
    async with client.stream(method, path, content=content, extensions=watch) as response:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in {"", "identity"}:
            raise RefusedReply(f"it is compressed ({encoding}), although plain bytes were asked for")
        good = 200 <= response.status_code < 300
        data = bytearray()
        async for part in response.aiter_raw():
            data += part
            if len(data) > most and good:
                raise RefusedReply(f"it has more than {most:,} bytes, which is more than an answer can have")
            if len(data) >= MOST_OF_AN_ERROR and not good:
                break
        headers = response.headers
        return Reply(response.status_code, headers.get("retry-after"), headers.get("location"), bytes(data))


class _Watch:
    """Tells a reply that was read from one that stood on the connection before its request was sent.

    What a server sends after the end of a reply stays in the buffer of the connection, and would be taken for the reply
    to the next request. It comes without a turn of the event loop; what is read from a network does not.
    """

    def __init__(self) -> None:
        self._turned = True

    async def __call__(self, event: str, _: dict[str, Any]) -> None:
        if event == _HEADERS:
            self._turned = False
            asyncio.get_running_loop().call_soon(self._turn)
        elif event == _READ and not self._turned:
            raise RefusedReply("it stood on the connection before the request was sent")

    def _turn(self) -> None:
        self._turned = True
