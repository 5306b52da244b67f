"""Pages whose end is missing: how it is known, and what becomes of their last section."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpus_pages import http, page, record, settings, write_warc
from support.segments_here import cut_and_write

from builder.data.storage import read_rows
from builder.method.corpus.reading.ending import ends_inside
from builder.method.corpus.reading.readers import Page, Shard, list_inputs, read_pages

WHOLE = page(1)
HALF = WHOLE[: WHOLE.index("How the part 2") + 900].rstrip(". ")


def pages(path: Path, form: str = "warc") -> list[Page]:
    return [item for item in read_pages(list_inputs(settings(path, form).sources), Shard()) if isinstance(item, Page)]


def of(path: Path, payload: bytes, **headers: str) -> Page:
    write_warc(path / "x.warc.gz", [record(payload, 1, clueweb=False, **headers)])
    (only,) = pages(path)
    return only


@pytest.mark.parametrize("said", ["length", "time", "disconnect", "unspecified", "Length "])
@pytest.mark.parametrize("body", [WHOLE, HALF, "<h1>Title</h1><p>Whole words.</p>"])
def test_what_the_crawl_says_is_truncated_is(tmp_path: Path, said: str, body: str) -> None:
    assert of(tmp_path, http(body.encode()), **{"WARC-Truncated": said}).truncated


def test_the_first_segment_of_a_record_in_parts_is_truncated(tmp_path: Path) -> None:
    assert of(tmp_path, http(WHOLE.encode()), **{"WARC-Segment-Number": "1"}).truncated
    assert not of(tmp_path, http(WHOLE.encode()), **{"WARC-Truncated": ""}).truncated


SENTENCE = "<h1>Title</h1><p>One sentence of a page that says what it says and is whole.</p>"


@pytest.mark.parametrize("end", ["", "</body></html>"])
def test_a_body_whose_chunks_or_packing_have_no_end_is_cut_unless_the_page_is_closed(tmp_path: Path, end: str) -> None:
    body = "".join(f"{SENTENCE}<p>{number} and {number * number}.</p>" for number in range(9_000)).encode()
    chunk = b"%x\r\n%s\r\n" % (len(body + end.encode()), body + end.encode())
    assert of(tmp_path, http(chunk, "Transfer-Encoding: chunked")).truncated is not bool(end)
    assert not of(tmp_path, http(chunk + b"0\r\n", "Transfer-Encoding: chunked")).truncated
    for name, packed in {"gzip": gzip.compress(body), "zstd": pa.compress(body, "zstd", asbytes=True)}.items():
        encoding = f"Content-Encoding: {name}"
        assert not of(tmp_path, http(packed, encoding)).truncated
        assert of(tmp_path, http(packed[: len(packed) * 3 // 4], encoding)).truncated


@pytest.mark.parametrize(
    ("message", "cut"),
    [
        (http(SENTENCE.encode(), "Content-Length: 5000"), True),
        (http(SENTENCE.encode(), f"Content-Length: {len(SENTENCE)}"), False),
        (http(SENTENCE.encode(), "Content-Length: 3"), False),
        (http(SENTENCE.encode(), "Content-Length: many"), False),
        (http(SENTENCE.encode(), "Content-Length: 5000", "Content-Encoding: gzip"), False),
        (http(f"{SENTENCE}</body></html>".encode(), "Content-Length: 5000"), False),
        (http(f"{SENTENCE}\n\n\n".encode(), f"Content-Length: {len(SENTENCE) + 6}", newline="\n"), False),
        (http(f"{SENTENCE}\n\n\n".encode(), f"Content-Length: {len(SENTENCE) + 7}", newline="\n"), True),
    ],
)
def test_a_body_shorter_than_its_content_length_is_cut_unless_the_page_is_closed(
    tmp_path: Path, message: bytes, cut: bool
) -> None:
    assert of(tmp_path, message).truncated is cut


IN_PLACE = {
    "a tag": "<h1>T</h1><p>Words.</p><a hre",
    "a tag just begun": "<h1>T</h1><p>Words.</p><",
    "an end tag": "<h1>T</h1><p>Words.</p",
    "an attribute": '<h1>T</h1><p>Words.</p><img src="data:image/png;base64,' + "A" * 30_000,
    "a comment": "<h1>T</h1><p>Words.</p><!-- more <b>words</b>",
    "a script": "<h1>T</h1><p>Words.</p><script>var a = '<b>x</b>';",
    "a style": "<h1>T</h1><p>Words.</p><style>\nb { color: red }",
    "a numeric reference": "<h1>T</h1><p>Words &#82",
    "a named reference": "<h1>T</h1><p>Words and &nbs",
    "a character": "<h1>Слова</h1><p>Привет, это слова страницы\ufffd",
    "a word in an article": "<article><h1>T</h1><p>Words that end in the mid",
    "a sentence in a table": "<table><tr><td><h2>T</h2>First, second,",
    "a list": "<h1>T</h1><ul><li>one<li>two",
    "a long paragraph": "<h1>T</h1><p>" + "words without end and " * 6,
    "a long paragraph in Hindi": "<h1>T</h1><p>" + "यह एक लंबा वाक्य है जो " * 6 + "की",
    "an article of 8,000 bytes": ("<article><h1>T</h1>" + "<p>Words of a page.</p>" * 500)[:7_996] + "</p>",
    "a table of 16 kB": ("<table><tr><td><h1>T</h1>" + "<p>Words of a page.</p>" * 1_000)[: (1 << 14) - 4] + "</p>",
}
WHOLE_ENDS = {
    "closed": f"<html><body>{SENTENCE}</body></html>",
    "closed, then a script": f"<html><body>{SENTENCE}</body></html><script>track(",
    "no end tag of the body": f"<html><body>{SENTENCE}",
    "no end tags but needed ones": "<!doctype html><title>T</title><h1>T</h1><p>One.<p>Two.<ul><li>a<li>b</ul>",
    "the last line has no stop": "<h1>T</h1><p>Words.<p>Copyright 1998 Jane Doe",
    "an open list at the end of a sentence": "<h1>T</h1><ul><li>One.<li>Two.",
    "an open article at the end of a sentence": "<article><h1>T</h1><p>Words.</p>",
    "no heading": "<p>words that end in the mid",
    "a comparison": "<h1>T</h1><p>Where 1 < 2.",
    "an ampersand": "<h1>T</h1><p>Words of R&D.",
    "Thai": "<h1>T</h1><p>" + "ภาษาไทยไม่มีเครื่องหมายจบประโยค" * 4,
    "Chinese": "<h1>T</h1><p>" + "这是一个完整的句子。" * 12,
    "Arabic question": "<h1>T</h1><p>" + "ما هذا الذي نقرأه في الصفحة " * 6 + "؟",
    "a fragment": "<h2>T</h2><p>Words</p>",
}


@pytest.mark.parametrize("form", ["html", "jsonl", "parquet"])
@pytest.mark.parametrize("place", IN_PLACE)
def test_a_page_that_ends_inside_something_is_cut(tmp_path: Path, place: str, form: str) -> None:
    (only,) = pages(_written(tmp_path, IN_PLACE[place], form), form)
    assert only.truncated


@pytest.mark.parametrize("form", ["html", "jsonl", "parquet"])
@pytest.mark.parametrize("end", WHOLE_ENDS)
def test_a_page_that_only_leaves_out_end_tags_is_whole(tmp_path: Path, end: str, form: str) -> None:
    (only,) = pages(_written(tmp_path, WHOLE_ENDS[end], form), form)
    assert not only.truncated


def _written(folder: Path, html: str, form: str) -> Path:
    if form == "html":
        path = folder / "x.html"
        path.write_text(html.replace("\ufffd", ""), encoding="utf-8")
        if "\ufffd" in html:
            path.write_bytes(path.read_bytes() + "é".encode()[:1])
        return folder
    path = folder / f"x.{form}"
    if form == "jsonl":
        path.write_text(json.dumps({"html": html}) + "\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"html": [html]}), path)
    return path


def test_a_closed_page_is_whole_wherever_it_was_and_any_part_of_it_up_to_a_word_is_cut() -> None:
    start = WHOLE.index("</h2>") + 30
    for place in range(start, WHOLE.index("</main>"), 97):
        part = WHOLE[:place]
        assert ends_inside(part, len(part)) or part.rstrip()[-1] in ".>"


@given(st.text(alphabet="<>&;!-/=\"' abchtmlpscrid#x9\n", max_size=80))
def test_any_source_ends_somewhere(html: str) -> None:
    assert ends_inside(f"{html}<article><p>words and mor", 1) or "<" in html
    ends_inside(html, len(html))


@pytest.mark.parametrize("boundary", ["tree", "any"])
def test_the_last_section_of_a_cut_page_is_a_rejected_segment_that_is_counted(tmp_path: Path, boundary: str) -> None:
    write_warc(
        tmp_path / "in" / "x.warc.gz",
        [
            record(http(HALF.encode()), 1, clueweb=False, **{"WARC-Truncated": "length"}),
            record(http(gzip.compress(page(2).encode()), "Content-Encoding: gzip"), 2, clueweb=False),
        ],
    )
    config = settings(tmp_path / "in", boundary=boundary, tasks=1, min_chars=200)
    counts = cut_and_write(tmp_path / "out", config).counts["segments"]
    assert counts.dropped == {"truncated": 1}
    (rejected,) = [row for row in read_rows(tmp_path / "out" / "rejected" / "00000.parquet") if row["text"]]
    assert (rejected["reason"], rejected["header"]) == ("truncated", "How the part 2 of 1 works")
    texts = [row["text"] for row in read_rows(tmp_path / "out" / "data" / "00000.parquet")]
    assert len(texts) == (5 if boundary == "any" else counts.kept)
    assert not any(rejected["text"][-40:] in text for text in texts)
