import gzip
import json
from pathlib import Path
from typing import IO

import pytest
from support.corpus_pages import archive, page, record, settings, write_warc

from builder.errors import RecipeError
from builder.method.corpus.reading.decode import Payload, UndecodableError, decode, is_html, split_http
from builder.method.corpus.reading.readers import MAX_PAGE_BYTES, Loss, Page, Shard, list_inputs, read_pages


def read(path: Path, form: str = "warc", shard: Shard | None = None) -> list[Page | Loss]:
    return list(read_pages(list_inputs(settings(path, form).sources), shard or Shard()))


def pages(path: Path, form: str = "warc") -> list[Page]:
    found = read(path, form)
    assert all(isinstance(item, Page) for item in found), found
    return [item for item in found if isinstance(item, Page)]


def losses(path: Path, form: str = "warc") -> list[tuple[str, str, bool]]:
    return [(item.kind, item.reason, item.failed) for item in read(path, form) if isinstance(item, Loss)]


def test_clueweb_records_have_no_http_headers(tmp_path: Path) -> None:
    payload = b"<html>\n\n<h1>Title</h1>caf\xc3\xa9<meta charset=iso-8859-1></html>\r\n"
    path = write_warc(tmp_path / "a" / "en0000-00.warc.gz", [record(payload, 4), record(payload, 5)])
    first, second = pages(tmp_path)
    assert first.page_id == "clueweb22-en0000-00-00004"
    assert first.html == payload.decode("utf-8")
    assert (first.source_file, first.url, first.language_hint) == ("a/en0000-00.warc.gz", "https://example.org/4", "en")
    assert first.record_offset == 0
    assert path.read_bytes()[second.record_offset :][:2] == b"\x1f\x8b"
    assert len(first.payload_digest) == 32


@pytest.mark.parametrize("name", ["one.warc", "one.warc.gz"])
def test_http_headers_are_taken_off(tmp_path: Path, name: str) -> None:
    body = "<html><h1>Straße</h1></html>".encode("latin-1")
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\nServer: x\r\n\r\n" + body
    data = record(http, 1, clueweb=False, **{"WARC-TREC-ID": "clueweb09-en0000-00-00001"})
    (tmp_path / name).write_bytes(data if name.endswith("warc") else gzip.compress(data))
    (only,) = pages(tmp_path / name)
    assert only.html == "<html><h1>Straße</h1></html>"
    assert only.page_id == "clueweb09-en0000-00-00001"
    assert only.source_file == name


def test_other_records_are_dropped_by_name(tmp_path: Path) -> None:
    kinds = ["warcinfo", "request", "Metadata", "revisit", "surprise"]
    records = [record(b"software: x", number, kind=kind) for number, kind in enumerate(kinds)]
    write_warc(tmp_path / "x.warc.gz", [*records, record(page(9).encode(), 9)])
    names = ["warcinfo", "request", "metadata", "revisit", "other_record"]
    assert losses(tmp_path) == [("records", name, False) for name in names]


@pytest.mark.parametrize("cut", [1, 5, 9, 200, 900])
def test_a_cut_archive_is_noticed(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path / "x.warc.gz", 6)
    path.write_bytes(path.read_bytes()[:-cut])
    assert losses(tmp_path) == [("records", "cut", True)]
    assert len(read(tmp_path)) in (6, 7)


@pytest.mark.parametrize("keep", [3, 12, 100])
def test_an_archive_cut_after_a_record_is_noticed(tmp_path: Path, keep: int) -> None:
    first = gzip.compress(record(page(1).encode(), 1))
    second = gzip.compress(record(page(2).encode(), 2))
    (tmp_path / "x.warc.gz").write_bytes(first + second[:keep])
    found = read(tmp_path)
    assert isinstance(found[0], Page)
    assert losses(tmp_path) == [("records", "cut", True)]


def test_archives_in_one_gzip_member_or_none_are_checked_too(tmp_path: Path) -> None:
    records = b"".join(record(page(number).encode(), number) for number in range(5))
    (tmp_path / "plain.warc").write_bytes(records)
    (tmp_path / "single.warc.gz").write_bytes(gzip.compress(records))
    assert len(pages(tmp_path)) == 10
    (tmp_path / "plain.warc").write_bytes(records[:-300])
    (tmp_path / "single.warc.gz").write_bytes(gzip.compress(records)[:-300])
    assert losses(tmp_path) == [("records", "cut", True)] * 2
    assert len(read(tmp_path)) >= 8


