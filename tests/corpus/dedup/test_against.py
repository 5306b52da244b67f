"""Segments that repeat a text of a named set go, and are counted by set."""

import json
import random
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_pages import WORDS

from builder.data.accounting import Stats
from builder.data.records import segment_id, segment_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError
from builder.method.corpus.dedup.against import texts_of
from builder.method.corpus.dedup.stage import deduplicate
from builder.recipe.sections.corpus import Dedup, KnownSet
from builder.recipe.sections.runtime import Runtime


def row(page: str, text: str) -> dict[str, Any]:
    return {"id": segment_id(page, 0, text), "page_id": page, "source_file": "a", "record_offset": 0, "url": "",
            "header": "h", "text": text, "kept_blocks": [1]}  # fmt: skip


def run(folder: Path, texts: list[str], sets: dict[str, list[str]], **keys: Any) -> tuple[Stats, dict[str, str]]:
    """The counts, and what became of each text."""
    rows = [row(f"p{number}", text) for number, text in enumerate(texts)]
    write_rows(folder / "in" / "data" / "00000.parquet", rows, segment_schema())
    against = []
    for name, known in sets.items():
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps({"output": text}) + "\n" for text in known))
        against.append(KnownSet(name=name, path=file))
    config = Dedup(near=False, against=against or None).model_copy(update=keys)
    stats = deduplicate(folder / "out", config, folder / "in", runtime=Runtime())
    stats.check("dedup")
    by_id = {item["id"]: item["text"] for item in rows}
    found = {by_id[item["id"]]: "kept" for item in read_rows(folder / "out" / "data")}
    return stats, found | {by_id[item["id"]]: item["reason"] for item in read_rows(folder / "out" / "rejected")}


def test_what_a_set_says_goes_by_the_first_set_that_says_it(tmp_path: Path) -> None:
    sets = {"first": ["Some  TEXT", "more"], "second": ["some text", "ﬁne"]}
    stats, found = run(tmp_path, ["some text", "fine", "another"], sets)
    assert found == {"some text": "against:first", "fine": "against:second", "another": "kept"}
    assert stats.details["against"] == {"first": 2, "second": 2}
    assert stats.counts["segments"].dropped == {"against:first": 1, "against:second": 1}
    assert not (tmp_path / "out" / "against").exists()


def test_without_sets_nothing_is_said_of_them(tmp_path: Path) -> None:
    stats, found = run(tmp_path, ["some text", "fine"], {})
    assert set(found.values()) == {"kept"}
    assert "against" not in stats.details


def test_nearly_the_same_counts_with_near_alone(tmp_path: Path) -> None:
    rng = random.Random(1)
    words = rng.choices(WORDS, k=200)
    changed, other = " ".join([*words[:199], "otherwise"]), " ".join(rng.choices(WORDS, k=200))
    for near, reason in ((True, "against:earlier"), (False, "kept")):
        _, found = run(tmp_path / str(near), [changed, other], {"earlier": [" ".join(words)]}, near=near)
        assert found == {changed: reason, other: "kept"}


def test_of_near_duplicates_that_a_set_has_none_stays(tmp_path: Path) -> None:
    words = random.Random(1).choices(WORDS, k=200)
    texts = [" ".join([*words[:199], last]) for last in ("one", "two", "three")]
    stats, found = run(tmp_path, texts[:2], {"earlier": texts[2:]}, near=True)
    assert set(found.values()) == {"against:earlier"}
    assert stats.details["near_clusters"] == 1


texts = st.lists(st.sampled_from(["a", "b", "c", "A ", "d  e", "d e", "f"]), max_size=8)


@given(texts, texts, texts)
@settings(max_examples=20)
def test_what_stays_is_what_no_set_says(
    tmp_path_factory: pytest.TempPathFactory, segments: list[str], one: list[str], two: list[str]
) -> None:
    sets = {"one": [*one, "y"], "two": [*two, "y"]}
    _, found = run(tmp_path_factory.mktemp("sets"), segments or ["x"], sets)
    for text, outcome in found.items():
        said = next((f"against:{name}" for name, known in sets.items() if plain(text) in map(plain, known)), "kept")
        assert outcome in (said, "duplicate", "duplicate_id")


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


def test_of_turns_those_of_the_assistant_count(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    chat = [{"role": "user", "content": "asked"}, {"role": "assistant", "content": "said"}]
    file.write_text(json.dumps({"messages": chat}) + "\n" + json.dumps({"messages": None}) + "\n")
    assert list(texts_of(KnownSet(name="chats", path=file, column="messages"))) == ["said"]


def test_a_set_without_its_column_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    file = tmp_path / "known.jsonl"
    file.write_text(json.dumps({"response": "said"}) + "\n")
    with pytest.raises(RecipeError, match=r"no row of the set 'known' has the column 'output' \(found: response\)"):
        list(texts_of(KnownSet(name="known", path=file)))
    with pytest.raises(RecipeError, match=r"no file of rows; the set 'known' of dedup.against is a file or a folder"):
        list(texts_of(KnownSet(name="known", path=tmp_path / "known.txt")))


def test_two_sets_of_a_name_are_refused(tmp_path: Path) -> None:
    known = KnownSet(name="a", path=tmp_path)
    with pytest.raises(ValueError, match=r"against has a name twice \(a, a\)"):
        Dedup(against=[known, known])


def test_a_dataset_of_the_hub_is_read_at_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(repository: str, *, split: str, revision: str, **config: str) -> Any:
        assert (repository, split, revision, config) == ("some/pairs", "train", "a" * 40, {"name": "augmented"})
        return datasets.Dataset.from_list([{"output": "one"}, {"output": "two"}])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    hub = {"dataset": "some/pairs", "revision": "a" * 40, "config": "augmented"}
    assert list(texts_of(KnownSet.model_validate({"name": "hub", **hub}))) == ["one", "two"]


@pytest.mark.parametrize("places", [{}, {"path": "a.jsonl", "dataset": "some/pairs"}])
def test_a_set_has_one_place(places: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one of path and dataset"):
        KnownSet.model_validate({"name": "old", **places})


@pytest.mark.parametrize("value", [None, 3, " ", [{"from": "gpt", "value": "Said."}]])
def test_a_set_without_text_is_refused_as_nothing_would_be_held_against_it(tmp_path: Path, value: Any) -> None:
    file = tmp_path / "known.jsonl"
    file.write_text(json.dumps({"output": value}))
    with pytest.raises(RecipeError, match="the column 'output' of the set 'old' holds no text"):
        list(texts_of(KnownSet(name="old", path=file)))


def test_half_a_character_in_a_set_is_no_error(tmp_path: Path) -> None:
    _, found = run(tmp_path, ["said ?", "other"], {"old": ["said \ud83d"]})
    assert found == {"said ?": "against:old", "other": "kept"}
