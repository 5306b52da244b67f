"""Bytes of a page to text: what is not HTML at all, and the character encoding."""

import re

from builder.method.corpus.reading.payload.codings import MAX_PAGE_BYTES, UndecodableError
from builder.method.corpus.reading.payload.http_message import Payload, split_http

__all__ = ["MAX_PAGE_BYTES", "Payload", "UndecodableError", "clean", "decode", "is_html", "split_http"]

_NOT_HTML = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf",
    b"\x00\x00\x01\x00", b"OggS", b"ID3", b"wOFF", b"wOF2", b"\x7fELF", b"MZ\x90", b"%!PS", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f]")
_HEAD_BYTES = 2_048
_DAMAGED_SHARE = 0.1


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
