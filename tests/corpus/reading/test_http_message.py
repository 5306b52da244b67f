"""What is around a page on the wire: heads, chunks, codings, and what crawlers have undone of it already."""

import gzip
import zlib
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from support.hang_guard import must_end

from builder.method.corpus.reading.decode import MAX_PAGE_BYTES, Payload, UndecodableError, split_http
from builder.method.corpus.reading.payload.codings import MAX_CODINGS

BODY = b"<!DOCTYPE html><h1>Harbour</h1><p>The old ferryman keeps a ledger of every boat.</p>" * 9


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    " Deflate": raw_deflate,
    "br": lambda body: bytes(pa.compress(body, "brotli", asbytes=True)),
    "zstd": lambda body: bytes(pa.compress(body, "zstd", asbytes=True)),
    "identity": bytes,
    "": bytes,
}


def message(body: bytes, *headers: str, first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([first, "Content-Type: text/html", *headers, "", ""]).encode() + body


def chunked(body: bytes, size: int = 100, form: str = "{:x}", end: bytes = b"0\r\n\r\n") -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(form.format(len(part)).encode() + b"\r\n" + part + b"\r\n" for part in parts) + end


@pytest.mark.parametrize(("first", "second"), list(product(PACKERS, PACKERS)))
def test_any_chain_of_codings_is_undone(first: str, second: str) -> None:
    packed = PACKERS[second](PACKERS[first](BODY))
    for headers in (
        [f"Content-Encoding: {first}, {second}"],
        [f"Content-Encoding: {first}", f"content-encoding:{second}"],
    ):
        found = split_http(message(packed, *headers))
        assert (found.body, found.cut) == (BODY, False)


def test_three_codings_and_those_of_the_transfer_are_undone() -> None:
    packed = gzip.compress(PACKERS["br"](zlib.compress(BODY)))
    assert split_http(message(packed, "Content-Encoding: deflate, br,gzip")).body == BODY
    packed = chunked(gzip.compress(PACKERS["zstd"](BODY)))
    assert split_http(message(packed, "Content-Encoding: zstd", "Transfer-Encoding: gzip, chunked")).body == BODY


UNPACKED = {
    "a mark": b"\xef\xbb\xbf<!DOCTYPE html><p>x",
    "a mark of UTF-16": b"\xff\xfe" + "<p>ab".encode("utf-16-le"),
    "UTF-16 without a mark": "<p>ab".encode("utf-16-be"),
    "blank lines": b"\r\n\n\t <html><p>x",
    "text": b"Welcome to the harbour",
    "a declaration": b"<?xml version='1.0'?><html>",
    "a comment": b"<!-- x --><html>",
    "text like zlib": b"x^2 + y^2 = z^2 is where it starts",
    "one letter": b"x",
    "a stray NUL": b"<p>" + b"word " * 60 + b"\x00",
    "another alphabet": "Набережная закрыта".encode("cp1251"),
    "Japanese": "図書館".encode("iso-2022-jp"),
    "Chinese": "码头图书馆".encode("gbk"),
}


@pytest.mark.parametrize("start", UNPACKED)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br", "x-gzip", "utf-8", "compress"])
def test_a_body_stored_unpacked_is_known_by_its_content(start: str, coding: str) -> None:
    found = split_http(message(UNPACKED[start], f"Content-Encoding: {coding}"))
    assert (found.body, found.cut) == (UNPACKED[start], False)


@pytest.mark.parametrize("length", [1, 2, 5, 9, 20, 60, 200])
@pytest.mark.parametrize("coding", ["gzip", "deflate", " Deflate", "br", "zstd"])
def test_short_packed_bodies_are_not_taken_for_text(coding: str, length: int) -> None:
    for start in range(40):
        body = BODY[start : start + length]
        assert split_http(message(PACKERS[coding](body), f"Content-Encoding: {coding}")).body == body


def test_a_chain_undone_in_part_is_undone_to_its_end() -> None:
    assert split_http(message(gzip.compress(BODY), "Content-Encoding: gzip, br")).body == BODY
    assert split_http(message(PACKERS["zstd"](BODY), "Content-Encoding: zstd, deflate, br")).body == BODY


@pytest.mark.parametrize("undone", ["gzip", "br", "zstd", "deflate", "gzip, br"])
@pytest.mark.parametrize("stored", ["deflate", "br"])
def test_what_a_crawler_has_undone_needs_no_mark_of_its_own(stored: str, undone: str) -> None:
    found = split_http(message(PACKERS[stored](BODY), f"Content-Encoding: {stored}, {undone}"))
    assert (found.body, found.cut) == (BODY, False)


def test_a_body_labelled_as_another_coding_is_unpacked_by_its_magic() -> None:
    assert split_http(message(gzip.compress(BODY), "Content-Encoding: br")).body == BODY
    assert split_http(message(gzip.compress(BODY), "Content-Encoding: deflate")).body == BODY
    assert split_http(message(PACKERS["zstd"](BODY), "Content-Encoding: gzip")).body == BODY


def test_what_nobody_unpacks_is_named() -> None:
    for coding in ("compress", "dcb", "exi"):
        with pytest.raises(UndecodableError, match=coding):
            split_http(message(b"\x1f\x9d\x90" + bytes(range(64)), f"Content-Encoding: {coding}"))
    with pytest.raises(UndecodableError, match=f"at most {MAX_CODINGS}"):
        split_http(message(b"x", "Content-Encoding: " + "gzip, " * (MAX_CODINGS + 1)))


def test_several_members_are_one_body_and_padding_is_none() -> None:
    packed = gzip.compress(BODY) + gzip.compress(BODY) + b"\x00" * 9
    assert split_http(message(packed, "Content-Encoding: gzip")).body == BODY * 2


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_cut_body_is_said_to_be_cut(coding: str) -> None:
    body = b"".join(b"<p>%d %d</p>" % (number, number * number) for number in range(20_000))
    packed = PACKERS[coding](body)
    found = split_http(message(packed[: len(packed) * 2 // 3], f"Content-Encoding: {coding}"))
    assert found.cut
    assert body.startswith(found.body)
    assert found.body


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_wrong_checksum_costs_nothing(coding: str) -> None:
    packed = bytearray(PACKERS[coding](BODY))
    packed[-5 if coding == "gzip" else -1] ^= 1
    assert split_http(message(bytes(packed), f"Content-Encoding: {coding}")).body == BODY


def test_zstd_frames_follow_each_other_and_may_be_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    packed = skipped + PACKERS["zstd"](BODY) + skipped + PACKERS["zstd"](BODY)
    assert split_http(message(packed, "Content-Encoding: zstd")).body == BODY * 2


@pytest.mark.parametrize(
    "first", ["HTTP/2 200", "HTTP/2 200 ", "HTTP/3 200", "HTTP/1.0 200 OK", "HTTP/1.1 200", "\r\nHTTP/1.1 200 OK"]
)
def test_heads_of_every_version_are_taken_off(first: str) -> None:
    assert split_http(message(BODY, first=first)) == Payload(BODY, {"content-type": "text/html"}, 200)


def test_chains_of_bombs_stay_within_the_bound_of_a_page() -> None:
    bomb = b" " * (MAX_PAGE_BYTES + 9)
    for _ in range(3):
        bomb = gzip.compress(bomb)
    assert len(split_http(message(bomb, "Content-Encoding: gzip, gzip, gzip")).body) == MAX_PAGE_BYTES + 1


@pytest.mark.parametrize(
    "form",
    [
        "{:x}",
        "{:X}",
        "{:08x}",
        "{:032X}",
        "{:x};name=value",
        '{:x} ; a="b;c"',
        "{:x}  ",
        "  {:x}",
        "{:x};" + "e" * 3_000,
    ],
)
@pytest.mark.parametrize("size", [1, 10, 171, 5_000])
def test_chunks_are_joined_in_every_form_of_their_sizes(form: str, size: int) -> None:
    found = split_http(message(chunked(BODY, size, form), "Transfer-Encoding: chunked"))
    assert (found.body, found.cut) == (BODY, False)


@pytest.mark.parametrize(
    ("end", "cut"),
    [
        (b"0\r\n\r\n", False),
        (b"000\r\n", False),
        (b"0\r\nExpires: never\r\nX: y\r\n\r\n", False),
        (b"0;last\r\n\r\n", False),
        (b"0000000000000000\r\n\r\n\r\n", False),
        (b"", True),
        (b"64\r\n", True),
        (b"no size\r\n", True),
    ],
)
def test_the_end_of_chunks_may_be_missing(end: bytes, cut: bool) -> None:
    found = split_http(message(chunked(BODY, end=end), "Transfer-Encoding: Chunked"))
    assert (found.body, found.cut) == (BODY, cut)


def test_a_chunk_cut_inside_gives_what_is_there() -> None:
    found = split_http(message(chunked(BODY, 400)[:700], "Transfer-Encoding: chunked"))
    assert found.cut
    assert BODY.startswith(found.body)
    assert len(found.body) > 600


@pytest.mark.parametrize(
    "start", [b"", b"2024\n", b"a\r\n", b"Add\n", b"0x1f\n", b"\n5\n", b"12 June\n", b"ab\r\n\r\n"]
)
def test_joined_bodies_whose_header_still_says_chunked_stay_whole(start: bytes) -> None:
    found = split_http(message(start + BODY, "Transfer-Encoding: chunked"))
    assert (found.body, found.cut) == (start + BODY, False)


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nDate: x\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Encoding: br\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/2 103 \r\nlink: <x>\r\n\r\n",
        b"HTTP/1.0 100 Continue\n\n",
        b"HTTP/1.1 100 Continue\r\n\r\n\r\n",
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    ],
)
def test_heads_before_the_last_are_taken_off(before: bytes) -> None:
    found = split_http(
        before + message(chunked(gzip.compress(BODY)), "Content-Encoding: gzip", "Transfer-Encoding: chunked")
    )
    assert (found.status, found.body, found.headers["content-type"]) == (200, BODY, "text/html")


def test_a_page_about_http_keeps_its_text() -> None:
    body = b"HTTP/1.1 200 OK\r\n\r\n<p>is how a reply begins"
    assert split_http(message(body)).body == body
    assert split_http(b"HTTP/1.1 100 Continue\r\n\r\n").status == 100


@pytest.mark.parametrize(
    ("lines", "charset"),
    [
        (["Content-Type: text/html; charset=koi8-r"], "koi8-r"),
        (["Content-Type: text/html;\r\n charset=koi8-r"], "koi8-r"),
        (["Content-Type: text/html; charset=koi8-r", "Content-Type: text/html"], "koi8-r"),
        (["Content-Type: text/html; charset=gbk", "Content-Type: text/html; charset=koi8-r"], "koi8-r"),
        (["Content-Type: text/plain; charset=gbk", "Content-Type: text/html"], None),
        (["content-type:text/html;charset='koi8-r'"], "koi8-r"),
        (['Content-Type: text/html; charset="koi8-r'], "koi8-r"),
        (["Content-Type: text/html; mycharset=gbk"], None),
        ([], None),
    ],
)
def test_the_charset_of_the_header(lines: list[str], charset: str | None) -> None:
    assert split_http("\r\n".join(["HTTP/1.1 200 OK", *lines, "", "<p>"]).encode()).charset == charset


wild = st.lists(
    st.one_of(
        st.sampled_from(
            [b"HTTP/1.1 100 Continue", b"HTTP/1.1 200 OK", b"\r\n", b"\n", b"\r\n\r\n", b"5", b"0", b"fff", b";x"]
        ),
        st.sampled_from(
            [b"Content-Encoding: gzip", b"Content-Encoding: br, zstd", b"Transfer-Encoding: chunked", b"<p>"]
        ),
        st.sampled_from(
            [gzip.compress(b"<p>a"), zlib.compress(b"b"), PACKERS["zstd"](b"<p>c"), PACKERS["br"](b"<p>d")]
        ),
        st.binary(max_size=12),
    ),
    max_size=16,
).map(b"".join)


@examples(max_examples=200, deadline=None)
@given(wild)
def test_any_message_is_a_payload_or_named(data: bytes) -> None:
    try:
        found: Payload | str = split_http(b"HTTP/1.1 200 OK\r\n" + data)
    except UndecodableError as error:
        found = str(error)
    assert "Content-Encoding" in found if isinstance(found, str) else isinstance(found, Payload)


@examples(max_examples=80, deadline=None)
@given(
    st.binary(max_size=300), st.lists(st.sampled_from(sorted(PACKERS)), max_size=4), st.integers(1, 60), st.booleans()
)
def test_what_is_packed_comes_back(body: bytes, codings: list[str], size: int, chunks: bool) -> None:
    body = b"<p>" + body.translate(None, bytes(range(9)))
    packed = body
    for coding in codings:
        packed = PACKERS[coding](packed)
    headers = [f"Content-Encoding: {coding}" for coding in codings] + ["Transfer-Encoding: chunked"] * chunks
    found = split_http(message(chunked(packed, size) if chunks else packed, *headers))
    assert (found.body, found.cut) == (body, False)


def test_hostile_messages_take_time_in_proportion_to_their_size() -> None:
    for data in (
        message(b"1\r\nx\r\n" * 100_000, "Transfer-Encoding: chunked"),
        message((b"1;" + b"e" * 8_000) * 300, "Transfer-Encoding: chunked"),
        message(gzip.compress(b"") * 40_000, "Content-Encoding: gzip"),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000,
        b"HTTP/1.1 100 Continue\r\n" * 40_000,
        message(b"x", "Content-Encoding: " + "a, " * 20_000),
    ):
        with must_end():
            try:
                split_http(data)
            except UndecodableError:
                assert b"a, a" in data
