"""Labels, tables and the look at the head of a page are those of browsers."""

import json
from pathlib import Path

import endec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pin_encodings import PINS, digest
from support.declared_pages import PAGES, TEXT, TOKENS
from support.encoding_samples import DIFFERENCES, sample
from support.hang_guard import must_end
from support.languages import LANGUAGES

from builder.method.corpus.reading.decode import Payload, clean, decode, is_html, is_undecodable
from builder.method.corpus.reading.payload.charsets import MAX_PRESCAN_BYTES, declared, resolve

FOUND = json.loads(Path(PINS).read_text(encoding="utf-8"))
LABELS: dict[str, str] = FOUND["labels"]


def in_label(body: bytes, label: str) -> str:
    return endec.decode(body, label, "replace", bom="ignore")


@pytest.mark.parametrize("encoding", FOUND["samples"])
def test_every_table_is_that_of_chromium(encoding: str) -> None:
    assert digest(in_label(sample(encoding), encoding)) == FOUND["samples"][encoding]


def test_every_label_means_the_encoding_that_it_means_in_chromium() -> None:
    assert len(LABELS) == 228
    probe = b"\x80\x81\xd0\xd1\x8fA \xff\x1b$B!!"
    for label, encoding in LABELS.items():
        assert resolve(f"\t{label.upper()} ") == label
        assert in_label(probe, label) == in_label(probe, encoding)
    assert {encoding for encoding in LABELS.values() if in_label(probe, encoding) == "\ufffd"} == {"replacement"}


@pytest.mark.parametrize(
    "label", ["", " ", "nonsense", "utf-7", "utf-32", "cesu-8", "latin-1", "utf 8", "é", "cp-1252"]
)
def test_other_labels_are_none(label: str) -> None:
    assert resolve(label) is None


@pytest.mark.parametrize(("encoding", "data", "right", "theirs"), DIFFERENCES)
def test_where_chromium_departs_from_the_standard_the_standard_is_followed(
    encoding: str, data: bytes, right: str, theirs: str
) -> None:
    assert in_label(data, encoding) == right != theirs


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("windows-1252", b"\x81\x8d\x8f\x90\x9d", "\x81\x8d\x8f\x90\x9d"),
        ("iso-8859-1", b"\x93caf\xe9\x94", "“café”"),
        ("ascii", b"\x96", "–"),
        ("iso-8859-9", b"\xfe\x80", "ş€"),
        ("tis-620", b"\xa1\x85", "ก…"),
        ("shift_jis", b"\x87\x40\xfa\x5c\x81\x60", "①纊～"),
        ("euc-jp", b"\xad\xa1\x8f\xb0\xa1\x8e\xb1", "①丂ｱ"),
        ("iso-2022-jp", b"\x1b$B-!\x1b(J\\\x1b(B", "①¥"),
        ("ks_c_5601-1987", b"\x8c\xb3\xb0\xa1", "뙰가"),
        ("gb2312", b"\x80\xfe\x50\x81\x40", "€⺁丂"),
        ("gb18030", b"\x81\x30\x84\x36", "¥"),
        ("big5", b"\x87\x40\xa4\xa4", "䏰中"),
        ("koi8-u", b"\xae\xbe", "ўЎ"),
        ("koi8-ru", b"\xae\xbe", "ўЎ"),
        ("x-mac-cyrillic", b"\x80\xff", "А€"),
        ("macintosh", b"\xdb", "€"),
        ("visual", b"\xf9\xec", "\u05e9\u05dc"),
        ("iso-8859-8-i", b"\xf9\xec", "\u05e9\u05dc"),
        ("utf-16be", b"\x00A\xd8\x3d\xde\x00", "A😀"),
        ("x-user-defined", b"A\x80", "A\uf780"),
    ],
)
def test_tables_are_those_of_the_web(label: str, data: bytes, text: str) -> None:
    assert decode(Payload(data, {"content-type": f"text/html; charset={label}"})) == text


