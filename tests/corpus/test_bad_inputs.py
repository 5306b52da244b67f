"""The whole stage over every bad input we know: it ends, counts each, and keeps every good page around them."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corpus_bad import HEAVY_PAGES, HTTP_PAGES, KEPT, PAGES, write_archives, write_pages
from support.corpus_pages import archive, clueweb12, clueweb22, page, settings

from builder.data.accounting import Stats
from builder.data.storage import read_rows
from builder.method.corpus.reading.readers import Loss, Page, Shard, list_inputs, read_pages
from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime


def extract(out: Path, config: Segments, workers: int = 2) -> Stats:
    stats = extract_segments(out, config, runtime=Runtime(workers=workers))
    stats.check("test")
    return stats


def rows_of(out: Path) -> list[dict[str, Any]]:
    return sorted(read_rows(out / "data"), key=lambda row: (str(row["id"]), str(row["source_file"])))


def the_bad_corpus(folder: Path) -> Segments:
    """Damaged archives, bad pages, tables and folders of HTML with both."""
    write_archives(folder / "archives")
    write_pages(folder / "pages" / "bad.warc.gz", PAGES, lambda number, body: clueweb22(number, body))
    write_pages(folder / "http" / "http.warc.gz", HTTP_PAGES, lambda number, body: clueweb12(number, body))
    html = folder / "html"
    html.mkdir()
    (html / "good.html").write_text(page(1))
    (html / "cut.html.gz").write_bytes(gzip.compress(page(2).encode())[:-50])
    (html / "empty.html").write_bytes(b"")
    (html / "picture.html").write_bytes(b"\x89PNG....")
    lines = [json.dumps({"html": page(1)}), "{", json.dumps({"html": None}), json.dumps({"html": page(2)})]
    (folder / "x.jsonl").write_text("\n".join(lines))
    pq.write_table(pa.Table.from_pylist([{"html": page(3).encode()}, {"html": b"%PDF"}]), folder / "x.parquet")
    places = {
        "archives": "warc",
        "pages": "warc",
        "http": "warc",
        "html": "html",
        "x.jsonl": "jsonl",
        "x.parquet": "parquet",
    }
    sources = [{"path": folder / place, "format": form} for place, form in places.items()]
    return Segments.model_validate({"sources": sources, "tasks": 3})


def test_damaged_archives_give_all_that_is_whole(tmp_path: Path) -> None:
    for name, (count, reasons) in write_archives(tmp_path).items():
        found = list(read_pages(list_inputs(settings(tmp_path / name).sources), Shard()))
        assert sum(isinstance(item, Page) for item in found) == count, name
        assert sorted(item.reason for item in found if isinstance(item, Loss)) == reasons, name


def test_the_stage_ends_and_counts_every_bad_input(tmp_path: Path) -> None:
    config = the_bad_corpus(tmp_path / "in")
    stats = extract(tmp_path / "out", config)
    archives = write_archives(tmp_path / "again")
    lost = Counter(reason for _, reasons in archives.values() for reason in reasons)
    others = {"metadata": lost.pop("metadata"), "request": lost.pop("request")}
    lost.update({"cut": 1, "corrupt": 1})  # the packed page, the line of JSON
    assert stats.counts["records"].dropped == others
    assert stats.counts["records"].failed == lost
    outcomes = Counter(outcome for _, outcome in (*PAGES.values(), *HTTP_PAGES.values()))
    outcomes.update({KEPT: sum(count for count, _ in archives.values())})
    outcomes.update({KEPT: len(PAGES) + len(HTTP_PAGES) + 2 + 4, "empty": 2, "not_html": 2})
    pages = stats.counts["pages"]
    assert pages.kept == outcomes.pop(KEPT)
    assert pages.dropped + pages.failed == outcomes
    assert pages.failed == {"decode": outcomes["decode"]}
    places = [place for place in stats.details["lost_records"] if place.startswith(("cut.warc", "fifty"))]
    assert len(places) == 3
    assert all("@" in place and place.endswith((": cut", ": corrupt")) for place in places)

    good = {row["page_id"] for row in rows_of(tmp_path / "out") if row["source_file"] == "bad.warc.gz"}
    assert {f"clueweb22-en0000-00-{2 * number:05d}" for number in range(len(PAGES) + 1)} <= good


def test_the_stage_counts_the_files_that_it_does_not_read(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 1)
    for number in range(3):
        (tmp_path / "in" / f"{number}.wacz").write_bytes(b"PK")
    (tmp_path / "in" / ".hidden").write_bytes(b"")
    details = extract(tmp_path / "out", settings(tmp_path / "in", tasks=1)).details
    assert details["unread"] == {".wacz": 3, "hidden": 1}
    assert sorted(details["unread_files"]) == [".hidden", "0.wacz", "1.wacz", "2.wacz"]


def test_neither_workers_nor_tasks_change_what_comes_out(tmp_path: Path) -> None:
    config = the_bad_corpus(tmp_path / "in")
    seen = []
    for tasks, workers in ((1, 1), (7, 1), (7, 2)):
        out = tmp_path / f"{tasks}-{workers}"
        stats = extract(out, config.model_copy(update={"tasks": tasks}), workers)
        rejected = sorted((row["id"], row["reason"], row["page_id"]) for row in read_rows(out / "rejected"))
        counts = {kind: value.as_dict() for kind, value in stats.counts.items()}
        seen.append((json.dumps(rows_of(out)), rejected, counts, stats.details))
    assert seen[0] == seen[1] == seen[2]
    names = sorted(path.name for path in (tmp_path / "7-1" / "data").iterdir())
    assert [(tmp_path / "7-1" / "data" / name).read_bytes() for name in names] == [
        (tmp_path / "7-2" / "data" / name).read_bytes() for name in names
    ]


def test_a_stage_that_is_killed_and_resumed_gives_the_same(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 300)
    config = settings(tmp_path / "in", tasks=6)
    code = (
        "import sys; from pathlib import Path; from builder.method.corpus.stage import extract_segments;"
        "from builder.recipe.recipe import Runtime; from builder.recipe.sections.corpus import Segments;"
        "config = Segments.model_validate_json(sys.argv[1]);"
        "extract_segments(Path(sys.argv[2]), config, runtime=Runtime(workers=1))"
    )
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", code, config.model_dump_json(), out],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list((out / "data").glob("*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    whole = {path.name: path.stat().st_mtime_ns for path in (out / "logs" / "tasks").glob("*.json")}
    assert 1 <= len(whole) < 6
    resumed = extract(out, config)
    fresh = extract(tmp_path / "fresh", config)
    assert rows_of(out) == rows_of(tmp_path / "fresh")
    assert resumed.counts == fresh.counts
    assert resumed.details == fresh.details
    kept = {path.name: path.stat().st_mtime_ns for path in (out / "logs" / "tasks").glob("*.json")}
    assert whole.items() <= kept.items()


def test_changed_settings_or_files_never_use_what_the_old_ones_gave(tmp_path: Path) -> None:
    path = archive(tmp_path / "in" / "x.warc.gz", 4)
    config = settings(tmp_path / "in", tasks=2)
    extract(tmp_path / "out", config, 1)
    marks = [(tmp_path / "out" / "logs" / "tasks" / f"0000{rank}.json").stat().st_mtime_ns for rank in range(2)]
    archive(path, 3)
    assert extract(tmp_path / "out", config, 1).counts["pages"].kept == 3
    assert marks != [(tmp_path / "out" / "logs" / "tasks" / f"0000{rank}.json").stat().st_mtime_ns for rank in range(2)]
    changed = config.model_copy(update={"page_memory_mb": 512})
    before = (tmp_path / "out" / "logs" / "tasks" / "00000.json").read_text()
    extract(tmp_path / "out", changed, 1)
    assert (tmp_path / "out" / "logs" / "tasks" / "00000.json").read_text() != before


@pytest.mark.full
def test_heavy_pages_are_counted_and_cost_no_others(tmp_path: Path) -> None:
    write_pages(tmp_path / "in" / "x.warc.gz", HEAVY_PAGES, lambda number, body: clueweb22(number, body))
    stats = extract(tmp_path / "out", settings(tmp_path / "in", tasks=1))
    assert stats.counts["records"].kept == 2 * len(HEAVY_PAGES) + 1
    kept = {row["page_id"] for row in rows_of(tmp_path / "out")}
    assert {f"clueweb22-en0000-00-{2 * number:05d}" for number in range(len(HEAVY_PAGES) + 1)} <= kept
    assert stats.counts["pages"].dropped["too_large"] == 1
