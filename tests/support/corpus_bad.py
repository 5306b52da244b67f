"""Bad inputs: what crawls hold besides pages, and what damage does to their files."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

from support.corpus_pages import clueweb09, clueweb12, clueweb22, common_crawl, http, page, write_warc

KEPT = "kept"

_TEXT = page(7)
_NOISE = random.Random(1).randbytes(20_000)


def _body(start: str, end: str = "") -> bytes:
    """A good page with something in it."""
    return _TEXT.replace("<main>", f"<main>{start}").replace("</main>", f"{end}</main>").encode()


PAGES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "blanks": (b" \r\n\t ", "empty"),
    "plain text": (b"Some words and no markup at all.\n" * 40, "no_headings"),
    "json": (b'{"a": ["<b>", 1]}', "no_headings"),
    "rss": (b'<?xml version="1.0"?><rss><channel><title>News</title></channel></rss>', "no_headings"),
    "random bytes": (b"\x00" * 4_000 + _NOISE, "not_html"),
    "png": (b"\x89PNG\r\n\x1a\n" + _NOISE, "not_html"),
    "pdf": (b"%PDF-1.7\n" + _NOISE, "not_html"),
    "zip": (b"PK\x03\x04" + _NOISE, "not_html"),
    "nul bytes": (_TEXT.replace("the ", "the\x00 ").encode(), KEPT),
    "entities that are no characters": (_body("<p>&#0; &#xD800; &#x110000; &bogus;</p>"), KEPT),
    "control characters": (_TEXT.replace(" of ", " \x01of\x1f ").encode(), KEPT),
    "half a pair": (_TEXT.encode().replace(b"the ", b"the \xed\xa0\x80", 3), KEPT),
    "byte order mark": (b"\xef\xbb\xbf" + _TEXT.encode(), KEPT),
    "wrong meta charset": (_body('<meta charset="utf-16"><p>Straße</p>'), KEPT),
    "xml declaration": (b'<?xml version="1.0" encoding="iso-8859-1"?>\n' + _TEXT.encode(), KEPT),
    "meta refresh": (b'<html><meta http-equiv="refresh" content="0;url=/x"></html>', "no_headings"),
    "frameset": (b'<html><frameset><frame src="a.html"></frameset></html>', "no_headings"),
    "nesting 2,000": (_body("<div>" * 2_000), "too_deep"),
    "nesting 100,000": (_body("<div>" * 100_000), "too_many_tags"),
    "inline nesting 100,000": (_body("<b>" * 100_000), "too_deep"),
    "300,000 paragraphs": (_body("<p>a" * 300_000), "too_many_tags"),
    "5 MB attribute": (_body(f'<p title="{"x" * 5_000_000}">word</p>'), KEPT),
    "unclosed tags": (_TEXT.replace("</p>", "").replace("</h2>", "").encode(), KEPT),
    "heading in link in heading": (_body("<h2><a href='/x'><h3>Inner</h3></a></h2>"), KEPT),
    "unclosed script": (_TEXT.replace("</main>", "</main><script>if (a < b) {").encode(), KEPT),
    "unclosed comment": (b"<h1>x</h1><!-- " + _TEXT.encode(), "no_main_content"),
    "only headings": (b"<html><body>" + b"<h2>Title</h2>" * 200, "no_main_content"),
}
"""Pages and what becomes of them; in ClueWeb22 form, so always read as UTF-8."""

HTTP_PAGES: dict[str, tuple[bytes, str]] = {
    "latin-1 without a word": (http(_body("<p>Straße, Brücke, schöne Häuser</p>").decode().encode("latin-1")), KEPT),
    "utf-16": (http(b"\xff\xfe" + _TEXT.encode("utf-16-le")), KEPT),
    "wrong length of a chunk": (http(b"zz\r\n" + _TEXT.encode(), "Transfer-Encoding: chunked"), KEPT),
    "gzip": (http(gzip.compress(_TEXT.encode()), "Content-Encoding: gzip"), KEPT),
    "gzip, header only": (http(_TEXT.encode(), "Content-Encoding: gzip"), KEPT),
    "gzip, but not": (http(b"\x01\x02 no", "Content-Encoding: gzip"), "decode"),
    "unknown encoding": (http(b"\x01\x02 no", "Content-Encoding: secret"), "decode"),
    "no empty line": (b"HTTP/1.1\r\n" + _TEXT.encode(), KEPT),
    "no body": (b"HTTP/1.1 200 OK\r\n", "empty"),
    "image": (http(b"\xff\xd8\xff" + _NOISE, "Content-Type: image/jpeg"), "not_html"),
    "not found": (http(_TEXT.encode(), status="404 Not Found"), "http_status"),
}
"""Responses with HTTP headers."""

HEAVY_PAGES: dict[str, tuple[bytes, str]] = {
    "50 MB": (_body("<p>words</p>" * 4_200_000), "too_large"),
    "10 MB of text": (_body(f"<p>{'some words here ' * 650_000}</p>"), ""),
    "20,000 headings": (_body("<h3>Part</h3><p>words of it</p>" * 20_000), ""),
    "20,000 rows": (_body(f"<table>{'<tr><td>a</td><td>b</td></tr>' * 20_000}</table>"), ""),
    "15 MB of links": (_body('<a href="/a">a</a> ' * 800_000), ""),
}
"""Pages that take long; what becomes of some of them is left to the extractor, as long as it is counted."""


def _members(make: Callable[[int], bytes], count: int = 5, first: int = 0) -> list[bytes]:
    return [gzip.compress(make(number)) for number in range(first, first + count)]


def write_archives(folder: Path) -> dict[str, tuple[int, list[str]]]:
    """Write damaged archives; return how many pages each must give, and the reasons for what is lost."""
    folder.mkdir(parents=True, exist_ok=True)
    members = _members(clueweb12)
    one, two, three, four, five = members
    whole = b"".join(members)
    hit = len(one + two) + 200
    bare = list(map(clueweb09, range(5)))
    odd = gzip.compress(clueweb12(9, HTTP_PAGES["wrong length of a chunk"][0]))
    crawl = [gzip.compress(common_crawl(number)) for number in range(3)]
    files: dict[str, tuple[bytes, int, list[str]]] = {
        "bare-newlines.warc": (b"".join(bare), 5, []),
        "bare-newlines.warc.gz": (gzip.compress(b"".join(bare)), 5, []),
        "one-wrong-length.warc.gz": (gzip.compress(bare[0] + clueweb09(1, length=17) + bare[2]), 3, []),
        "cut.warc.gz": (whole[:-300], 4, ["cut"]),
        "fifty-bad-bytes.warc.gz": (whole[:hit] + b"\xaa" * 50 + whole[hit + 50 :], 4, ["corrupt"]),
        "bad-chunk.warc.gz": (one + two + odd + four, 4, []),
        "not-gzip.warc.gz": (b"".join(map(clueweb22, range(5))), 5, []),
        "empty.warc.gz": (b"", 0, ["empty_file"]),
        "nothing-inside.warc.gz": (gzip.compress(b""), 0, ["empty_file"]),
        "no-archive.warc": (b"no archive at all\n" * 50, 0, ["corrupt"]),
        "garbage-between.warc.gz": (one + _NOISE + two + three, 3, ["corrupt"]),
        "zeros-behind.warc.gz": (whole + b"\x00" * 10_000, 5, []),
        "two-lost.warc.gz": (one + b"x" * 30 + two[30:] + three + four[:-60] + five, 3, ["corrupt", "corrupt"]),
        "common-crawl.warc.gz": (b"".join(crawl), 3, ["metadata", "request"] * 3),
        "cut.warc": (b"".join(map(clueweb22, range(5)))[:-900], 4, ["cut"]),
    }
    for name, (data, _, _) in files.items():
        (folder / name).write_bytes(data)
    return {name: (count, sorted(reasons)) for name, (_, count, reasons) in files.items()}


def write_pages(path: Path, bad: dict[str, tuple[bytes, str]], make: Callable[[int, bytes], bytes]) -> Path:
    """An archive with a good page before and after every bad one; good ones have even numbers."""
    records = []
    for number, (body, _) in enumerate(bad.values()):
        records += [clueweb22(2 * number), make(2 * number + 1, body)]
    return write_warc(path, [*records, clueweb22(2 * len(bad))])
