"""The sample as files: pages, archive, truth, seed, and that writing it twice changes nothing."""

import gzip
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from builder.errors import RecipeError
from builder.method.corpus.cutting.content.extractors import main_blocks
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.segmenter import cut
from builder.method.corpus.cutting.walk import walk
from builder.sample import SAMPLE_SEED
from builder.sample.archive import write_archive
from builder.sample.crawl import EXACT_COPIES, NEAR_COPIES, crawl
from builder.sample.generate import HANDWRITTEN, is_of_sample, is_sample_base, sample_world, write_sample
from builder.sample.pages import Page
from builder.sample.web import Combination, World, heading, instruction, overlap, well_formed

WARC = Path("corpus/warc/html/en/en00/en0000/en0000-00.warc.gz")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


@pytest.fixture(scope="module")
def pages(sample: Path) -> dict[str, tuple[dict[str, str], bytes]]:
    with (sample / WARC).open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False)
        return {one.headers["ClueWeb22-ID"]: (dict(one.headers), one.reader.read()) for one in records}


@pytest.fixture(scope="module")
def truth(sample: Path) -> list[dict[str, Any]]:
    return rows(sample / "truth.jsonl")


def test_equal_seeds_give_equal_bytes_and_others_do_not(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again")
    assert digests(tmp_path / "again") == digests(sample)
    write_sample(tmp_path / "other", seed=SAMPLE_SEED + 1)
    changed = {name for name, digest in digests(tmp_path / "other").items() if digests(sample)[name] != digest}
    assert changed == {
        str(WARC),
        str(WARC.with_suffix("").with_suffix(".warc.offset")),
        "seed/pairs.jsonl",
        "truth.jsonl",
    }


def test_a_second_call_touches_nothing_and_repairs_what_was_changed(tmp_path: Path) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    write_sample(tmp_path)
    before = times()
    write_sample(tmp_path)
    assert times() == before
    (tmp_path / "truth.jsonl").write_text("{}\n", encoding="utf-8")
    write_sample(tmp_path)
    assert {path.name for path, stamp in times().items() if stamp != before[path]} == {"truth.jsonl"}
    assert len(rows(tmp_path / "truth.jsonl")) > 800


def test_a_folder_without_a_model_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"config\.json is missing.*pretrain\.py --seed 3 --out"):
        write_sample(tmp_path / "out", seed=3, base=tmp_path)
    assert not (tmp_path / "out").exists()


def test_every_record_has_the_form_of_clueweb22(pages: dict[str, tuple[dict[str, str], bytes]]) -> None:
    assert list(pages) == [f"clueweb22-en0000-00-{number:05d}" for number in range(len(pages))]
    assert 300 < len(pages) < 600
    for headers, payload in pages.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", headers["WARC-Date"])
        assert re.fullmatch(r"[0-9A-F]{32}", headers["URL-Hash"])
        assert headers["WARC-Target-URI"].startswith("https://")
        assert payload.endswith(b"\r\n")
        assert not payload.startswith(b"HTTP/")
    assert len({headers["WARC-Record-ID"] for headers, _ in pages.values()}) == len(pages)


def test_files_of_the_sample_are_known_again_and_others_of_their_names_are_not(sample: Path, tmp_path: Path) -> None:
    files = [path for path in (sample / "corpus").rglob("*") if path.name.endswith((".html", ".warc.gz"))]
    assert len(files) > 1
    assert all(map(is_of_sample, files))
    assert is_sample_base(sample / "base")
    write_archive(tmp_path, [Page("https://own.example/", "en", b"<h1>A boat</h1>")])
    assert not is_of_sample(next(tmp_path.rglob("*.warc.gz")))
    (packed := tmp_path / WARC.name).write_bytes(b"no archive")
    assert not is_of_sample(packed)
    assert not is_of_sample(tmp_path / "missing.html")
    assert not is_sample_base(tmp_path)


def test_offsets_cut_the_archive_into_its_records(sample: Path, pages: dict[str, tuple[dict[str, str], bytes]]) -> None:
    archive = (sample / WARC).read_bytes()
    text = (sample / WARC).with_name("en0000-00.warc.offset").read_bytes()
    assert len(text) == 11 * (len(pages) + 1)
    offsets = [int(line) for line in text.split()]
    assert offsets[-1] == len(archive)
    for name, start, end in zip(pages, offsets, offsets[1:], strict=False):
        member = gzip.decompress(archive[start:end])
        assert member.startswith(b"WARC/1.0\r\n")
        assert f"ClueWeb22-ID: {name}\r\n".encode() in member
        assert archive[start + 4 : start + 8] == b"\0\0\0\0"


def test_every_truth_is_on_its_page(
    pages: dict[str, tuple[dict[str, str], bytes]], truth: list[dict[str, Any]]
) -> None:
    assert len({(one["page_id"], one["header"]) for one in truth}) == len(truth)
    for one in truth:
        body = lxml.html.document_fromstring(pages[one["page_id"]][1], parser=lxml.html.HTMLParser(encoding="utf-8"))
        headers = {" ".join(h.text_content().split()).rstrip("\u00b6"): h for h in body.iter("h1", "h2", "h3", "h4")}
        following = headers[one["header"]].getnext()
        assert following.tag == "p"
        assert " ".join(following.text_content().split()) == one["text"]


