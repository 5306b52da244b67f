import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from support.corpus_pages import archive, page, record, settings, write_warc
from support.hang_guard import must_end

from builder.data.accounting import Counts, Stats
from builder.data.records import segment_id, segment_schema
from builder.data.storage import parquet_files, read_rows
from builder.errors import RecipeError, StageError
from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.markup.source import parse_html, refuse
from builder.method.corpus.cutting.page import CutPage, cut_page
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.reading.readers import Loss, Page
from builder.method.corpus.rules.body import letter_share
from builder.method.corpus.sandbox import CutPages
from builder.method.corpus.stage import extract_segments
from builder.method.corpus.tasks import TaskFiles
from builder.method.corpus.writer import WriteSegments
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.progress import read_progress

ONE = Runtime(workers=1)


def extract(out: Path, config: Segments, runtime: Runtime = ONE) -> Stats:
    stats = extract_segments(out, config, runtime=runtime)
    stats.check("test")
    return stats


def rows_of(out: Path) -> list[dict[str, Any]]:
    return sorted(read_rows(out / "data"), key=lambda row: str(row["id"]))


def a_page(html: str, number: int = 0) -> Page:
    return Page(f"p{number}", "https://example.org", html, "file", 0, "en", "digest")


def test_pages_become_rows_with_their_provenance(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 5)
    stats = extract(tmp_path / "out", settings(tmp_path / "in", tasks=2))
    assert stats.counts["records"].as_dict() == {"in": 5, "kept": 5, "dropped": {}, "failed": {}}
    assert stats.counts["pages"].kept == 5
    rows = rows_of(tmp_path / "out")
    assert len(rows) == stats.counts["segments"].kept == 5
    for row in rows:
        assert row["id"] == segment_id(row["page_id"], row["position"], row["text"])
        number = int(row["page_id"][-5:])
        assert row["header"] == f"Page {number}"
        assert (row["url"], row["title"]) == (f"https://example.org/{number}", f"Page {number}")
        assert (row["language"], row["header_level"], row["source_file"]) == ("en", 1, "x.warc.gz")
        blocks = walk(parse_html(page(number)))
        assert row["text"] == render(blocks[index] for index in row["kept_blocks"])
        assert not row["text"].startswith(row["header"])
    for path in parquet_files(tmp_path / "out" / "data"):
        import pyarrow.parquet as pq

        assert pq.read_schema(path).equals(segment_schema())
    assert stats.details["chars_mean"] == pytest.approx(sum(len(row["text"]) for row in rows) / 5, abs=0.1)
    assert (read_progress(tmp_path / "out") or ())[:3] == (5, 5, "pages")


def test_what_is_dropped_and_what_fails_is_counted(tmp_path: Path) -> None:
    german = "<html lang=de><h1>Titel</h1>" + "<p>Der Fluss fließt langsam durch die alte Stadt am Meer.</p>" * 40
    bodies = [
        page(1).encode(),
        german.encode(),
        b"<html><p>no heading</p></html>",
        b"%PDF-1.7",
        b"",
        b"<h1>Alone</h1>",
        ("<h1>x</h1>" + "<div>" * 300 + "deep").encode(),
        ("<h1>x</h1>" + "<p>a" * 100_001).encode(),
    ]
    records = [record(body, number) for number, body in enumerate(bodies)]
    records[1] = record(bodies[1], 1, Language="de")
    path = write_warc(tmp_path / "in" / "x.warc.gz", [*records, record(b"", 99, kind="warcinfo"), records[0]])
    path.write_bytes(path.read_bytes()[:-50])
    stats = extract(tmp_path / "out", settings(tmp_path / "in", tasks=3))
    assert stats.counts["records"].as_dict() == {
        "in": 10, "kept": 8, "dropped": {"warcinfo": 1}, "failed": {"cut": 1},
    }  # fmt: skip
    dropped = {
        "empty": 1, "language": 1, "no_headings": 1, "no_main_content": 1, "not_html": 1, "too_deep": 1,
        "too_many_tags": 1,
    }  # fmt: skip
    assert stats.counts["pages"].as_dict() == {"in": 8, "kept": 1, "dropped": dropped, "failed": {}}
    rejected = list(read_rows(tmp_path / "out" / "rejected"))
    reasons = sorted(row["reason"] for row in rejected)
    assert reasons == sorted([*dropped, "warcinfo", "cut"])


