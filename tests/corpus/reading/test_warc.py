import gzip
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpus_pages import (
    archive,
    clueweb09,
    clueweb12,
    clueweb22,
    common_crawl,
    http,
    page,
    record,
    settings,
    write_offsets,
    write_warc,
)

from builder.errors import RecipeError
from builder.method.corpus.reading.readers import MAX_PAGE_BYTES, Loss, Page, Shard, list_inputs, read_pages
from builder.method.corpus.reading.warc import WarcReader, WarcRecord
from builder.method.corpus.reading.warc_head import parse_head

DIALECTS = {"clueweb22": clueweb22, "clueweb12": clueweb12, "clueweb09": clueweb09, "common crawl": common_crawl}
PACKINGS = ["plain", "members", "one member"]


def read(path: Path) -> list[Page | Loss]:
    return list(read_pages(list_inputs(settings(path).sources), Shard()))


def pages(path: Path) -> list[Page]:
    return [item for item in read(path) if isinstance(item, Page)]


def losses(path: Path) -> list[tuple[str, str, str]]:
    return [(item.kind, item.identity, item.reason) for item in read(path) if isinstance(item, Loss)]


def write(path: Path, records: list[bytes], packing: str) -> Path:
    data = {
        "plain": b"".join(records),
        "members": b"".join(gzip.compress(item) for item in records),
        "one member": gzip.compress(b"".join(records)),
    }
    path.write_bytes(data[packing])
    return path


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_read_however_it_is_packed(tmp_path: Path, dialect: str, packing: str) -> None:
    records = [record(b"software: x", 99, kind="warcinfo", clueweb=False)]
    records += [DIALECTS[dialect](number) for number in range(5)]
    found = pages(write(tmp_path / "x.warc.gz", records, packing))
    assert [item.html.strip() for item in found] == [page(number) for number in range(5)]
    assert len({item.page_id for item in found}) == 5
    assert [item.url.rpartition("/")[2] for item in found] == list("01234")


def test_a_record_is_found_again_by_its_offset(tmp_path: Path) -> None:
    for packing in ("plain", "members"):
        path = write(tmp_path / "x.warc.gz", [common_crawl(number) for number in range(3)], packing)
        for item in pages(path):
            again = WarcReader(BytesIO(path.read_bytes()[item.record_offset :]), path.name)
            headers = [found.headers for found in again if isinstance(found, WarcRecord)]
            uris = [head["warc-target-uri"] for head in headers]
            assert item.url in (uris[0], uris[1] if packing == "members" else "")


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("off", [1, 7, 30, 400, 5_000])
def test_a_content_length_that_is_too_large_costs_nothing(tmp_path: Path, packing: str, off: int) -> None:
    records = [clueweb09(number, length=off) for number in range(5)]
    found = read(write(tmp_path / "x.warc.gz", records, packing))
    assert [item.html.strip() for item in found if isinstance(item, Page)] == [page(number) for number in range(5)]
    assert len(found) == 5


def test_a_content_length_that_is_too_small_costs_nothing_where_a_record_has_its_own_member(tmp_path: Path) -> None:
    records = [clueweb09(number, length=-100) for number in range(5)]
    found = read(write(tmp_path / "x.warc.gz", records, "members"))
    assert [item.html.strip() for item in found if isinstance(item, Page)] == [page(number) for number in range(5)]
    assert len(found) == 5
    found = read(write(tmp_path / "x.warc.gz", records, "plain"))
    assert [page(item).startswith(found[2 * item].html) for item in range(5)] == [True] * 5  # type: ignore[union-attr]
    assert [item.reason for item in found if isinstance(item, Loss)] == ["corrupt"] * 5


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_content_length_that_is_missing_or_absurd_costs_nothing(tmp_path: Path, packing: str) -> None:
    records = [clueweb09(number) for number in range(4)]
    length = b"Content-Length: " + str(len(http(page(1).encode(), newline="\n"))).encode()
    assert length in records[1]
    records[1] = records[1].replace(length + b"\n", b"")
    records[2] = clueweb09(2).replace(b"Content-Length: ", b"Content-Length: many")
    found = read(write(tmp_path / "x.warc.gz", records, packing))
    assert [item.html.strip() for item in found if isinstance(item, Page)] == [page(number) for number in range(4)]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_huge_content_length_does_not_swallow_the_file(tmp_path: Path, packing: str) -> None:
    records = [clueweb22(number) for number in range(4)]
    records[1] = record(b"<h1>x</h1>", 1).replace(b"Content-Length: 10", b"Content-Length: 99999999999")
    found = read(write(tmp_path / "x.warc.gz", records, packing))
    assert [item.reason for item in found if isinstance(item, Loss)] == ["too_large"]
    assert len(found) == 4