def test_damage_inside_an_archive_is_noticed(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.warc.gz", 6)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 50] = b"x" * 50
    path.write_bytes(bytes(data))
    ((kind, reason, failed),) = losses(tmp_path)
    assert (kind, failed) == ("records", True)
    assert reason in ("corrupt", "cut")


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty_file"), (b"no archive at all\n" * 50, "corrupt")])
def test_files_that_are_no_archives_are_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.warc.gz").write_bytes(content)
    assert losses(tmp_path) == [("records", reason, True)]


@pytest.mark.parametrize("tasks", [2, 3, 7])
def test_shards_divide_the_records_of_few_archives(tmp_path: Path, tasks: int) -> None:
    path = archive(tmp_path / "x.warc.gz", 20)
    path.write_bytes(path.read_bytes()[:-100])
    whole = read(tmp_path)
    parts = [read(tmp_path, shard=Shard(rank, tasks)) for rank in range(tasks)]
    assert sorted(map(repr, whole)) == sorted(repr(item) for part in parts for item in part)
    assert all(parts)


def test_shards_divide_many_archives_by_file(tmp_path: Path) -> None:
    for number in range(4):
        archive(tmp_path / f"{number}.warc.gz", 2, first=2 * number)
    found = read(tmp_path, shard=Shard(1, 2))
    assert [item.source_file for item in found if isinstance(item, Page)] == ["1.warc.gz"] * 2 + ["3.warc.gz"] * 2


def test_a_folder_of_html(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    link = '<link href="https://example.org/b" rel="canonical">'
    (tmp_path / "b" / "x.html").write_text(f"<html>{link}<h1>é</h1>", encoding="utf-8")
    (tmp_path / "a.htm").write_bytes("<meta charset=windows-1252><h1>‘é’</h1>".encode("cp1252"))
    og = "<meta property='og:url' content='https://example.org/c'>"
    (tmp_path / "c.html.gz").write_bytes(gzip.compress(f"{og}<h1>c</h1>".encode()))
    (tmp_path / "note.txt").write_text("not read")
    found = pages(tmp_path, "html")
    assert [item.page_id for item in found] == ["a.htm", "b/x.html", "c.html.gz"]
    assert [item.url for item in found] == ["", "https://example.org/b", "https://example.org/c"]
    assert [item.record_offset for item in found] == [-1] * 3
    assert "‘é’" in found[0].html
    assert "é" in found[1].html


def test_pages_without_an_address_have_that_of_their_file(tmp_path: Path) -> None:
    own = {
        "a.html": "",
        "b c.html": "file:///home/jane/b.html",
        "d/e.html": "https://example.org/e",
        "f.html": "f.html",
    }
    for name, address in own.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"<html><link rel=canonical href='{address}'><h1>x</h1>")
    source = settings(tmp_path, "html").sources[0].model_copy(update={"base_url": "https://docs.example/v1/"})
    found = [item for item in read_pages(list_inputs([source]), Shard()) if isinstance(item, Page)]
    assert {item.page_id: item.url for item in found} == {
        "a.html": "https://docs.example/v1/a.html",
        "b c.html": "https://docs.example/v1/b%20c.html",
        "d/e.html": "https://example.org/e",
        "f.html": "https://docs.example/v1/f.html",
    }


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\n\n", b"Welcome. ", b"\xff\xfe", b"<?xml version='1.0'?>"])
def test_a_file_that_is_not_packed_is_read_whatever_its_name_and_its_start(tmp_path: Path, start: bytes) -> None:
    text = "<h1>Harbour</h1><p>The old ferryman keeps a ledger.</p>"
    (tmp_path / "c.html.gz").write_bytes(start + text.encode("utf-16-le" if start == b"\xff\xfe" else "utf-8"))
    (only,) = pages(tmp_path, "html")
    assert only.html.endswith(text)
    assert not only.html.startswith("\ufeff")


def test_a_cut_html_gz_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "c.html.gz").write_bytes(gzip.compress(page(1).encode())[:-20])
    assert losses(tmp_path, "html") == [("records", "cut", True)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"%PDF-1.4 ...", "not_html"),
        (b"\x89PNG\r\n\x1a\n....", "not_html"),
        (b"\x00\x01\x02" * 100, "not_html"),
        (b"x" * (MAX_PAGE_BYTES + 1), "too_large"),
    ],
    ids=["nothing", "blank", "pdf", "png", "binary", "large"],
)
def test_what_is_no_page_is_dropped_with_a_reason(tmp_path: Path, body: bytes, reason: str) -> None:
    write_warc(tmp_path / "w" / "x.warc.gz", [record(body, 1)])
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "x.html").write_bytes(body)
    assert losses(tmp_path / "w") == [("pages", reason, False)]
    assert losses(tmp_path / "h", "html") == [("pages", reason, False)]