def test_the_number_of_tasks_does_not_change_the_rows(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 9)
    archive(tmp_path / "in" / "y.warc.gz", 4, first=20)
    one = settings(tmp_path / "in", tasks=1, min_chars=200, max_chars=1_200)
    five = one.model_copy(update={"tasks": 5})
    first, second = extract(tmp_path / "1", one), extract(tmp_path / "5", five, Runtime(workers=2))
    assert rows_of(tmp_path / "1") == rows_of(tmp_path / "5")
    assert len(rows_of(tmp_path / "1")) > 20
    assert {kind: item.as_dict() for kind, item in first.counts.items()} == {
        kind: item.as_dict() for kind, item in second.counts.items()
    }
    assert len(parquet_files(tmp_path / "5" / "data")) == 5


def test_a_changed_filter_changes_only_what_it_concerns(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 6)
    base = settings(tmp_path / "in", tasks=2, boundary="any", min_chars=1)
    extract(tmp_path / "a", base)
    before = rows_of(tmp_path / "a")
    median = sorted(letter_share(row["text"]) for row in before)[len(before) // 2]
    extract(tmp_path / "b", base.model_copy(update={"min_letter_share": median}))
    after = rows_of(tmp_path / "b")
    assert after == [row for row in before if letter_share(row["text"]) >= median]
    assert 0 < len(after) < len(before)
    rejected = {row["id"]: row for row in read_rows(tmp_path / "b" / "rejected")}
    assert {row["id"] for row in before} - {row["id"] for row in after} == set(rejected)
    assert {row["reason"] for row in rejected.values()} == {"few_letters"}
    assert all(row["text"] for row in rejected.values())


def test_a_second_run_redoes_only_what_is_missing(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 8)
    config, out = settings(tmp_path / "in", tasks=4), tmp_path / "out"
    first = extract(out, config)
    whole, states = rows_of(out), {path.name: path.stat().st_mtime_ns for path in parquet_files(out / "data")}
    (out / "data" / "00002.parquet").unlink()
    second = extract(out, config)
    assert rows_of(out) == whole
    assert {kind: item.as_dict() for kind, item in first.counts.items()} == {
        kind: item.as_dict() for kind, item in second.counts.items()
    }
    changed = {path.name for path in parquet_files(out / "data") if path.stat().st_mtime_ns != states[path.name]}
    assert changed == {"00002.parquet"}
    before = (out / "logs" / "workers" / "stats.json").stat().st_mtime_ns
    extract(out, config)
    assert (out / "logs" / "workers" / "stats.json").stat().st_mtime_ns == before


def test_other_settings_in_the_same_folder_leave_nothing_of_the_old_run(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 8)
    extract(tmp_path / "out", settings(tmp_path / "in", tasks=4))
    extract(tmp_path / "out", settings(tmp_path / "in", tasks=2, boundary="any"))
    extract(tmp_path / "fresh", settings(tmp_path / "in", tasks=2, boundary="any"))
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "fresh")
    assert len(parquet_files(tmp_path / "out" / "rejected")) == 2


def test_texts_of_rejected_rows_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.method.corpus.writer.REJECTED_TEXTS_PER_REASON", 5)
    archive(tmp_path / "in" / "x.warc.gz", 8)
    extract(tmp_path / "out", settings(tmp_path / "in", tasks=3, boundary="any", min_chars=1, max_header_chars=1))
    rejected = list(read_rows(tmp_path / "out" / "rejected"))
    assert len(rejected) == 24
    assert sum(row["text"] is not None for row in rejected) == 5


