"""A few pages tell what a build will find, whatever the size of the corpus."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corpus_pages import archive, page, record, settings, write_warc

from builder.method.corpus import extent
from builder.method.corpus.reading.sources import list_inputs
from builder.method.corpus.sample import PageSample, sample_pages

GERMAN = "Ein Boot, das nicht festgemacht ist, treibt mit der Flut davon, und der Besitzer muss es am Ufer suchen. "


def look(path: Path, form: str) -> PageSample:
    config = settings(path, form)
    return sample_pages(list_inputs(config.sources), config)


def write_html(folder: Path, number: int, html: Callable[[int], str] = page) -> Path:
    folder.mkdir()
    for at in range(number):
        (folder / f"{at:03}.html").write_text(html(at))
    return folder


def test_pages_of_a_folder_are_counted_and_segments_estimated_from_twenty(tmp_path: Path) -> None:
    found = look(write_html(tmp_path / "pages", 60), "html")
    assert (found.files, found.pages, found.exact, found.looked_at) == (60, 60, True, 20)
    assert found.segments == 60 * len(found.rows) / 20 == 60
    assert {row["header"] for row in found.rows} >= {"Page 0", "Page 57"}


def test_pages_in_another_language_or_without_headings_are_named(tmp_path: Path) -> None:
    def html(number: int) -> str:
        german = f"<html><h1>Ein Boot</h1><p>{GERMAN * 9}</p></html>"
        return german if number == 1 else f"<html><p>{GERMAN}</p></html>" if number == 2 else page(number)

    found = look(write_html(tmp_path / "pages", 4, html), "html")
    assert found.counts["pages"].dropped == {"language": 1, "no_headings": 1}
    assert found.languages == {"de": 1}


def test_archives_are_opened_at_their_beginnings_and_the_rest_is_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        file = archive(tmp_path / "warc" / f"{number:02}.warc.gz", 40, first=40 * number)
    monkeypatch.setattr(extent, "HEAD_BYTES", file.stat().st_size // 2)
    found = look(tmp_path / "warc", "warc")
    assert found.pages is not None
    assert (found.files, found.exact, found.looked_at) == (30, False, 20)
    assert abs(found.pages - 1200) < 100
    assert not found.lost  # the record that our own bound cuts is none that the archive has lost
    assert len({row["source_file"] for row in found.rows}) == 10


def test_files_with_large_pages_count_by_their_own_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = archive(tmp_path / "warc" / "0.warc.gz", 60)
    records = [record(page(number, sections=20).encode(), number) for number in range(60)]
    large = write_warc(tmp_path / "warc" / "1.warc.gz", records)
    assert large.stat().st_size > 4 * small.stat().st_size
    monkeypatch.setattr(extent, "HEAD_BYTES", small.stat().st_size // 2)
    found = look(tmp_path / "warc", "warc")
    assert found.pages is not None
    assert 100 < found.pages < 130


def test_parts_of_a_corpus_that_differ_are_each_reckoned_by_their_own_pages(tmp_path: Path) -> None:
    long = write_html(tmp_path / "long", 10, lambda number: page(number, sections=8))
    short = archive(tmp_path / "short" / "0.warc.gz", 200)
    flat = write_html(tmp_path / "flat", 40)
    config = settings(long, "html")
    sources = [config.sources[0], *settings(short.parent, "warc").sources, *settings(flat, "html").sources]
    config = config.model_copy(update={"sources": sources})
    found = sample_pages(list_inputs(sources), config)
    assert (found.pages, found.segments) == (250, 10 * 8 + 200 + 40)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "warc"])
def test_files_that_are_read_whole_are_counted(tmp_path: Path, form: str) -> None:
    rows = [{"url": f"http://example.org/{number}", "html": page(number)} for number in range(7)]
    path = tmp_path / f"pages.{form}"
    if form == "jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(b"".join(record(page(number).encode(), number) for number in range(7)) + b"no record")
    found = look(path, form)
    assert (found.files, found.pages, found.exact) == (1, 7, True)
    assert found.segments == 7
    assert sum(found.lost.values()) == (1 if form == "warc" else 0)


def test_the_same_pages_are_taken_every_time(tmp_path: Path) -> None:
    write_html(tmp_path / "pages", 25)
    assert look(tmp_path / "pages", "html") == look(tmp_path / "pages", "html")