def test_sources_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"nowhere: no such file.*segments\.sources"):
        list_inputs(settings(tmp_path / "nowhere").sources)
    with pytest.raises(RecipeError, match=r"no file ending in \.warc or \.warc\.gz.*format \(it is warc\)"):
        list_inputs(settings(tmp_path).sources)
    (tmp_path / "x.warc").write_bytes(b"")
    with pytest.raises(RecipeError, match=r"\.html"):
        list_inputs(settings(tmp_path, "html").sources)


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        ("é".encode(), {}, "é"),
        ("é".encode("latin-1"), {"content-type": "text/html; charset=latin1"}, "é"),
        ("é".encode(), {"content-type": "text/html; charset=latin1"}, "Ã©"),
        ("é".encode(), {"content-type": "text/html; charset=nonsense"}, "é"),
        ("é".encode("latin-1"), {"content-type": "text/html; charset=utf-8"}, "\ufffd"),
        (b"\xef\xbb\xbf" + "é".encode(), {"content-type": "text/html; charset=latin1"}, "é"),
        (b"\xff\xfe" + "é".encode("utf-16-le"), {}, "é"),
        ("<meta charset='koi8-r'>Привет".encode("koi8-r"), {}, "<meta charset='koi8-r'>Привет"),
        (b"a\x00b\x0bc\x1fd\n\te", {}, "abcd\n\te"),
    ],
)
def test_encodings(body: bytes, headers: dict[str, str], text: str) -> None:
    assert decode(Payload(body, headers)) == text


def test_a_page_that_no_encoding_fits_is_dropped_with_a_reason(tmp_path: Path) -> None:
    german = "<p>Die Straße führt über die Brücke in die schöne Stadt, wo viele Häuser grüne Türen haben. " * 5
    pages_of = {
        "a.html": b"<meta charset=utf-8>" + german.encode("cp1252"),
        "b.html": b"<meta charset=iso-2022-kr>" + german.encode(),
        "c.html": b"<meta charset=gb2312>" + "Набережная закрыта до весны. ".encode("koi8-r") * 9 + b"\xff\x20" * 40,
        "d.html": b"<meta charset=utf-8>" + german.encode() + b"\xe4",
        "e.html": b"<meta charset=windows-1252>" + german.encode("cp1252") + b"\x81\x9d",
    }
    for name, body in pages_of.items():
        (tmp_path / name).write_bytes(body)
    assert losses(tmp_path, "html") == [("pages", "undecodable", False)] * 3
    kept = [item.html for item in read(tmp_path, "html") if isinstance(item, Page)]
    assert [german in html for html in kept] == [True, True]
    (tmp_path / "rows.jsonl").write_text(json.dumps({"html": "<p>gr\ufffdn " * 50}) + "\n")
    assert losses(tmp_path / "rows.jsonl", "jsonl") == [("pages", "undecodable", False)]
    write_warc(tmp_path / "x.warc.gz", [record(german.encode("cp1252"), 1), record(german.encode(), 2)])
    assert losses(tmp_path / "x.warc.gz") == [("pages", "undecodable", False)]


def test_an_undeclared_encoding_is_guessed_and_never_fatal() -> None:
    text = "Die Straße führt über die Brücke in die schöne Stadt, wo viele Häuser grüne Türen haben. " * 5
    assert "Straße" in decode(Payload(text.encode("latin-1")))
    decode(Payload(bytes(range(256)) * 4))
    assert decode(Payload(b"caf\xe9"), utf8=True) == "caf\ufffd"


def test_packed_bodies_are_unpacked() -> None:
    body = b"<html><h1>x</h1></html>"
    head = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n"
    chunks = b"8\r\n" + body[:8] + b"\r\nf\r\n" + body[8:] + b"\r\n0\r\n\r\n"
    assert split_http(head % b"Transfer-Encoding: chunked" + chunks).body == body
    assert split_http(head % b"Transfer-Encoding: chunked" + body).body == body
    assert split_http(head % b"Content-Encoding: gzip" + gzip.compress(body)).body == body
    assert split_http(head % b"Content-Encoding: gzip" + body).body == body
    with pytest.raises(UndecodableError, match="br"):
        split_http(head % b"Content-Encoding: br" + b"\x1b\x00")


def test_the_http_type_counts() -> None:
    assert not is_html(Payload(b"{}", {"content-type": "application/json"}))
    assert is_html(Payload(b"<html>", {"content-type": "application/xhtml+xml"}))
    assert is_html(Payload(b"\xff\xfe" + "<html>".encode("utf-16-le")))


def test_a_page_that_unpacks_too_large_is_left_out_without_unpacking_it_all(tmp_path: Path) -> None:
    (tmp_path / "bomb.html.gz").write_bytes(gzip.compress(b" " * (MAX_PAGE_BYTES * 4)))
    assert losses(tmp_path, "html") == [("pages", "too_large", False)]


def test_a_file_that_cannot_be_read_is_one_lost_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.html").write_text("<h1>Good</h1>")
    (tmp_path / "bad.html").write_text("<h1>Bad</h1>")

    def open_binary(path: Path) -> IO[bytes]:
        if path.name == "bad.html":
            raise PermissionError(13, "Permission denied", str(path))
        return path.open("rb")

    monkeypatch.setattr("builder.method.corpus.reading.html_files.open_binary", open_binary)
    assert losses(tmp_path, "html") == [("records", "unreadable", True)]
    assert sum(isinstance(item, Page) for item in read(tmp_path, "html")) == 1
