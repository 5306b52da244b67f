"""Pages that are files of their own, whatever their ending, packed or not."""

import re
from collections.abc import Iterator
from pathlib import Path

from builder.data.address import Address
from builder.data.inputs import open_binary
from builder.method.corpus.reading.crawl import Input, Loss, Record
from builder.method.corpus.reading.decode import MAX_PAGE_BYTES
from builder.method.corpus.reading.files.kinds import SNIFFED_BYTES, starts_as_html
from builder.method.corpus.reading.files.unpacked import unpacked
from builder.method.corpus.reading.inflate import Break, RawFile
from builder.workspace.inputs.while_read import noted

_CANONICAL = re.compile(r"<link\b[^<>]{0,2000}\brel\s*=\s*[\"']?canonical[\"']?[^<>]{0,2000}>", re.IGNORECASE)
_OG_URL = re.compile(r"<meta\b[^<>]{0,2000}\bproperty\s*=\s*[\"']?og:url[\"']?[^<>]{0,2000}>", re.IGNORECASE)
_ADDRESS = re.compile(r"\b(?:href|content)\s*=\s*[\"']([^\"'<>\s]+)[\"']", re.IGNORECASE)
_HEAD_CHARS = 100_000
_PLAIN = re.compile(rb"\A\s*<")


def read_html(item: Input) -> Iterator[Record | Loss]:
    """Yield the page a file holds; its id is the path in the folder."""
    body = bytearray()
    with noted(open_binary(item.location), item.location, item.stage) as handle:
        for piece in unpacked(RawFile(handle), item.name, b"<", _PLAIN)[0]:
            if isinstance(piece, Break):
                yield Loss("records", item.name, piece.reason, failed=True)
                return
            body += piece.data
            if len(body) > MAX_PAGE_BYTES:
                break
    yield Record(item.name, None if len(body) > MAX_PAGE_BYTES else bytes(body), offset=-1)


def holds_html(location: Path | Address) -> bool:
    """Whether a file starts as an HTML document, packed or not.

    Raises:
        OSError: If it cannot be opened.
    """
    head = bytearray()
    with open_binary(location) as handle:
        for piece in unpacked(RawFile(handle), "", b"<", _PLAIN)[0]:
            if isinstance(piece, Break):
                break
            head += piece.data
            if len(head) >= SNIFFED_BYTES:
                break
    return starts_as_html(bytes(head[:SNIFFED_BYTES]))


def own_url(html: str) -> str:
    """The address a page gives itself: canonical link, else og:url, else nothing."""
    for pattern in (_CANONICAL, _OG_URL):
        if (tag := pattern.search(html, 0, _HEAD_CHARS)) and (address := _ADDRESS.search(tag.group())):
            return address.group(1)
    return ""
