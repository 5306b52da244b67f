import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import bench_dedup as bench
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_pages import WORDS

from builder.data.accounting import Stats
from builder.data.records import segment_id, segment_schema
from builder.data.storage import parquet_files, read_rows, write_rows
from builder.method.corpus.dedup import stage
from builder.method.corpus.dedup.index import loose_digest
from builder.method.corpus.dedup.stage import deduplicate
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.runtime import Runtime


def row(page: str, text: str, source: str = "a", url: str = "") -> dict[str, Any]:
    return {"id": segment_id(page, 0, text), "page_id": page, "source_file": source, "record_offset": 0, "url": url,
            "header": "h", "text": text, "kept_blocks": [1]}  # fmt: skip


def run(
    folder: Path, rows: list[dict[str, Any]], sample: int | None = None, files: int = 1, **keys: Any
) -> tuple[Stats, Any, Any]:
    for number in range(files):
        write_rows(folder / "in" / "data" / f"{number:05d}.parquet", rows[number::files], segment_schema())
    config = Dedup(**{"sample": sample, "near": False, **keys})
    stats = deduplicate(folder / "out", config, folder / "in", runtime=Runtime())
    stats.check("test")
    return stats, list(read_rows(folder / "out" / "data")), list(read_rows(folder / "out" / "rejected"))


def test_the_first_id_of_each_text_stays(tmp_path: Path) -> None:
    rows = [
        row("p1", "Some  text\nhere"),
        row("p2", "some text HERE "),
        row("p3", "other"),
        row("p4", "ﬁne"),
        row("p5", "fine"),
    ]
    stats, kept, rejected = run(tmp_path, rows)
    same = sorted(rows[:2], key=lambda item: item["id"])
    assert [item["id"] for item in kept] == sorted(item["id"] for item in kept)
    assert same[0]["id"] in {item["id"] for item in kept}
    assert same[1]["id"] in {item["id"] for item in rejected}
    assert stats.counts["segments"].as_dict() == {"in": 5, "kept": 3, "dropped": {"duplicate": 2}, "failed": {}}
    assert {item["reason"] for item in rejected} == {"duplicate"}
    assert all(item["text"] for item in rejected)
    by_id = {item["id"]: item for item in rows}
    for item in rejected:
        assert item["twin"] < item["id"]
        assert item["twin_text"] == by_id[item["twin"]]["text"]


def test_the_same_page_in_two_files_is_no_error(tmp_path: Path) -> None:
    stats, kept, rejected = run(tmp_path, [row("p1", "text", "b"), row("p1", "text", "a"), row("p1", "newer", "b")])
    assert stats.counts["segments"].dropped == {"duplicate_id": 1}
    assert {(item["text"], item["source_file"]) for item in kept} == {("text", "a"), ("newer", "b")}
    assert len(rejected) == 1


_rows = st.lists(
    st.tuples(st.sampled_from("pqrs"), st.sampled_from(["x", "X", " x", "y", "z", "w"]), st.sampled_from("ab")),
    max_size=20,
).map(lambda items: [row(*item) for item in items])


@settings(max_examples=40, deadline=None)
@given(_rows, st.randoms(use_true_random=False), st.one_of(st.none(), st.integers(1, 5)), st.integers(1, 3))
def test_order_and_files_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], rng: random.Random, sample: int | None, files: int
) -> None:
    first = run(tmp_path_factory.mktemp("a"), rows, sample)
    shuffled = list(rows)
    rng.shuffle(shuffled)
    second = run(tmp_path_factory.mktemp("b"), shuffled, sample, files)
    assert first[1] == second[1]
    assert [item["id"] for item in first[2]] == [item["id"] for item in second[2]]
    assert first[0].counts["segments"].as_dict() == second[0].counts["segments"].as_dict()


def test_a_sample_is_chosen_by_id(tmp_path: Path) -> None:
    rows = [row(f"p{number}", f"text {number}") for number in range(200)]
    stats, kept, rejected = run(tmp_path / "all", rows, sample=50)
    assert stats.counts["segments"].as_dict()["dropped"] == {"not_sampled": 150}
    assert len(kept) == 50
    assert {item["reason"] for item in rejected} == {"not_sampled"}
    chosen = {item["id"] for item in kept}
    assert chosen != {item["id"] for item in sorted(rows, key=lambda item: str(item["id"]))[:50]}
    smaller = {item["id"] for item in run(tmp_path / "few", rows, sample=20)[1]}
    assert smaller < chosen
    grown = [*rows, row("new", "new text")]
    assert len(chosen & {item["id"] for item in run(tmp_path / "more", grown, sample=50)[1]}) >= 49
    assert len(run(tmp_path / "enough", rows, sample=500)[1]) == 200