def test_a_record_above_the_cap_is_a_page_too_large_and_the_next_is_read(tmp_path: Path) -> None:
    large = clueweb22(1, b"<p>" + b"x" * MAX_PAGE_BYTES)
    for packing in PACKINGS:
        found = read(write(tmp_path / "x.warc.gz", [clueweb22(0), large, clueweb22(2)], packing))
        assert [item.reason for item in found if isinstance(item, Loss)] == ["too_large"]
        assert len(found) == 3


STRAY = b"""WARC/0.18
WARC-Type: response
WARC-Target-URI: http://example.org/a
bc

WARC-Record-ID: <urn:uuid:1>
warc-trec-id: clueweb09-en0000-00-00001

Content-Length: 26

<html><h1>Title</h1></html>
"""


def test_headers_broken_by_stray_newlines_are_put_together() -> None:
    headers, start = parse_head(STRAY) or ({}, 0)
    assert headers["warc-target-uri"] == "http://example.org/abc"
    assert headers["warc-trec-id"] == "clueweb09-en0000-00-00001"
    assert headers["content-length"] == "26"
    assert STRAY[start:].startswith(b"<html>")
    broken = STRAY.replace(b"\n\nContent-Length: 26\n\n", b"\n")
    headers, start = parse_head(broken) or ({}, 0)
    assert "content-length" not in headers
    assert broken[start:].startswith(b"<html>")


def test_the_length_of_the_page_is_not_taken_for_that_of_the_record() -> None:
    head = b"WARC/1.0\r\nWARC-Type: response\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    headers, start = parse_head(head) or ({}, 0)
    assert "content-length" not in headers
    assert head[start:].startswith(b"HTTP/1.1")


def test_raw_bytes_in_an_address_are_escaped(tmp_path: Path) -> None:
    raw = clueweb09(1).replace(b"http://example.org/1", b"http://example.org/caf\xe9 \x07bar")
    fine = clueweb22(2).replace(b"https://example.org/2", "https://example.org/é?a=%20b".encode())
    path = write(tmp_path / "x.warc", [raw, fine], "plain")
    assert [item.url for item in pages(path)] == ["http://example.org/caf%E9%20%07bar", "https://example.org/é?a=%20b"]


def test_header_names_may_be_written_in_any_case(tmp_path: Path) -> None:
    odd = clueweb22(1).replace(b"ClueWeb22-ID", b"CLUEWEB22-id").replace(b"Language: en", b"LANGUAGE: de")
    (only,) = pages(write(tmp_path / "x.warc", [odd], "plain"))
    assert (only.page_id, only.language_hint) == ("clueweb22-en0000-00-00001", "de")


def test_a_response_without_http_headers_keeps_its_page(tmp_path: Path) -> None:
    bare = clueweb12(1, b"HTTP/1.1\r\n" + page(1).encode())
    (only,) = pages(write(tmp_path / "x.warc", [bare], "plain"))
    assert only.html == page(1)


