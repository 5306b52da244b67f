"""Pages of every label, read here and in Chromium."""

import json
from random import Random
from typing import TYPE_CHECKING

import pytest
from pin_encodings import PINS, digest
from support.browser import chromium, program, shown, text_decoder
from support.declared_pages import PAGES, TEXT, TOKENS
from support.encoding_samples import DIFFERENCES, sample

from builder.method.corpus.reading.decode import Payload, decode, is_undecodable
from builder.method.corpus.reading.payload.charsets import declared

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.full, pytest.mark.skipif(program() is None, reason="Chromium is not installed")]
FOUND = json.loads(PINS.read_text(encoding="utf-8"))
UTF16 = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}


def as_shown(html: str) -> str:
    """The text of a page whose body is one paragraph."""
    return html.rpartition("<p>")[2]


def written(encoding: str) -> bytes:
    """A page's worth of an encoding: most of it letters, some wrong."""
    random = Random(encoding)
    if encoding in UTF16:
        return "<p>Привет, 図書館 café 😀 ".encode(UTF16[encoding]) + b"\x00\xd8!\x00"
    if encoding == "iso-2022-jp":
        return b"<p>Tokyo \x1b$B?^=q4[\x1b(B caf\xe9 \x1b(J\\\x1b(B \xff."
    high = bytes(random.randrange(0x80, 0x100) for _ in range(2_000)).replace(
        b"\x8f", b"" if encoding == "euc-jp" else b"\x8f"
    )
    words = (high[start : start + 12] for start in range(0, len(high), 12))
    return b"<p>" + b" and ".join(words) + b"."


def both(tab: "Page", body: bytes, content_type: str) -> tuple[str, str, str]:
    encoding, theirs = shown(tab, body, content_type)
    return encoding, theirs, as_shown(decode(Payload(body, {"content-type": content_type})))


def test_pins_and_differences_are_what_chromium_says() -> None:
    with chromium() as tab:
        for label, encoding in FOUND["labels"].items():
            found = text_decoder(tab, label, b"")
            assert (found[0] if found else "replacement") == encoding
        for encoding, pinned in FOUND["samples"].items():
            found = text_decoder(tab, encoding, sample(encoding))
            assert found is not None
            assert digest(found[1]) == pinned
        for encoding, data, right, theirs in DIFFERENCES:
            assert text_decoder(tab, encoding, data) in ((encoding, theirs), (encoding, right))


def test_every_label_reads_a_page_as_in_chromium() -> None:
    with chromium() as tab:
        for label, encoding in FOUND["labels"].items():
            body = written(encoding)
            in_header, theirs, ours = both(tab, body, f"text/html; charset={label}")
            if encoding == "replacement":
                assert is_undecodable(ours)
                continue
            assert (in_header, ours) == (encoding, theirs), label
            if encoding not in UTF16:
                page = b"<html><head><meta charset='" + label.encode() + b"'><title>x</title></head><body>" + body
                in_meta, theirs, ours = both(tab, page, "text/html")
                assert ours == theirs, label
                assert in_meta == ("windows-1252" if encoding == "x-user-defined" else encoding)


def test_declarations_are_found_where_chromium_finds_them() -> None:
    random = Random(17)
    with chromium() as tab:
        for before, content_type, encoding in PAGES:
            assert shown(tab, before + TEXT, content_type)[0] == encoding, before
        for _ in range(300):
            body = b"".join(random.choices(TOKENS, k=random.randrange(1, 14))) + b"<p>x"
            assert shown(tab, body)[0] == (declared(body) or "windows-1252"), body
