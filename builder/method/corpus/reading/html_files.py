"""Pages that are files of their own: folders of .html and .htm, packed or not."""

import re
from collections.abc import Iterator

from builder.data.inputs import open_binary
from builder.method.corpus.reading.crawl import Input, Loss, Record
from builder.method.corpus.reading.decode import MAX_PAGE_BYTES
from builder.method.corpus.reading.inflate import Break, RawFile, is_packed, pieces

_CANONICAL = re.compile(r"<link\b[^<>]{0,2000}\brel\s*=\s*[\"']?canonical[\"']?[^<>]{0,2000}>", re.IGNORECASE)
_OG_URL = re.compile(r"<meta\b[^<>]{0,2000}\bproperty\s*=\s*[\"']?og:url[\"']?[^<>]{0,2000}>", re.IGNORECASE)
_ADDRESS = re.compile(r"\b(?:href|content)\s*=\s*[\"']([^\"'<>\s]+)[\"']", re.IGNORECASE)
_HEAD_CHARS = 100_000
_PLAIN = re.compile(rb"\A\s*<")


def read_html(item: Input) -> Iterator[Record | Loss]:
    """Yield the page a file holds; its id is the path in the folder."""
    body = bytearray()
    with open_binary(item.location) as handle:
        raw = RawFile(handle)
        for piece in pieces(raw, b"<", packed=item.name.lower().endswith(".gz") and is_packed(raw, item.name, _PLAIN)):
            if isinstance(piece, Break):
                yield Loss("records", item.name, piece.reason, failed=True)
                return
            body += piece.data
            if len(body) > MAX_PAGE_BYTES:
                break
    yield Record(item.name, None if len(body) > MAX_PAGE_BYTES else bytes(body), offset=-1)


def own_url(html: str) -> str:
    """The address a page gives itself: canonical link, else og:url, else nothing."""
    for pattern in (_CANONICAL, _OG_URL):
        if (tag := pattern.search(html, 0, _HEAD_CHARS)) and (address := _ADDRESS.search(tag.group())):
            return address.group(1)
    return ""