def test_truth_says_what_the_section_should_be(truth: list[dict[str, Any]]) -> None:
    world = sample_world()
    originals = [one for one in truth if not one["copy"]]
    assert Counter(one["kind"] == "clean" for one in originals) == {True: 400, False: 400}
    for one in truth:
        combination = Combination(one["topic"], one["type"])
        assert combination in world.crawl
        assert (one["header"], one["instruction"]) == (heading(combination), instruction(combination))
        if one["copy"] != "near":
            assert (well_formed(combination, one["text"]) == "") == (one["kind"] == "clean")


def test_copies_come_after_all_originals(truth: list[dict[str, Any]]) -> None:
    texts = [one["text"] for one in truth if not one["copy"]]
    copied = {kind: [one for one in truth if one["copy"] == kind] for kind in ("exact", "near")}
    assert len({one["page_id"] for one in copied["exact"]}) == EXACT_COPIES
    assert len({one["page_id"] for one in copied["near"]}) == NEAR_COPIES
    assert all(one["text"] in texts for one in copied["exact"])
    for one in copied["near"]:
        assert one["text"] not in texts
        assert max(overlap(one["text"], text) for text in texts) > 0.85
    first_copy = min(one["page_id"] for one in truth if one["copy"])
    assert max(one["page_id"] for one in truth if not one["copy"]) < first_copy


def test_pages_hold_two_to_four_planted_sections_at_all_levels(
    pages: dict[str, tuple[dict[str, str], bytes]], truth: list[dict[str, Any]]
) -> None:
    planted = Counter(one["page_id"] for one in truth)
    assert set(planted.values()) == {2, 3, 4}
    levels: Counter[str] = Counter()
    for one in truth:
        levels.update(
            re.findall(rf"<h(\d)[^>]*>(?:<span[^>]*>)?{one['header']}", pages[one["page_id"]][1].decode(), re.I)
        )
    assert set(levels) == {"1", "2", "3", "4"}


def test_the_crawl_has_pages_that_must_not_survive(
    pages: dict[str, tuple[dict[str, str], bytes]], truth: list[dict[str, Any]]
) -> None:
    planted = {one["page_id"] for one in truth}
    others = [page for name, page in pages.items() if name not in planted]
    assert Counter(headers["Language"] for headers, _ in others if headers["Language"] != "en") == {
        "de": 8,
        "fr": 8,
        "es": 8,
    }
    for headers, payload in others:
        if headers["Language"] != "en":
            assert re.search(rf'lang="?{headers["Language"]}\b', payload.decode())
    payloads = [payload for _, payload in others]
    assert b"\r\n" in payloads
    assert any(payload.startswith(b"\x89PNG") for payload in payloads)
    everything = b"".join(payload for _, payload in pages.values())
    for header in (b"READ THIS FIRST", b"Related articles", b"Newsletter"):
        assert re.search(rb"<h\d[^>]*>(<span[^>]*>)?" + header, everything, re.I)
    assert all(part in everything for part in (b"<ul><li>two ", b"<table>", b"<pre><code>"))


def test_the_seed_is_plain_pairs(sample: Path) -> None:
    pairs, refusals = rows(sample / "seed/pairs.jsonl"), rows(sample / "seed/safety.jsonl")
    assert 150 <= len(pairs) <= 250
    assert 8 <= len(refusals) <= 12
    asked = {instruction(combination) for combination in sample_world().crawl}
    for pair in pairs + refusals:
        assert set(pair) == {"instruction", "output"}
        assert pair["instruction"] not in asked
        assert pair["output"] == pair["output"].strip() != ""


def handwritten() -> list[Path]:
    return sorted(HANDWRITTEN.glob("*.html"))


def test_about_thirty_handwritten_pages_are_copied(sample: Path) -> None:
    assert len(handwritten()) >= 28
    assert digests(sample / "corpus/pages") == digests(HANDWRITTEN)


@pytest.mark.parametrize("path", handwritten(), ids=lambda path: path.stem)
def test_handwritten_pages_are_whole_pages(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    body = lxml.html.document_fromstring(text.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    words = len(body.text_content().split())
    assert 150 <= words <= 900
    assert len(body.findall(".//h2") + body.findall(".//h3")) >= 3
    assert body.findtext(".//title")
    assert len(body.findall(".//a")) >= 1


def test_the_segmenter_gives_every_planted_section_back_unchanged(
    pages: dict[str, tuple[dict[str, str], bytes]], truth: list[dict[str, Any]]
) -> None:
    def sections(page_id: str) -> dict[str, str]:
        html = pages[page_id][1].decode()
        blocks = walk(tree := parse_html(html))
        kept = main_blocks(html, tree, blocks, "cascade")
        return {one.header: one.text for one in cut(blocks, kept, boundary="any", max_chars=1_500)}

    found = {page_id: sections(page_id) for page_id in {one["page_id"] for one in truth}}
    changed = [one for one in truth if found[one["page_id"]].get(one["header"]) != one["text"]]
    assert changed == []


@pytest.mark.parametrize("seed", range(12))
def test_no_header_is_twice_on_a_page_in_any_world(seed: int) -> None:
    _, truths = crawl(World(seed))
    assert len({(one.page_id, one.header) for one in truths}) == len(truths)
    assert set(Counter(one.page_id for one in truths).values()) <= {2, 3, 4}
