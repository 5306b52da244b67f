"""Which records of an archive hold pages."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpus_pages import http, page, record, settings, write_warc

from builder.errors import RecipeError
from builder.method.corpus.reading.files.kinds import SNIFFED_BYTES, starts_as_html
from builder.method.corpus.reading.readers import Loss, Page, Shard, list_inputs, read_pages

HTML = page(3).encode()


def read(path: Path) -> list[Page | Loss]:
    return list(read_pages(list_inputs(settings(path).sources), Shard()))


def of(kind: str, number: int, payload: bytes = HTML, content_type: str | None = "text/html") -> bytes:
    said = {} if content_type is None else {"Content-Type": content_type}
    return record(payload, number, kind=kind, clueweb=False, **said)


@pytest.mark.parametrize(
    ("payload", "content_type"),
    [
        (HTML, "text/html"),
        (HTML, "Text/HTML; charset=utf-8"),
        (b'<?xml version="1.0"?>\n' + HTML, "application/xhtml+xml"),
        (b"<p>no doctype, no html, but it says so</p>", "text/html"),
        (b"\xef\xbb\xbf\n<!-- saved from url=(0014)about:internet -->\n<!DOCTYPE html>" + HTML, None),
        (HTML, "application/octet-stream"),
        (b"<!doctype html>" + HTML, "text/plain"),
        (http(HTML), "application/http; msgtype=response"),
    ],
)
def test_a_resource_that_is_html_is_a_page(tmp_path: Path, payload: bytes, content_type: str | None) -> None:
    write_warc(tmp_path / "x.warc.gz", [of("resource", 1, payload, content_type)])
    (only,) = read(tmp_path)
    assert isinstance(only, Page), only
    assert (only.page_id, only.url) == (
        "<urn:uuid:00000000-0000-0000-0000-000000000001>",
        "https://example.org/1",
    )
    assert "<p>" in only.html
    assert "HTTP/" not in only.html


@pytest.mark.parametrize(
    ("payload", "content_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"example.org. IN A 192.0.2.1", "text/dns"),
        (b"notes\n<html> is the first tag", "text/plain"),
        (b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>', "application/octet-stream"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"<?php echo '<html>'; ?>", "text/plain"),
        (b"{}", None),
        (b"", None),
        (b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"),
        (HTML, "application/pdf"),
    ],
)
def test_a_resource_that_is_none_is_counted_by_its_name(
    tmp_path: Path, payload: bytes, content_type: str | None
) -> None:
    write_warc(tmp_path / "x.warc.gz", [of("resource", 1, payload, content_type), of("response", 2)])
    lost, kept = read(tmp_path)
    assert isinstance(lost, Loss)
    assert (lost.kind, lost.reason, lost.failed) == ("records", "resource", False)
    assert isinstance(kept, Page)


def test_resources_stand_beside_responses_of_the_same_address_and_both_are_read(tmp_path: Path) -> None:
    records = [of("response", 1, http(HTML), "application/http"), of("resource", 2), of("conversion", 3)]
    write_warc(tmp_path / "x.warc.gz", records)
    found = read(tmp_path)
    assert [item.html for item in found if isinstance(item, Page)] == [HTML.decode()] * 3
    assert len({item.page_id for item in found if isinstance(item, Page)}) == 3


def test_the_charset_of_a_resource_counts(tmp_path: Path) -> None:
    body = "<html><h1>Привет, мир</h1></html>".encode("koi8-r")
    write_warc(tmp_path / "x.warc.gz", [of("resource", 1, body, "text/html; charset=koi8-r")])
    (only,) = read(tmp_path)
    assert isinstance(only, Page)
    assert "Привет, мир" in only.html


def test_a_conversion_is_read_where_it_is_html_and_refused_where_it_is_text(tmp_path: Path) -> None:
    write_warc(tmp_path / "html.warc.gz", [of("conversion", 1), of("conversion", 2, b"plain words", "text/plain")])
    kept, lost = read(tmp_path)
    assert isinstance(kept, Page)
    assert isinstance(lost, Loss)
    assert lost.reason == "conversion"
    write_warc(tmp_path / "html.warc.gz", [of("conversion", 1, b"<html> is a tag. Learn more.", "text/plain")])
    with pytest.raises(RecipeError, match="a WET file holds text without HTML"):
        read(tmp_path)


def test_archives_of_resources_alone_give_pages_however_they_are_packed(tmp_path: Path) -> None:
    records = [record(b"software: x", 9, kind="warcinfo"), *(of("resource", number) for number in range(3))]
    (tmp_path / "a.warc").write_bytes(b"".join(records))
    write_warc(tmp_path / "b.warc.gz", records)
    found = read(tmp_path)
    assert [type(item).__name__ for item in found] == ["Loss", "Page", "Page", "Page"] * 2


@pytest.mark.parametrize(
    "head",
    [
        b"<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 3.2//EN'>",
        b" \r\n\t<HTML>",
        b"<html\nlang=en>",
        b"<!-- a --><!-- b -->\n<body>",
        b"<!--[if IE]><html><![endif]-->\n<!doctype html>",
        b'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "x" "y">',
        b'<?xml version="1.0"?><?xml-stylesheet href="a.css"?><html xmlns="x">',
        b"<script>var a = 1;</script>\n<html>",
        b"<h1>Bare</h1>",
        "\ufeff<!doctype html>".encode("utf-16-le"),
        "\ufeff<html>".encode("utf-16-be"),
    ],
)
def test_html_is_known_by_its_first_bytes(head: bytes) -> None:
    assert starts_as_html(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"plain",
        b"<htmlx>",
        b"<script>let a = '<p>';</script>",
        b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'>",
        b"<?php ?><html>",
        b"{'html': '<html>'}",
        b"<!-- a comment without end <html",
        b"<article><title>DocBook</title></article>",
        b"\x1f\x8b\x08",
        b"%PDF-1.7 <html>",
    ],
)
def test_what_is_no_html_is_known_too(head: bytes) -> None:
    assert not starts_as_html(head)


@given(st.binary(max_size=300))
def test_any_bytes_are_html_or_not(head: bytes) -> None:
    assert starts_as_html(b"<!doctype html>" + head)
    assert not starts_as_html(b"x" + head)
    starts_as_html(head)


def test_a_long_run_of_comments_is_looked_at_no_further_than_the_start() -> None:
    assert not starts_as_html(b"<!---->" * SNIFFED_BYTES + b"<html>")
