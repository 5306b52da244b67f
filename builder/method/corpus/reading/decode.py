"""Bytes of a page to text: the HTTP message around it, what is not HTML at all, and the character encoding."""

import re
import zlib
from dataclasses import dataclass, field

_NOT_HTML = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf",
    b"\x00\x00\x01\x00", b"OggS", b"ID3", b"wOFF", b"wOF2", b"\x7fELF", b"MZ\x90", b"%!PS", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_HTTP_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"\s*([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r?\n")
_STATUS = re.compile(rb"HTTP/[\d.]+[ \t]+(\d{3})\b")
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_MARKUP_LINE = re.compile(rb"\r?\n<")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f]")
_HEAD_BYTES = 2_048
_MAX_HEAD = 1 << 16
_STEP = 1 << 14
_SMALL_STEP = 1 << 10  # Arrow gives nothing of a step that has damage in it
_DAMAGED_SHARE = 0.1
MAX_PAGE_BYTES = 20_000_000
"""Larger pages are left out; nothing is ever unpacked beyond this."""


class UndecodableError(ValueError):
    """The body is packed in a way that cannot be undone; the message says how."""


@dataclass(frozen=True)
class Payload:
    """The body of a page as bytes and what its HTTP headers said about it (keys in lower case)."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None

    @property
    def charset(self) -> str | None:
        """The charset of the Content-Type header."""
        charset = _HTTP_CHARSET.search(self.headers.get("content-type", ""))
        return charset.group(1) if charset else None


def split_http(payload: bytes) -> Payload:
    """Take off the HTTP headers where there are any; ClueWeb22 has none.

    Returns:
        The body, inflated up to one byte more than a page may have.

    Raises:
        UndecodableError: If the body is compressed in a way that cannot be undone.
    """
    if not payload.startswith(b"HTTP/"):
        return Payload(payload)
    head, body = _split_head(payload)
    lines = [line.partition(b":") for line in head.splitlines()]
    headers = {name.strip().decode("latin-1").lower(): value.strip().decode("latin-1") for name, _, value in lines[1:]}
    status = _STATUS.match(head)
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _join_chunks(body)
    for encoding in reversed(headers.get("content-encoding", "").lower().split(",")):
        body = _unpack(body, encoding.strip())
    return Payload(body, headers, int(status.group(1)) if status else None)


def _split_head(payload: bytes) -> tuple[bytes, bytes]:
    """HTTP headers and body; some records of ClueWeb12 have only the first line, and no empty line behind it."""
    empty = _EMPTY_LINE.search(payload, 0, _MAX_HEAD)
    markup = _MARKUP_LINE.search(payload, 0, empty.start() if empty else _MAX_HEAD)
    if markup:
        return payload[: markup.start()], payload[markup.end() - 1 :]
    return (payload[: empty.start()], payload[empty.end() :]) if empty else (payload, b"")


def _join_chunks(body: bytes) -> bytes:
    """Undo chunked transfer as far as it goes; many crawlers keep the header but store the joined body."""
    joined, position = bytearray(), 0
    while size := _CHUNK_SIZE.match(body, position):
        length = int(size.group(1), 16)
        if length == 0:
            return bytes(joined)
        joined += body[size.end() : size.end() + length]
        position = size.end() + length
    return bytes(joined) if position else body


def _unpack(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity", "none") or body.lstrip()[:1] == b"<":  # stored unpacked, header left in place
        return body
    if encoding in ("gzip", "x-gzip", "deflate"):
        unpacked = _inflate(body, zlib.MAX_WBITS | 32) or (encoding == "deflate" and _inflate(body, -zlib.MAX_WBITS))
    elif encoding in ("br", "zstd"):
        unpacked = _decompress(body, {"br": "brotli"}.get(encoding, encoding))
    else:
        raise UndecodableError(f"Content-Encoding {encoding} is not supported")
    if body and not unpacked:
        raise UndecodableError(f"Content-Encoding {encoding}: the body is damaged")
    return unpacked or b""


def _inflate(body: bytes, window_bits: int) -> bytes:
    """Inflate as far as it goes and as a page may be long."""
    inflater, unpacked = zlib.decompressobj(window_bits), bytearray()
    for start in range(0, len(body), _STEP):
        try:
            unpacked += inflater.decompress(body[start : start + _STEP], MAX_PAGE_BYTES + 1 - len(unpacked))
        except zlib.error:
            break
        if len(unpacked) > MAX_PAGE_BYTES or inflater.eof:
            break
    return bytes(unpacked)


def _decompress(body: bytes, codec: str) -> bytes:
    """Like `_inflate`, for what Arrow can unpack."""
    import pyarrow as pa

    unpacked = bytearray()
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            while len(unpacked) <= MAX_PAGE_BYTES and (data := stream.read(_SMALL_STEP)):
                unpacked += data
    except (OSError, ValueError):
        pass  # what came out before the damage counts
    return bytes(unpacked[: MAX_PAGE_BYTES + 1])


def is_html(payload: Payload) -> bool:
    """Whether the bytes may be HTML, by their first ones and the HTTP type; plain text passes (it has no header)."""
    kind = payload.headers.get("content-type", "").lower()
    if kind and not any(word in kind for word in ("html", "xml", "text/plain", "octet-stream")):
        return False
    head = payload.body[:_HEAD_BYTES]
    if head.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS)):
        return True
    return not head.lstrip().startswith(_NOT_HTML) and head.count(b"\x00") * 10 <= len(head)


def decode(payload: Payload, *, utf8: bool = False) -> str:
    """Decode a page: byte order mark, HTTP charset, UTF-8 if it fits, `<meta>`, then a detector.

    Args:
        payload: The page.
        utf8: The page is known to be UTF-8 whatever it says itself, as in ClueWeb22.

    Returns:
        The text without control characters, which would make the page's DOM differ from the extractor's.
    """
    return clean(payload.body.decode("utf-8", "replace") if utf8 else _decode(payload))


def clean(text: str) -> str:
    """Take out control characters, and what is no character (half of a pair, as JSON may hold)."""
    return _CONTROLS.sub("", text.encode("utf-8", "replace").decode("utf-8"))


def _decode(payload: Payload) -> str:
    body = payload.body
    from resiliparse.parse.encoding import detect_encoding

    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    meta = _META_CHARSET.search(body, 0, _HEAD_BYTES)
    for label in (payload.charset, "utf-8", meta.group(1).decode("ascii", "replace") if meta else None):
        text = _try(body, label)
        if text is not None:
            return text
    return _nearly_utf8(body) or _try(body, str(detect_encoding(body))) or body.decode("utf-8", "replace")


def _try(body: bytes, label: str | None) -> str | None:
    if not label:
        return None
    from resiliparse.parse.encoding import map_encoding_to_html5

    try:
        return body.decode(map_encoding_to_html5(label, fallback_utf8=False) or label)
    except (LookupError, UnicodeError):
        return None


def _nearly_utf8(body: bytes) -> str | None:
    """A text in UTF-8 with little damage, such as a page that the crawler cut inside a character."""
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return text if damaged < _DAMAGED_SHARE * sound else None