def test_parts_and_texts_of_rejected_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.method.corpus.dedup.output.PART_ROWS", 40)
    monkeypatch.setattr("builder.data.row_groups.BATCH", 7)
    monkeypatch.setattr("builder.data.row_groups.SPAN", 40)
    monkeypatch.setattr("builder.method.corpus.dedup.output.REJECTED_TEXTS_PER_REASON", 10)
    rows = [row(f"p{number}", f"text {number % 100}") for number in range(150)]
    _, kept, rejected = run(tmp_path, rows, files=3)
    sizes = [len(list(read_rows(path))) for path in parquet_files(tmp_path / "out" / "data")]
    assert sizes == [40, 40, 20]
    by_id = {item["id"]: item for item in rows}
    assert [item["text"] for item in kept] == [by_id[item["id"]]["text"] for item in kept]
    assert len(kept) == 100
    assert [item["id"] for item in kept] == sorted(item["id"] for item in kept)
    assert sum(bool(item["text"]) for item in rejected) == 10
    assert sum(bool(item["twin_text"]) for item in rejected) == 10
    assert [item["id"] for item in rejected] == sorted(item["id"] for item in rejected)
    assert all(by_id[item["twin"]]["text"] == by_id[item["id"]]["text"] for item in rejected)
    _, again, _ = run(tmp_path, rows, sample=30, files=3)
    assert len(again) == 30
    assert len(parquet_files(tmp_path / "out" / "data")) == 1


def test_nothing_in_is_nothing_out(tmp_path: Path) -> None:
    stats, kept, rejected = run(tmp_path, [])
    assert (stats.counts["segments"].rows_in, kept, rejected) == (0, [], [])
    assert len(parquet_files(tmp_path / "out" / "data")) == 1


def test_texts_are_compared_by_what_they_look_like() -> None:
    assert loose_digest("A  b\n") == loose_digest("a B")
    assert loose_digest("e\u0301") == loose_digest("é")
    assert loose_digest("a b") != loose_digest("ab")


def sentences(seed: int, words: int = 60) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(WORDS) for _ in range(words)]


def test_near_duplicates_go_with_their_twin(tmp_path: Path) -> None:
    text = sentences(1)
    rows = [
        row("p1", " ".join(text)),
        row("p2", " ".join([*text, "indeed"])),
        row("p3", " ".join(["So,", *text]).replace(" ", "\n", 3)),
        row("p4", " ".join(sentences(2))),
        row("p5", "a b"),
        row("p6", "a c"),
    ]
    stats, kept, rejected = run(tmp_path, rows, near=True)
    near = sorted(rows[:3], key=lambda item: str(item["id"]))
    assert stats.counts["segments"].as_dict()["dropped"] == {"near_duplicate": 2}
    assert stats.details == {"distinct_texts": 6, "near_clusters": 1}
    assert {item["id"] for item in kept} == {near[0]["id"], *(item["id"] for item in rows[3:])}
    assert [(item["id"], item["twin"]) for item in rejected] == [(item["id"], near[0]["id"]) for item in near[1:]]
    assert rejected[0]["twin_text"] == near[0]["text"]
    assert not (tmp_path / "out" / "minhash").exists()
    assert not (tmp_path / "out" / ".scratch").exists()


@settings(max_examples=4)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12), st.integers(1, 3), st.data())
def test_near_duplicates_do_not_depend_on_order_and_files(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[tuple[int, int]], files: int, data: st.DataObject
) -> None:
    rows = [
        row(f"p{number}", " ".join([*sentences(family), *["more"] * extra]))
        for number, (family, extra) in enumerate(chosen)
    ]
    shuffled = data.draw(st.permutations(rows))
    first = run(tmp_path_factory.mktemp("a"), rows, near=True)
    second = run(tmp_path_factory.mktemp("b"), shuffled, files=files, near=True)
    assert first[1:] == second[1:]
    assert first[0].counts["segments"].as_dict() == second[0].counts["segments"].as_dict()
    assert len(first[1]) == len({family for family, _ in chosen})


def test_planted_near_duplicates_are_found_as_often_as_their_edits_allow(tmp_path: Path) -> None:
    bench.write_segments(tmp_path / "in", 900, rows_per_group=200)
    stats = deduplicate(tmp_path / "out", Dedup(), tmp_path / "in", runtime=Runtime(workers=2))
    by_edits, right, wrong = bench.measure(tmp_path / "in", tmp_path / "out")
    assert by_edits == {
        "0": (11, 11), "0.005": (11, 11), "0.01": (10, 10), "0.02": (10, 10), "0.03": (8, 10), "0.05": (3, 10),
        "0.1": (0, 10), "0.2": (0, 10),
    }  # fmt: skip
    assert (right, wrong) == (53, 0)
    assert stats.counts["segments"].as_dict()["dropped"] == {"duplicate": 11, "near_duplicate": 42}


