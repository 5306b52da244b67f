"""Which files of a folder are read, and that the others are named and counted."""

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from support.corpus_pages import archive, page, settings, write_offsets

from builder.errors import RecipeError
from builder.method.corpus.reading.files.unread import Unread, kind_of_file, unread_counts, unread_lines
from builder.method.corpus.reading.readers import Loss, Page, Shard, read_pages
from builder.method.corpus.reading.sources import CorpusFiles, list_files
from builder.recipe.sections.corpus import CorpusSource


def files(folder: Path, form: str = "warc") -> CorpusFiles:
    return list_files(settings(folder, form).sources)


def kinds(found: CorpusFiles) -> dict[str, str]:
    return {file.name: file.kind for file in found.unread}


STRANGE = {
    "x.wacz": ".wacz",
    "x.warc.tar": ".tar",
    "x.warc.bz2": ".bz2",
    "index.cdx": ".cdx",
    "index.cdxj": ".cdxj",
    "a/photo.PNG": ".png",
    "README": "no ending",
    ".DS_Store": "hidden",
    ".git/config": "hidden",
    "a/._x.warc.gz.swp": "hidden",
    "stray.warc.offset": ".offset",
    "part.jsonl.bak": ".bak",
}


def fill(folder: Path, names: dict[str, str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not a page")


@pytest.mark.parametrize("form", ["warc", "jsonl", "parquet", "html"])
def test_whatever_is_not_read_is_named_with_its_kind(tmp_path: Path, form: str) -> None:
    fill(tmp_path, STRANGE)
    if form == "warc":
        archive(tmp_path / "x.warc.gz", 1)
    elif form == "jsonl":
        (tmp_path / "x.jsonl").write_text(json.dumps({"html": page(1), "url": "u"}))
    elif form == "parquet":
        pq.write_table(pa.table({"html": [page(1)]}), tmp_path / "x.parquet")
    else:
        (tmp_path / "x.html").write_text(page(1))
    found = files(tmp_path, form)
    assert kinds(found) == STRANGE
    assert [type(item).__name__ for item in read_pages(found.inputs, Shard())] == ["Page"]
    assert unread_counts(found.unread)["hidden"] == 3


def test_offsets_of_an_archive_are_no_stranger(tmp_path: Path) -> None:
    members = [gzip.compress(b"x")]
    for name in ("x.warc.gz", "y.warc"):
        archive(tmp_path / name, 1)
        write_offsets(tmp_path / name, members)
    assert files(tmp_path).unread == []


def test_a_file_that_another_source_reads_is_read(tmp_path: Path) -> None:
    archive(tmp_path / "x.warc.gz", 1)
    (tmp_path / "x.html").write_text(page(1))
    (tmp_path / "x.csv").write_text("a,b")
    sources = [CorpusSource(path=tmp_path, format=form) for form in ("warc", "html")]
    found = list_files(sources)
    assert [item.name for item in found.inputs] == ["x.warc.gz", "x.html"]
    assert kinds(found) == {"x.csv": ".csv"}


def test_a_source_that_is_one_file_has_no_others(tmp_path: Path) -> None:
    fill(tmp_path, STRANGE)
    archive(tmp_path / "odd.name", 1)
    found = files(tmp_path / "odd.name")
    assert ([item.name for item in found.inputs], found.unread) == (["odd.name"], [])


HTML = page(2).encode()
PAGES = {
    "index.php": HTML,
    "show.aspx": b"\xef\xbb\xbf" + HTML,
    "no-ending": HTML,
    "page?id=3": HTML,
    "page@v=2.1": b"<!-- Mirrored -->\n" + HTML,
    "deep/er/x.xhtml": b'<?xml version="1.0" encoding="utf-8"?>\n' + HTML,
    "old.HTML": HTML,
    "packed.html.gz": gzip.compress(HTML),
    "packed.asp.gz": gzip.compress(HTML),
    "packed.html": gzip.compress(HTML),
    "packed.htm.zst": zstandard.ZstdCompressor().compress(HTML),
    "wide.jsp": "\ufeff".encode("utf-16-le") + page(2).encode("utf-16-le"),
}
NO_PAGES = {
    "style.css": b"h1 { color: red }",
    "app.js": b"document.write('<h1>x</h1>')",
    "data.json": b'{"html": "<html>"}',
    "feed.xml": b"<?xml version='1.0'?><rss><channel/></rss>",
    "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><title>a</title></svg>",
    "source.phps": b"<?php echo '<html>';",
    "readme.md": b"# <html>\n",
    "empty": b"",
    "a.pdf": b"%PDF-1.7",
    "broken.gz": b"\x1f\x8b\x08\x00broken",
}


def test_a_folder_of_html_gives_every_file_that_is_html_by_content(tmp_path: Path) -> None:
    for name, content in {**PAGES, **NO_PAGES}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = files(tmp_path, "html")
    pages = {item.page_id: item for item in read_pages(found.inputs, Shard())}
    assert set(pages) == set(PAGES)
    assert {item.html[-40:] if isinstance(item, Page) else item for item in pages.values()} == {page(2)[-40:]}
    assert set(kinds(found)) == set(NO_PAGES)


def test_no_other_file_of_a_folder_of_html_is_opened_that_is_none_or_lies_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.html").write_text(page(1))
    (tmp_path / "secret").write_bytes(HTML)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "gone").symlink_to("nowhere")
    (folder / "inside").symlink_to("a.html")
    (folder / ".hidden").write_bytes(HTML)
    os.mkfifo(folder / "pipe")
    found = files(folder, "html")
    assert kinds(found) == {"link": "link_outside", "gone": "unreadable", "pipe": "not_a_file", ".hidden": "hidden"}
    assert [
        item.identity if isinstance(item, Loss) else item.page_id for item in read_pages(found.inputs, Shard())
    ] == [
        "a.html",
        "inside",
    ]


def test_a_folder_without_any_page_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, STRANGE)
    with pytest.raises(RecipeError, match=r"no file ending in .* and none that starts as HTML"):
        files(tmp_path, "html")
    with pytest.raises(RecipeError, match="no file ending in"):
        files(tmp_path, "warc")


def test_a_line_counts_all_files_and_names_some(tmp_path: Path) -> None:
    many = [Unread("in", "warc", f"{number}.png", ".png") for number in range(8)]
    (line,) = unread_lines([*many, Unread("in", "warc", "x" * 300, "no ending")])
    assert line.startswith(
        "in: 9 files are not read as warc: 8 x .png (0.png, 1.png, 2.png, 3.png, 4.png, ...); 1 x no ending (xxx"
    )
    assert len(line) < 250
    assert list(unread_lines([])) == []
    assert list(unread_lines(many[:1])) == ["in: 1 file is not read as warc: 1 x .png (0.png)"]


@given(st.text(min_size=1, max_size=50))
def test_any_name_has_a_kind(name: str) -> None:
    assert 0 < len(kind_of_file(name)) <= 20
