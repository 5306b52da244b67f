"""The HTTP message around a page: interim heads, headers, chunked transfer, content codings."""

import re
from dataclasses import dataclass, field

from builder.method.corpus.reading.payload.codings import unpack

_CHUNK_SIZE = re.compile(rb"[ \t]*0*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,8192})?(\r?\n)")
_LINE_END = re.compile(rb"\r?\n")
_STATUS = re.compile(rb"HTTP/[\d.]+[ \t]+(\d{3})\b([^\r\n]*)")
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_MARKUP_LINE = re.compile(rb"\r?\n<")
_NEXT_HEAD = re.compile(rb"[\r\n]{0,8}+(?=HTTP/[\d.]+[ \t]+\d{3}\b)")
_CHARSET = re.compile(r"(?:^|[;\s,])charset\s*=\s*(?:\"([^\"]*)|'([^']*)|([^\s;,\"']+))", re.IGNORECASE)
_MAX_HEAD = 1 << 16
_LISTS = ("content-encoding", "transfer-encoding")


@dataclass(frozen=True)
class Payload:
    """The body of a page as bytes and what its HTTP headers said about it.

    Attributes:
        body: The bytes, unpacked.
        headers: By name in lower case. A repeated header has its last value, one that is a list all of its values.
        status: The status of the response.
        cut: Whether the body ends before its last chunk or before its packing does.
    """

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    cut: bool = False

    @property
    def charset(self) -> str | None:
        """The charset of the Content-Type header."""
        charset = _CHARSET.search(self.headers.get("content-type", ""))
        return next((value.strip() for value in charset.groups() if value), None) if charset else None


def split_http(payload: bytes) -> Payload:
    """Take off the HTTP headers where there are any; ClueWeb22 has none.

    Returns:
        The body, inflated up to one byte more than a page may have.

    Raises:
        UndecodableError: If the body is compressed in a way that cannot be undone.
    """
    first = _NEXT_HEAD.match(payload)
    if first is None and not payload.startswith(b"HTTP/"):
        return Payload(payload)
    head, body = _final_head(payload, first.end() if first else 0)
    headers = _headers(head)
    status = _STATUS.match(head)
    transfer = headers.get("transfer-encoding", "").lower().split(",")
    cut = False
    if any("chunked" in coding for coding in transfer):
        body, cut = join_chunks(body)
    codings = headers.get("content-encoding", "").split(",")
    codings += [coding for coding in transfer if "chunked" not in coding]
    body, broken = unpack(body, codings)
    return Payload(body, headers, int(status.group(1)) if status else None, cut or broken)


def _final_head(payload: bytes, start: int) -> tuple[bytes, bytes]:
    """The head that belongs to the body; interim ones (100, 103) and that of a proxy's tunnel go before it."""
    while True:
        head, body = _split_head(payload, start)
        status = _STATUS.match(payload, start)
        interim = status and (status.group(1).startswith(b"1") or b"connection established" in status.group(2).lower())
        following = _NEXT_HEAD.match(payload, body) if interim else None
        if following is None:
            return payload[start:head], payload[body:]
        start = following.end()


def _split_head(payload: bytes, start: int) -> tuple[int, int]:
    """Where a head ends and what follows starts; some records of ClueWeb12 have only the first line of a head."""
    empty = _EMPTY_LINE.search(payload, start, start + _MAX_HEAD)
    markup = _MARKUP_LINE.search(payload, start, empty.start() if empty else start + _MAX_HEAD)
    if markup:
        return markup.start(), markup.end() - 1
    return (empty.start(), empty.end()) if empty else (len(payload), len(payload))


def _headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    last = ""
    for line in head.decode("latin-1").split("\n")[1:]:
        if line[:1] in (" ", "\t") and last:  # a header may go on in the next line
            headers[last] += f" {line.strip()}"
            continue
        name, _, value = line.partition(":")
        last, value = name.strip().lower(), value.strip()
        if last in _LISTS and headers.get(last):
            value = f"{headers[last]}, {value}"
        elif last == "content-type":
            value = _content_type(headers.get(last, ""), value)
        headers[last] = value
    return headers


def _content_type(before: str, value: str) -> str:
    """A second Content-Type replaces the first, but one of the same type without a charset keeps that of the first."""
    same = before.partition(";")[0].strip().lower() == value.partition(";")[0].strip().lower()
    return before if before and (same or not value) and not _CHARSET.search(value) else value


def join_chunks(body: bytes) -> tuple[bytes, bool]:
    """Undo chunked transfer as far as it goes; many crawlers keep the header but store the joined body.

    Returns:
        The body, and whether it ends before the last chunk.
    """
    joined, position = bytearray(), 0
    while size := _CHUNK_SIZE.match(body, position):
        length, start = int(size.group(1), 16), size.end()
        if length == 0:
            return bytes(joined), False
        end = start + length
        line = _LINE_END.match(body, end)
        if (line is None and end + 1 < len(body)) or (
            end > len(body) and not position and size.group(2) == b"\n"
        ):  # no chunk: text whose first line reads like a size, or damage
            return (bytes(joined + body[start:end]), True) if position else (body, False)
        joined += body[start:end]
        position = line.end() if line else len(body)
    return (bytes(joined), True) if position else (body, False)