def test_parameters_change_what_is_near(tmp_path: Path) -> None:
    rows = [
        row(f"p{number}", " ".join([*sentences(1)[: 60 - 4 * number], *sentences(9, 4 * number)])) for number in (0, 6)
    ]
    assert len(run(tmp_path / "strict", rows, near=True)[1]) == 2
    assert len(run(tmp_path / "loose", rows, near=True, n_grams=1, buckets=30, hashes_per_bucket=3)[1]) == 1


def test_leftovers_of_other_rows_are_not_used(tmp_path: Path) -> None:
    bench.write_segments(tmp_path / "in", 120, rows_per_group=30)
    leftover = tmp_path / "out" / "minhash"
    (leftover / "buckets").mkdir(parents=True)
    (leftover / "mark.json").write_text('"of other rows"')
    (leftover / "buckets" / "00000_00.dups").write_bytes(b"\0\0\0\0\1\0\0\0" * 2)
    (tmp_path / "out" / ".scratch").mkdir()
    (tmp_path / "out" / ".scratch" / "0.arrow").write_bytes(b"half a file")
    for name in ("out", "fresh"):
        deduplicate(tmp_path / name, Dedup(), tmp_path / "in", runtime=Runtime())
    assert list(read_rows(tmp_path / "out" / "data")) == list(read_rows(tmp_path / "fresh" / "data"))
    assert not leftover.exists()


def test_an_unfinished_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write_segments(tmp_path / "in", 120, rows_per_group=30)
    monkeypatch.setattr(stage, "write_rejected", lambda *_: pytest.fail("the machine stopped here"))
    with pytest.raises(pytest.fail.Exception):
        deduplicate(tmp_path / "out", Dedup(), tmp_path / "in", runtime=Runtime())
    (tmp_path / "out" / "minhash" / "logs" / "join" / "completions" / "00000").unlink()
    monkeypatch.undo()
    monkeypatch.setattr("builder.method.corpus.dedup.near.ReadTexts.__call__", lambda *_: pytest.fail("read again"))
    deduplicate(tmp_path / "out", Dedup(), tmp_path / "in", runtime=Runtime())
    monkeypatch.undo()
    deduplicate(tmp_path / "fresh", Dedup(), tmp_path / "in", runtime=Runtime())
    assert list(read_rows(tmp_path / "out" / "data")) == list(read_rows(tmp_path / "fresh" / "data"))


def test_a_domain_gives_at_most_so_many(tmp_path: Path) -> None:
    sites = ["https://a.example.co.uk/", "https://b.example.co.uk/x", "https://example.com/", ""]
    rows = [row(f"p{number}", f"text {number}", url=sites[number % 4]) for number in range(80)]
    stats, kept, rejected = run(tmp_path / "one", rows, per_domain=5)
    assert stats.counts["segments"].as_dict()["dropped"] == {"domain_cap": 35 + 15}
    assert Counter(item["url"].rpartition("/")[0].partition("//")[2] for item in kept)["example.com"] == 5
    assert Counter(item["url"] for item in kept)[""] == 20
    assert {item["twin"] for item in rejected} == {None}
    fewer = {item["id"] for item in run(tmp_path / "two", rows, per_domain=3)[1]}
    assert fewer < {item["id"] for item in kept}
    stats, kept, _ = run(tmp_path / "three", rows, sample=12, per_domain=5)
    assert stats.counts["segments"].as_dict()["dropped"] == {"domain_cap": 50, "not_sampled": 18}
    assert len(kept) == 12


def test_the_first_reason_is_the_one_given(tmp_path: Path) -> None:
    site = "https://example.com/"
    rows = [row(f"p{number}", f"text {number // 2}", url=site) for number in range(8)]
    stats, _, _ = run(tmp_path, rows, sample=1, per_domain=3)
    assert stats.counts["segments"].as_dict()["dropped"] == {"duplicate": 4, "domain_cap": 1, "not_sampled": 2}


def test_workers_end_with_a_killed_stage(tmp_path: Path) -> None:
    bench.write_segments(tmp_path / "in", 6_000, rows_per_group=500)
    code = (
        "import sys; from pathlib import Path; from builder.method.corpus.dedup.stage import deduplicate;"
        "from builder.recipe.recipe import Runtime; from builder.recipe.sections.corpus import Dedup;"
        "deduplicate(Path(sys.argv[2]), Dedup(), Path(sys.argv[1]), runtime=Runtime(workers=2))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "in"), str(tmp_path / "out")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while len(offspring := _children(process.pid)) < 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert len(offspring) >= 3
    time.sleep(1)
    assert not [pid for pid in offspring if Path(f"/proc/{pid}").exists() and _state(pid) != "Z"]


def _children(parent: int) -> list[int]:
    listing = subprocess.run(["ps", "--ppid", str(parent), "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(line) for line in listing.stdout.split()]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"
