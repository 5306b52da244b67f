"""Pages and pairs that hide something: nobody sees it, a model would read it, and nothing of it is published."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import paragraphs, record, settings, write_warc
from support.crawl_build import web_page
from support.segments_here import cut_and_write

from builder.data.records import segment_id
from builder.data.storage import read_json, read_rows
from builder.method.corpus.cutting.restore import Masks, page_blocks, restore
from builder.method.corpus.reading.readers import Page
from builder.method.seed.stage import select_seed
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed, SeedSource
from builder.results.release.content.places import text_digest
from builder.results.release.search import Search
from builder.text.unseen import find_unseen

SAID = "".join(chr(0xE0000 + ord(letter)) for letter in "say yes")
BYTES = "".join(chr(0xE0100 + byte) for byte in b"key")
HIDDEN = {
    "bidi": "\u202etxt.exe\u202c \u2067x\u2069\u200f",
    "without width": "pass\u200bword\u2060s\ufeff",
    "tags": f"round{SAID}",
    "selectors": f"😀{BYTES}",
    "terminal": "\x9b2Jgone\x9d0;title\x9c",
    "parted address": "jane.doe\u2063@corp-mail.com",
}
NEEDED = "می\u200cخواهم ❤\ufe0f 👩\u200d🚀"
FULL = {"min_chars": 200, "boundary": "any"}


def texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in texts(item)]
    return [value] if isinstance(value, str) else []


def taken(stage: Path) -> dict[str, int]:
    details = read_json(stage / "logs" / "tasks" / "00000.json")["details"]
    return {name: details[name] for name in ("unseen", "unseen_chars")}


def hiding_page(title: str = "", above: str = "", header: str = "", text: str = "", code: str = "") -> str:
    body = "".join(f"<p>{words}</p>" for words in paragraphs(3))
    return (
        f'<html lang="en"><head><title>A page {title}</title></head><body><main><h1>All {above}</h1>'
        f"<h2>How it {header} works</h2>{body}<p>It is so {text}.</p><pre>{code}</pre></main></body></html>"
    )


@pytest.mark.parametrize("form", ["html", "jsonl", "warc"])
@pytest.mark.parametrize("kind", HIDDEN)
def test_nothing_that_a_page_hides_is_in_a_row(tmp_path: Path, kind: str, form: str) -> None:
    hidden = HIDDEN[kind]
    page, address = hiding_page(*[hidden] * 5), f"https://example.org/{hidden}"
    (tmp_path / "in").mkdir()
    if form == "html":
        link = f'<link rel="canonical" href="{address.replace(" ", "")}">'
        (tmp_path / "in" / f"a\n{hidden}.html").write_text(page.replace("<title>", f"{link}<title>"))
    elif form == "jsonl":
        row = {"html": page, "url": address, "id": f"x{hidden}"}
        (tmp_path / "in" / f"{hidden}.jsonl").write_text(json.dumps(row))
    else:
        headers = {"WARC-Target-URI": address, "ClueWeb22-ID": f"clueweb22-{hidden}"}
        write_warc(tmp_path / "in" / "x.warc.gz", [record(page.encode(), 1, **headers)])
    config = settings(tmp_path / "in", form, **FULL)
    if form == "jsonl":
        config.sources[0].__dict__["id"] = "id"
    stats = cut_and_write(tmp_path / "out", config)
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert rows
    for row in rows:
        assert not [text for text in texts(row) if find_unseen(text) or ("\n" in text and text != row["text"])]
        assert "corp-mail" not in row["text"]
        assert row["id"] == segment_id(row["page_id"], row["position"], row["text"])
    if kind not in ("terminal", "without width"):  # these the walk over a page takes out of what is one line
        assert taken(tmp_path / "out")["unseen"] == stats.counts["segments"].rows_in > 0
        assert taken(tmp_path / "out")["unseen_chars"] >= len(rows)


def test_a_control_token_that_something_unseen_parts_is_one(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.html").write_text(hiding_page(text="&lt;|im&#8205;_start|&gt; [IN&#8206;ST]"))
    stats = cut_and_write(tmp_path / "out", settings(tmp_path / "in", "html", **FULL))
    assert stats.counts["segments"].dropped["control_tokens"] == 1
    cut_and_write(tmp_path / "esc", settings(tmp_path / "in", "html", on_control_tokens="escape", **FULL))
    assert any("‹|im_start|› ⟦INST⟧" in row["text"] for row in read_rows(tmp_path / "esc" / "data"))


def test_what_changes_something_that_is_seen_stays_in_a_row_and_nothing_is_counted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.html").write_text(hiding_page(*[NEEDED] * 5))
    cut_and_write(tmp_path / "out", settings(tmp_path / "in", "html", **FULL))
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert rows
    assert all(NEEDED in text for row in rows for text in (row["title"], row["text"], *row["header_path"]))
    assert taken(tmp_path / "out") == {"unseen": 0, "unseen_chars": 0}


def test_texts_of_earlier_releases_come_back_as_they_were_and_new_ones_as_they_are(tmp_path: Path) -> None:
    page = Page("p", "u", web_page(4), "f", 0, "en", "digest")
    blocks = page_blocks(page)
    assert blocks
    kept = [block.number for block in blocks if "Turned" in block.text]
    position = next(block.ordinal for block in blocks if block.kind == "heading")
    now, earlier = restore(blocks, position, kept[:1], Masks(pii=True, escape=True))
    assert now.text.endswith("Turned round, parted email@example.com and ‹|im_end|›.")
    assert earlier.text.endswith(
        "Turned \u202eround\U000e0041, parted jane.doe\u200d@corp-mail.com and <|im\u2063_end|>."
    )
    for form in (now, earlier):
        sha256 = text_digest(form.text)
        place = {"position": position, "kept_blocks": kept[:1], "text_sha256": sha256}
        place |= {"page_id": "p", "segment_id": "s", "source_file": "f", "payload_digest": "digest"}
        with Search(tmp_path / sha256, Masks(pii=True, escape=True), [place]) as search:
            search.look(page)
            restored = search.text("s")
        assert restored is not None
        assert restored.text == form.text


def test_seed_pairs_hide_nothing_and_what_was_taken_out_is_counted(tmp_path: Path) -> None:
    rows = [{"instruction": f"What? {hidden}", "output": f"That. {hidden}\r\nSo."} for hidden in HIDDEN.values()]
    rows += [{"instruction": "Plain?", "output": NEEDED}, {"instruction": f"Pla{SAID}in?", "output": NEEDED}]
    rows += [{"instruction": "<|im_\u200dend|>", "output": "Forged."}]
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = SeedSource(name="s", path=tmp_path / "pairs.jsonl", license="cc0-1.0")
    stats = select_seed(tmp_path / "out", Seed(sources=[source]), runtime=Runtime())
    kept = list(read_rows(tmp_path / "out" / "data"))
    assert len(kept) == len(HIDDEN) + 1
    assert not [text for row in kept for text in texts(row) if find_unseen(text)]
    assert {row["output"] for row in kept} >= {NEEDED, "That. round\nSo."}
    assert stats.counts["pairs"].dropped == {"duplicate": 1, "control_tokens": 1}
    assert stats.details["unseen"] == len(HIDDEN)
    assert stats.details["unseen_chars"] > 2 * len(HIDDEN)


@pytest.mark.parametrize("hidden", [*HIDDEN.values(), "\n"])
def test_a_source_or_a_licence_that_hides_something_is_refused(hidden: str) -> None:
    for name, licence in ((f"s{hidden}", "cc0-1.0"), ("s", f"cc0{hidden}")):
        with pytest.raises(ValueError, match="which nobody sees in a row; write it without"):
            SeedSource(name=name, path=Path("x.jsonl"), license=licence)
