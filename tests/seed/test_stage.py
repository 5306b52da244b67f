"""The stage of the seed: its sample, its sources, and the counts of the real one."""

from pathlib import Path
from typing import Any

import pytest
from support.seed_rows import answer, message, run, source, tree, write_lines

from builder.data.storage import parquet_files
from builder.errors import StageError
from builder.method.seed.stage import char_lengths


def test_sample_depends_on_ids_only(tmp_path: Path) -> None:
    rows = [{"instruction": f"Say {number}", "output": str(number)} for number in range(40)]
    forward = source(write_lines(tmp_path / "x.jsonl", rows))
    backward = source(write_lines(tmp_path / "y.jsonl", rows[::-1]))
    first, stats = run(tmp_path / "a", forward, size=10)
    assert run(tmp_path / "b", backward, size=10)[0] == first
    assert run(tmp_path / "c", forward, size=10, seed=1)[0] != first
    assert stats.counts["pairs"].dropped == {"not_sampled": 30}
    assert stats.details["output_chars"] == char_lengths([len(row["output"]) for row in first])


def test_sources_keep_their_licence_and_share_no_pair(tmp_path: Path) -> None:
    first = write_lines(
        tmp_path / "x.jsonl", [{"instruction": "a", "output": "b"}, {"instruction": "c", "output": "d"}]
    )
    second = write_lines(tmp_path / "y.jsonl", [tree("t", message("t0", "assistant", "b", rank=0))])
    second.write_text(second.read_text().replace("Question t?", "a"))
    other = source(second, "oasst", name="trees") | {"license": "cc-by-4.0"}
    for number, order in enumerate([(source(first), other), (other, source(first))]):
        rows, stats = run(tmp_path / str(number), *order)
        assert len(rows) == 2
        assert stats.counts["pairs"].dropped == {"duplicate": 1}
        licences = {"people": "apache-2.0", "trees": "cc-by-4.0"}
        assert all(row["license"] == licences[row["source"]] for row in rows)
        assert [entry["kept"] for entry in stats.details["sources"]] == ([2, 0] if number == 0 else [1, 1])
        for entry in stats.details["sources"]:
            assert entry["pairs"] == entry["kept"] + sum(entry["left_out"].values())
        assert sum(entry["pairs"] for entry in stats.details["sources"]) == stats.counts["pairs"].rows_in


def test_nothing_left_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [tree("a", answer("a0"))])
    with pytest.raises(StageError, match="1 unranked"):
        run(tmp_path / "out", source(file, "oasst"))


def test_hub_dataset_is_read_at_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(name: str, *, split: str, revision: str) -> Any:
        assert (name, split, revision) == ("some/pairs", "validation", "a" * 40)
        return datasets.Dataset.from_list([{"instruction": "a", "output": "b"}])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    hub = {"name": "hub", "dataset": "some/pairs", "revision": "a" * 40, "split": "validation", "license": "mit"}
    rows, _ = run(tmp_path, hub)
    assert [(row["instruction"], row["output"], row["license"]) for row in rows] == [("a", "b", "mit")]


def test_real_sample_has_the_counts_it_states(tmp_path: Path, real_seed: Path) -> None:
    trees = source(real_seed / "oasst_en_100.trees.jsonl", "oasst")
    rows, stats = run(tmp_path / "trees", trees)
    table = source(real_seed / "oasst_en_100.flat_hub_columns.jsonl", "oasst")
    flat_rows, flat_stats = run(tmp_path / "flat", table)
    assert rows == flat_rows
    assert stats == flat_stats
    assert stats.counts["pairs"].as_dict() == {
        "in": 333,
        "kept": 99,
        "dropped": {"lower_rank": 231, "unranked": 3},
        "failed": {},
    }
    figures = stats.details["sources"][0]
    assert (figures["messages"], figures["prompter"], figures["assistant"]) == (1167, 480, 687)
    assert (figures["roots"], figures["rank0"]) == (100, 212)
    lengths = stats.details["instruction_chars"], stats.details["output_chars"]
    assert [(round(item["mean"]), round(item["sd"])) for item in lengths] == [(160, 238), (1135, 742)]
    assert len(parquet_files(tmp_path / "trees")) == 2