@pytest.mark.parametrize(("before", "content_type", "encoding"), PAGES)
def test_a_page_is_read_in_the_encoding_that_it_declares(before: bytes, content_type: str, encoding: str) -> None:
    body = before + TEXT
    bare = next(
        (body[len(mark) :] for mark in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff") if body.startswith(mark)), body
    )
    payload = Payload(body, {"content-type": content_type})
    assert decode(payload) == clean(in_label(bare, encoding))
    assert is_html(payload)


def test_the_first_of_two_attributes_counts() -> None:
    """As the standard has it; Chromium takes the last."""
    assert declared(b"<meta charset=koi8-r charset=windows-1251>") == "koi8-r"


def test_a_declaration_far_down_in_the_body_is_none() -> None:
    assert declared(b"<p>" + b"x" * 1_200 + b"<meta charset=koi8-r>") is None
    assert declared(b"<script>" + b"x" * MAX_PRESCAN_BYTES + b"</script><meta charset=koi8-r>") is None


def test_a_declared_encoding_is_kept_to_before_any_guess() -> None:
    french = "<p>Le passeur écrit de longues lettres à sa sœur, comme l\u2019a fait sa mère. " * 4
    for stray in (b"\x81", b"\x8d", b"\x9d"):
        body = b"<meta charset=windows-1252>" + french.encode("cp1252") + stray
        assert decode(Payload(body)) == "<meta charset=windows-1252>" + french + stray.decode("latin-1")
    body = b"<meta charset=utf-8>" + french.encode() + b"\x92s"
    assert decode(Payload(body)) == "<meta charset=utf-8>" + french + "\ufffds"
    body = b"<meta charset=euc-jp>" + "図書館は月曜日に休みます。".encode("euc-jp") * 9 + b"\xff"
    assert decode(Payload(body)).endswith("休みます。\ufffd")
    body = b"<meta charset=iso-2022-jp>" + "図書館".encode("iso-2022-jp")
    assert decode(Payload(body)).endswith("図書館")


def test_a_page_served_as_xml_is_utf8_unless_its_declaration_says_otherwise() -> None:
    meta = "<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1' />é"
    xml = "<?xml version='1.0' encoding='koi8-r'?><meta charset='utf-8' />Привет"
    for kind in ("application/xhtml+xml", "application/xml", "text/xml"):
        assert decode(Payload(meta.encode(), {"content-type": kind})) == meta
        assert decode(Payload(meta.encode("latin-1"), {"content-type": kind})) == meta
        assert decode(Payload(xml.encode("koi8-r"), {"content-type": kind})) == xml
        assert decode(Payload(xml.encode(), {"content-type": f"{kind}; charset=utf-8"})) == xml
    assert decode(Payload(meta.encode(), {"content-type": "text/html"})).endswith("Ã©")


def test_text_in_utf8_with_another_declared_encoding_is_read_as_a_browser_shows_it() -> None:
    assert decode(Payload("<meta charset=latin1>é".encode())).endswith("Ã©")
    assert decode(Payload("<meta charset=latin1>é".encode()), utf8=True).endswith("é")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>図書館".encode("iso-2022-jp"), "<p>図書館"),
        ("<p>grün".encode("utf-16-le"), "<p>grün"),
        ("<p>grün".encode("utf-16-be"), "<p>grün"),
        ("<p>Die Straße zur schönen Brücke ist für heute gesperrt.".encode("cp1252"), "für heute"),
        ("<p>Набережная закрыта до весны, сообщил начальник порта.".encode("cp1251"), "Набережная закрыта"),
        *(
            (LANGUAGES[language].text().encode(encoding), LANGUAGES[language].text())
            for language, encoding in [
                ("ko", "euc-kr"),
                ("ko", "cp949"),
                ("ja", "euc-jp"),
                ("ja", "shift_jis"),
                ("ja", "iso-2022-jp"),
                ("zh", "gbk"),
                ("zh", "gb18030"),
                ("th", "cp874"),
                ("ar", "cp1256"),
                ("ru", "koi8-r"),
                ("ru", "mac-cyrillic"),
                ("ru", "iso-8859-5"),
                ("el", "cp1253"),
                ("tr", "cp1254"),
                ("de", "cp1252"),
            ]
        ),
        ("<p>caf\u00e9 ".encode() * 40 + b"\xc3", "café"),
    ],
)
def test_what_declares_nothing_is_guessed(body: bytes, text: str) -> None:
    assert text in decode(Payload(body))
    assert is_html(Payload(body))


@pytest.mark.parametrize(
    ("html", "refused"),
    [
        ("<p>" + "word " * 100, False),
        ("<p>" + "word " * 100 + "\ufffd", False),
        ("<p>" + "w\ufffdrd " * 100, True),
        ("\ufffd", True),
        ("<h1>x\ufffdx\ufffd\ufffd</h1>", False),
        ("<h1>x\ufffdx\ufffd\ufffd\ufffd</h1>", True),
        ("", False),
        ("<p class='" + "x" * 100_000 + "'>" + "gr\ufffdne H\ufffdgel am Flu\ufffd " * 20, True),
        ("<" * 100_000 + "\ufffd", False),
    ],
)
def test_too_many_replaced_characters_refuse_a_page(html: str, refused: bool) -> None:
    assert is_undecodable(html) is refused


@examples(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8)), max_size=20).map(b"".join))
def test_any_bytes_are_decoded(body: bytes) -> None:
    label = declared(body)
    assert label is None or resolve(label) == label
    assert clean(decode(Payload(body))) == decode(Payload(body))


def test_hostile_heads_take_time_in_proportion_to_their_size() -> None:
    for part in (
        b"<",
        b"<!--",
        b"<meta charset=",
        b"<a b='",
        b"<a =",
        b"<a/",
        b"<script>",
        b"</script ",
        b"<?xml ",
        b"= ",
    ):
        with must_end():
            declared(b"<?xml " + part * (MAX_PRESCAN_BYTES // len(part)))
            is_undecodable(part.decode() * 100_000 + "\ufffd")
