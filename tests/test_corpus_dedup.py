import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus import deduplicate
from builder.corpus.dedup import text_digest
from builder.recipe import Runtime
from builder.recipe_segments import Dedup
from builder.records import Stats, segment_id, segment_schema
from builder.storage import parquet_files, read_rows, write_rows


def row(page: str, text: str, source: str = "a") -> dict[str, Any]:
    return {"id": segment_id(page, 0, text), "page_id": page, "source_file": source, "record_offset": 0,
            "header": "h", "text": text, "kept_blocks": [1]}  # fmt: skip


def run(folder: Path, rows: list[dict[str, Any]], sample: int | None = None, files: int = 1) -> tuple[Stats, Any, Any]:
    for number in range(files):
        write_rows(folder / "in" / "data" / f"{number:05d}.parquet", rows[number::files], segment_schema())
    stats = deduplicate(folder / "out", Dedup(sample=sample), folder / "in", runtime=Runtime())
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
    monkeypatch.setattr("builder.corpus.dedup.PART_ROWS", 40)
    monkeypatch.setattr("builder.corpus.dedup._BATCH", 7)
    monkeypatch.setattr("builder.corpus.dedup.REJECTED_TEXTS_PER_REASON", 10)
    rows = [row(f"p{number}", f"text {number % 100}") for number in range(150)]
    _, kept, rejected = run(tmp_path, rows, files=3)
    sizes = [len(list(read_rows(path))) for path in parquet_files(tmp_path / "out" / "data")]
    assert sizes == [40, 40, 20]
    by_id = {item["id"]: item for item in rows}
    assert [item["text"] for item in kept] == [by_id[item["id"]]["text"] for item in kept]
    assert len(kept) == 100
    assert [item["id"] for item in kept] == sorted(item["id"] for item in kept)
    assert sum(bool(item["text"]) for item in rejected) == 10
    _, again, _ = run(tmp_path, rows, sample=30, files=3)
    assert len(again) == 30
    assert len(parquet_files(tmp_path / "out" / "data")) == 1


def test_nothing_in_is_nothing_out(tmp_path: Path) -> None:
    stats, kept, rejected = run(tmp_path, [])
    assert (stats.counts["segments"].rows_in, kept, rejected) == (0, [], [])
    assert len(parquet_files(tmp_path / "out" / "data")) == 1


def test_texts_are_compared_by_what_they_look_like() -> None:
    assert text_digest("A  b\n") == text_digest("a B")
    assert text_digest("e\u0301") == text_digest("é")
    assert text_digest("a b") != text_digest("ab")
