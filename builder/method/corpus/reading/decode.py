"""Bytes of a page to text: what is not HTML at all, and the character encoding."""

import re

from builder.method.corpus.reading.payload.charsets import (
    BYTE_ORDER_MARKS,
    UTF16_BE,
    UTF16_LE,
    by_mark,
    declared,
    declared_as_xml,
    resolve,
)
from builder.method.corpus.reading.payload.codings import MAX_PAGE_BYTES, UndecodableError
from builder.method.corpus.reading.payload.http_message import Payload, split_http

__all__ = [
    "FEW_REPLACED",
    "MAX_PAGE_BYTES",
    "MAX_REPLACED",
    "Payload",
    "UndecodableError",
    "clean",
    "decode",
    "is_html",
    "is_undecodable",
    "split_http",
]

_NOT_HTML = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf",
    b"\x00\x00\x01\x00", b"OggS", b"ID3", b"wOFF", b"wOF2", b"\x7fELF", b"MZ\x90", b"%!PS", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f]")
_TAGS = re.compile("<[^<>]*>")
_JAPANESE = re.compile(rb"\x1b\$[@B]")
_LABELS = {"cp949": "euc-kr", "euc_kr": "euc-kr", "euc_jp": "euc-jp", "iso2022_jp": "iso-2022-jp"}
_LABELS |= {"mac-cyrillic": "x-mac-cyrillic"}
"""Names of the detector that are no labels."""
_HEAD_BYTES = 2_048
_DAMAGED_SHARE = 0.1
MAX_REPLACED = 0.01
"""Of a page's characters outside of tags, so many may be U+FFFD, which stands for bytes that are none in its encoding.

A page cut inside a character or with a stray byte has fewer. Of German or French text in windows-1252 that is declared
as UTF-8 every thirtieth character is one.
"""
FEW_REPLACED = 3
"""So many are no reason to refuse a page, however short it is."""


def is_html(payload: Payload) -> bool:
    """Whether the bytes may be HTML, by their first ones and the HTTP type; plain text passes (it has no header)."""
    kind = payload.headers.get("content-type", "").lower()
    if kind and not any(word in kind for word in ("html", "xml", "text/plain", "octet-stream")):
        return False
    head = payload.body[:_HEAD_BYTES]
    if head.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)) or _is_utf16(payload):
        return True
    return not head.lstrip().startswith(_NOT_HTML) and head.count(b"\x00") * 10 <= len(head)


def decode(payload: Payload, *, utf8: bool = False) -> str:
    """Decode a page as a browser does: byte order mark, HTTP charset, `<meta>` or XML declaration; else it is guessed.

    A declared encoding is kept to: bytes that are none in it become U+FFFD. The guess is UTF-8 if the page is that, but
    for a little damage, else what a detector says.

    Args:
        payload: The page.
        utf8: The page is known to be UTF-8 whatever it says itself, as in ClueWeb22.

    Returns:
        The text without control characters, which would make the page's DOM differ from the extractor's.
    """
    return clean(payload.body.decode("utf-8", "replace") if utf8 else _decode(payload))


def is_undecodable(html: str) -> bool:
    """Whether more than `FEW_REPLACED` characters and `MAX_REPLACED` of a page, or all of it, are U+FFFD."""
    replaced = html.count("\ufffd")
    if not replaced:
        return False
    text = _TAGS.sub("", html)
    return replaced > max(FEW_REPLACED, MAX_REPLACED * len(text)) or replaced == len(text)


def clean(text: str) -> str:
    """Take out byte order marks, control characters, and what is no character (half of a pair, as JSON may hold)."""
    return _CONTROLS.sub("", text.encode("utf-8", "replace").decode("utf-8")).lstrip("\ufeff")


def _decode(payload: Payload) -> str:
    import endec

    body = payload.body
    if mark := by_mark(body):
        encoding, length = mark
        return endec.decode(body[length:], encoding, "replace", bom="ignore")
    encoding = resolve(payload.charset) or _as_xml(payload) or declared(body) or ""
    if not encoding:
        text = _as_utf8(body)
        if text is not None:
            return text
        encoding = _guessed(body)
    return endec.decode(body, encoding, "replace", bom="ignore")


def _as_xml(payload: Payload) -> str | None:
    """The encoding of a page that is served as XML: a browser shows it in this one, or only an error."""
    kind = payload.headers.get("content-type", "").lower()
    if "xml" not in kind or "text/html" in kind:
        return None
    if label := declared_as_xml(payload.body):
        return label
    try:
        payload.body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _is_utf16(payload: Payload) -> bool:
    """Whether a page is UTF-16 without a byte order mark: it says so, or begins with a tag in it."""
    label = resolve(payload.charset)
    return label in UTF16_LE or label in UTF16_BE or (label is None and _utf16(payload.body) != "")


def _utf16(body: bytes) -> str:
    start = body[:64].lstrip(b"\x00\t\n\r ")[:2] if b"\x00" in body[:2] else b""
    if not start.startswith(b"<"):
        return ""
    return "utf-16le" if body[1:2] == b"\x00" and body[:1] != b"\x00" else "utf-16be"


def _as_utf8(body: bytes) -> str | None:
    """The text, if nothing speaks for another encoding: it is UTF-8 but for a little damage, as where it was cut."""
    if _utf16(body):
        return None
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if not damaged and text.isascii() and _JAPANESE.search(body):
        return None
    sound = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return text if not damaged or damaged < _DAMAGED_SHARE * sound else None


def _guessed(body: bytes) -> str:
    from resiliparse.parse.encoding import EncodingDetector

    if encoding := _utf16(body):
        return encoding
    if body.isascii():
        return "iso-2022-jp"
    detector = EncodingDetector()
    detector.update(body)
    # Asked for names of browsers, it knows neither Korean nor EUC, and says UTF-8.
    found = str(detector.encoding(html5_compatible=False) or "")
    guess = resolve(_LABELS.get(found, found)) or "utf-8"
    return "windows-1252" if guess in UTF16_LE or guess in UTF16_BE else guess