def _slow(given: Page) -> CutPage | str:
    if "hang" in given.html:
        threading.Event().wait()
    if "raise" in given.html:
        raise RecursionError("too much")
    if "die" in given.html:
        os._exit(3)
    return CutPage("", "en", [Segment("h", 1, (), 0, given.html, (0,))])


def test_a_page_that_hangs_raises_or_kills_fails_alone() -> None:
    pages: list[Page | Loss] = [
        a_page(text, number) for number, text in enumerate(["a", "hang", "b", "raise", "die", "c"])
    ]
    with must_end(120, waits=True):  # the page that hangs does so for ever
        found = list(CutPages(_slow, 0.5, 1_024)([*pages, Loss("records", "x", "cut", True)], 0, 1))
    losses = [(item.identity, item.reason, item.failed) for item in found if isinstance(item, Loss)]
    assert losses == [
        ("p1", "timeout", True),
        ("p3", "error", True),
        ("p4", "error", True),
        ("x", "cut", True),
    ]
    assert [item[0].html for item in found if isinstance(item, tuple)] == ["a", "b", "c"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not tell which files are open")
def test_pages_that_kill_leave_no_file_open_in_a_worker_that_goes_on() -> None:
    cut, opened = CutPages(_slow, 0.5, 1_024), []
    with must_end(120), cut.one_process():
        for number in range(4):
            assert len(list(cut([a_page("die", number), a_page("a", 10 + number)], 0, 1))) == 2
            opened.append(len(list(Path("/proc/self/fd").iterdir())))
    assert len(set(opened)) == 1


def test_hostile_pages_are_refused_without_quadratic_work() -> None:
    config = settings(Path("x"))
    with must_end():
        for deep in ("<div>" * 90_000, "<b>" * 100_000, "<table><tr><td>" * 200 + "lost"):
            assert cut_page(a_page(f"<h1>x</h1>{deep}"), config) == "too_deep"
        assert refuse("<h1>" + "<p>x" * 300_000) == "too_many_tags"
        assert refuse("<h1>" + "<script>" * 200_000) == ""
        assert refuse("<h1>" + "<div " * 90_000) == ""
        assert refuse("plain") == "no_headings"
        assert refuse("<h1>x</h1>" + "<div></div>" * 5_000 + "<span/>" * 5_000) == ""
        assert refuse("<h1>x<script>" + "'<div>'+" * 500 + "</SCRIPT><!--" + "<div>" * 500 + "-->") == ""


_SOUP_TAGS = ["h1", "h2", "h3", "p", "div", "ul", "li", "table", "tr", "td", "pre", "br"]
_html = st.lists(
    st.one_of(
        st.sampled_from(_SOUP_TAGS).map(lambda tag: f"<{tag}>"),
        st.sampled_from(_SOUP_TAGS).map(lambda tag: f"</{tag}>"),
        st.sampled_from(["A heading", "some words of text that are long enough to be kept in the end. " * 3]),
        st.text(max_size=30),
    ),
    max_size=40,
).map("".join)


@examples(max_examples=60, deadline=None)
@given(st.lists(_html, max_size=4), st.sampled_from(["tree", "any"]))
def test_counts_hold_for_any_pages(folder: Callable[[], Path], htmls: list[str], boundary: str) -> None:
    config = settings(Path("x"), boundary=boundary, min_chars=50, max_chars=400)
    files = TaskFiles(folder(), "mark", 1)
    pages = [a_page(html, number) for number, html in enumerate(htmls)]
    cut = [(page_, cut_page(page_, config)) for page_ in pages]
    outcomes = [Loss("pages", page_.page_id, made) if isinstance(made, str) else (page_, made) for page_, made in cut]
    assert list(WriteSegments(config, files)(outcomes, 0, 1)) == []
    (result,) = files.results()
    counted = {kind: Counts.from_dict(value) for kind, value in result["counts"].items()}
    for kind, counts in counted.items():
        counts.check(kind)
    assert counted["pages"].rows_in == len(htmls)
    rows = list(read_rows(files.data(0)))
    assert len(rows) == counted["segments"].kept
    assert len({row["id"] for row in rows}) == len(rows)


def test_a_corpus_without_a_page_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        extract(tmp_path / "out", settings(tmp_path / "nowhere"))
    write_warc(tmp_path / "wat" / "x.warc.gz", [record(b"{}", 1, kind="metadata")])
    with pytest.raises(StageError, match=r"x\.warc\.gz: no page could be read \(1 x metadata\).*response records"):
        extract(tmp_path / "out", settings(tmp_path / "wat"))
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "x.html").write_text("<p>no heading")
    assert extract(tmp_path / "out2", settings(tmp_path / "html", "html")).counts["segments"].rows_in == 0


