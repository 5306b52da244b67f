"""The headers of a WARC record, as standards have them and as crawlers have written them."""

import re

MAX_HEAD = 1 << 16
"""Longer headers are none."""
_FIELD = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_GOES_ON = re.compile(rb"[\r\n]*WARC-[A-Za-z-]{2,40}[ \t]*:", re.IGNORECASE)
_LENGTH_COMES = re.compile(rb"(?:(?!HTTP/)[^<]){0,4096}?^Content-Length[ \t]*:[ \t]*\d", re.IGNORECASE | re.MULTILINE)


def parse_head(data: bytes | bytearray) -> tuple[dict[str, str], int] | None:
    """Read WARC headers; return them (names in lower case) and where the payload starts.

    A line that is no field belongs to the one before; an empty line does not end the headers where more of them,
    or the missing Content-Length, follow.
    """
    headers: dict[str, str] = {}
    position, last = data.find(b"\n") + 1, ""
    while (end := data.find(b"\n", position, MAX_HEAD)) >= 0:
        line = bytes(data[position:end]).strip()
        if not line:
            position = end + 1
            if last and not _goes_on(headers, data, position):
                return headers, position
            continue
        if last and line.startswith((b"<", b"HTTP/")):
            return headers, position
        position = end + 1
        name, colon, value = line.partition(b":")
        text = value.strip().decode("utf-8", "surrogateescape")
        if colon and _FIELD.match(name.strip()):
            last = name.strip().decode("ascii").lower()
            headers.setdefault(last, text)
        elif last:
            headers[last] += line.decode("utf-8", "surrogateescape")
        else:
            return None
    return None


def _goes_on(headers: dict[str, str], data: bytes | bytearray, position: int) -> bool:
    """Whether more headers follow an empty line."""
    return bool(
        _GOES_ON.match(data, position) or ("content-length" not in headers and _LENGTH_COMES.match(data, position))
    )