def test_pages_that_the_server_did_not_have_are_left_out(tmp_path: Path) -> None:
    gone = [
        common_crawl(number, http(b"<h1>Not here</h1>", status=status))
        for number, status in ((1, "404 Not Found"), (2, "301"))
    ]
    found = losses(write(tmp_path / "x.warc", gone, "plain"))
    assert [reason for kind, _, reason in found if kind == "pages"] == ["http_status"] * 2
    assert [reason for kind, _, reason in found if kind == "records"] == ["request", "metadata"] * 2


def test_offsets_name_every_record_that_a_cut_took(tmp_path: Path) -> None:
    members = [gzip.compress(clueweb22(number)) for number in range(8)]
    path = tmp_path / "en0000-00.warc.gz"
    write_offsets(path, members)
    ends = [sum(map(len, members[:count])) for count in range(9)]
    path.write_bytes(b"".join(members))
    assert not losses(path)
    for cut, reason in ((ends[5] + 10, "cut"), (ends[5], "missing")):
        path.write_bytes(b"".join(members)[:cut])
        lost = [f"en0000-00.warc.gz@{offset}" for offset in ends[5:8]]
        assert losses(path) == [("records", place, reason) for place in lost]
        assert losses(tmp_path) == losses(path)
    path.write_bytes(b"".join(members[:2] + members[4:]))
    assert [reason for _, _, reason in losses(path)] == []  # not the offsets of this file


@pytest.mark.parametrize("content", ["", "nonsense", "0000000000\n000000000\n", "1\n2\n"])
def test_an_offset_file_that_is_none_is_not_used(tmp_path: Path, content: str) -> None:
    path = archive(tmp_path / "x.warc.gz", 3)
    (tmp_path / "x.warc.offset").write_text(content)
    assert len(pages(path)) == len(read(path)) == 3


payloads = st.lists(st.binary(max_size=300), min_size=1, max_size=5)


@given(payloads, st.sampled_from(["plain", "members"]))
def test_sound_records_are_those_that_fastwarc_reads(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], packing: str
) -> None:
    from fastwarc import ArchiveIterator

    records = [clueweb12(number, body) for number, body in enumerate(bodies)]
    path = write(tmp_path_factory.mktemp("warc") / "x.warc.gz", records, packing)
    with path.open("rb") as handle:
        theirs = [(item.stream_pos, item.reader.read()) for item in ArchiveIterator(handle, parse_http=False)]
    with path.open("rb") as handle:
        ours = [(item.offset, item.payload) for item in WarcReader(handle, path.name) if isinstance(item, WarcRecord)]
    assert ours == theirs


def test_text_without_html_is_refused_and_says_why(tmp_path: Path) -> None:
    info = record(b"software: x", 1, kind="warcinfo")
    wet = [info, *(record(b"text only", number, kind="conversion") for number in range(2, 5))]
    write_warc(tmp_path / "wet" / "b.warc.gz", wet)
    archive(tmp_path / "wet" / "a.warc.gz", 1)
    with pytest.raises(
        RecipeError, match=r"b\.warc\.gz: a WET file holds text without HTML.*segments\.sources"
    ) as error:
        read(tmp_path / "wet")
    assert error.value.exit_code == 2
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "x.warc.wet.gz").write_bytes(gzip.compress(b"".join(wet)))
    for path in (tmp_path / "named", tmp_path / "named" / "x.warc.wet.gz"):
        with pytest.raises(RecipeError, match="a WET file holds text without HTML"):
            read(path)
    (tmp_path / "txt").mkdir()
    line = b'{"URL": "https://example.org", "ClueWeb22-ID": "clueweb22-en0000-00-00000", "Clean-Text": "words"}\n'
    (tmp_path / "txt" / "en0000-00.json.gz").write_bytes(gzip.compress(line * 3))
    for path, form in (
        (tmp_path / "txt", "warc"),
        (tmp_path / "txt" / "en0000-00.json.gz", "warc"),
        (tmp_path / "txt", "jsonl"),
    ):
        with pytest.raises(RecipeError, match=r"category L.*without HTML"):
            list_inputs(settings(path, form).sources)
