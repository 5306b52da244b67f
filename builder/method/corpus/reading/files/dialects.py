"""How records begin: those of WARC files, and those of ARC files, which the Internet Archive wrote before 2009.

An ARC record begins with one line: address, IP address, date, type and length, in its second version with five more
fields before the length. The first record describes the file. They are read as if they were WARC records, with the same
care for damage; what has an address of the web is a response, anything else a resource.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from builder.method.corpus.reading.warc_head import MAX_HEAD, parse_head

Head = tuple[dict[str, str], int]
_SEPARATOR = rb"(?s:.{0,4}?)[\r\n]*"
"""Up to four bytes of what separates a record from the last one may be damaged."""


@dataclass(frozen=True)
class Dialect:
    """A kind of record.

    Attributes:
        begins: What a gzip member of a record begins with.
        start: The start of a record.
        boundary: The same, behind what separates it from the record before.
        seen: Enough bytes to match `boundary`.
        parse: Reads the headers; gives them, and where the payload starts.
    """

    begins: tuple[bytes, ...]
    start: re.Pattern[bytes]
    boundary: re.Pattern[bytes]
    seen: int
    parse: Callable[[bytes | bytearray], Head | None]


def _dialect(
    begins: tuple[bytes, ...], start: bytes, seen: int, parse: Callable[[bytes | bytearray], Head | None]
) -> Dialect:
    return Dialect(begins, re.compile(start), re.compile(_SEPARATOR + start), seen, parse)


def _parse_arc(data: bytes | bytearray) -> Head | None:
    line = _ARC_LINE.match(data)
    if line is None:
        return None
    url, kind, length = (part.decode("utf-8", "surrogateescape") for part in line.groups())
    scheme = url.partition(":")[0]
    headers = {
        "warc-type": {"filedesc": "warcinfo", "http": "response", "https": "response"}.get(scheme, "resource"),
        "warc-target-uri": url,
        "content-length": length,
    }
    if headers["warc-type"] == "resource":
        headers["content-type"] = kind
    return headers, line.end()


_ARC_SCHEMES = (b"http", b"filedesc", b"ftp", b"dns", b"gopher", b"nntp", b"whois")
_ARC_START = (
    rb"(?<![^\n])(?:https?|filedesc|ftp|dns|gopher|nntp|whois):[^\s\x00]{1,4096} "
    rb"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:]{2,39}) [0-9]{8,17} [^\r\n]{0,1024}?[0-9]{1,12}[ \t]*\r?\n"
)
"""At the start of a line alone: pages are full of addresses."""
_ARC_LINE = re.compile(
    rb"([^\s\x00]{1,4110}) [0-9A-Fa-f:.]{2,39} [0-9]{8,17} (\S{0,200})(?: [^\r\n]{0,1024}?)? ([0-9]{1,12})[ \t]*\r?\n"
)
WARC = _dialect(
    (b"WARC/",), rb"WARC/\d{1,2}\.\d{1,2}[ \t]*\r?\n[ \t\r\n]{0,8}[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:", 256, parse_head
)
ARC = _dialect(_ARC_SCHEMES, _ARC_START, MAX_HEAD >> 3, _parse_arc)


def is_arc(name: str, head: bytes) -> bool:
    """Whether a file is an ARC file, by the first bytes of its content or, where they say nothing, by its name."""
    if head.startswith(b"filedesc:"):
        return True
    return not WARC.start.match(head) and re.search(r"\.arc(?:\.gz|\.zst)?\Z", name.lower()) is not None