def test_a_page_whose_own_address_holds_a_control_token_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for number, address in enumerate(("https://example.org/a", "https://example.org/[INST]")):
        html = page(number).replace("<title>", f'<link rel="canonical" href="{address}"><title>')
        (tmp_path / "pages" / f"{number}.html").write_text(html)
    stats = extract(tmp_path / "out", settings(tmp_path / "pages", "html"))
    assert {row["url"] for row in rows_of(tmp_path / "out")} == {"https://example.org/a"}
    assert stats.counts["segments"].dropped["control_tokens"] == stats.counts["segments"].kept > 0


def test_html_folders_and_workers_give_the_same(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"in/{number}").mkdir(parents=True)
        (tmp_path / f"in/{number}/index.html").write_text(page(number))
    config = settings(tmp_path / "in", "html", tasks=3)
    extract(tmp_path / "one", config, Runtime(workers=1))
    extract(tmp_path / "two", config, Runtime(workers=3))
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "two")
    assert {row["page_id"] for row in rows_of(tmp_path / "one")} == {f"{number}/index.html" for number in range(6)}


def _children(parent: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid=,args="], capture_output=True, text=True, check=False
    )
    return [line for line in listing.stdout.splitlines() if "ps --ppid" not in line]


def test_nothing_outlives_a_killed_stage(tmp_path: Path) -> None:
    archive(tmp_path / "in" / "x.warc.gz", 3_000)
    config = settings(tmp_path / "in", tasks=2).model_dump_json()
    code = (
        "import sys; from pathlib import Path; from builder.method.corpus.stage import extract_segments;"
        "from builder.recipe.recipe import Runtime;"
        "from builder.recipe.sections.corpus import Segments;"
        "config = Segments.model_validate_json(sys.argv[1]);"
        f"extract_segments(Path({str(tmp_path / 'out')!r}), config, runtime=Runtime())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while len(_children(process.pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        offspring = [int(line.split()[0]) for line in _children(process.pid)]
    finally:
        process.kill()
        process.wait()
    assert len(offspring) >= 3
    time.sleep(1)
    assert not [pid for pid in offspring if Path(f"/proc/{pid}").exists() and "Z" not in _state(pid)]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def test_the_stage_runs_in_a_child_process_and_importing_it_is_light(tmp_path: Path) -> None:
    heavy = ["datatrove", "trafilatura", "lxml", "resiliparse", "fastwarc", "fasttext", "pyarrow", "loguru", "torch"]
    code = f"import builder.method.corpus, sys, json; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == []

    from builder.workspace.workspace import Workspace

    archive(tmp_path / "in" / "x.warc.gz", 3)
    artifact = Workspace(tmp_path / "work", ONE).run("segments", extract_segments, settings(tmp_path / "in", tasks=2))
    assert artifact.status == "done"
    assert artifact.record["counts"]["segments"]["kept"] == 3
