import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.release_build import FakeBuild

from builder.build import Build
from builder.results.evaluate.tables.diversity import describe_statistics, distinct, statistics_of, verb_nouns
from builder.results.evaluate.tables.parts import Parts


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return FakeBuild(tmp_path_factory.mktemp("build")).build


def test_the_sets_are_those_of_the_papers_table(build: Build) -> None:
    parts = Parts(build)
    assert parts.names == ["seed", "augmented", "A_1", "A_2", "dropped"]
    sizes = parts.sizes()
    assert sizes["A_2"] + sizes["dropped"] == sizes["augmented"] == 40
    kept = {row["id"] for row in parts.rows("A_2")}
    assert not kept & {row["id"] for row in parts.rows("dropped")}


def test_lengths_are_mean_and_standard_deviation_of_characters(build: Build) -> None:
    found = statistics_of(build, pairs=False)["sets"]["augmented"]
    lengths = [len(row["output"]) for row in Parts(build).rows("augmented")]
    assert found["output"]["mean"] == pytest.approx(statistics.mean(lengths))
    assert found["output"]["sd"] == pytest.approx(statistics.stdev(lengths))


def test_what_is_different_is_counted_over_as_many_rows_of_each_set(build: Build) -> None:
    found = statistics_of(build, pairs=False)
    assert found["sample"] == 5
    assert {of["openings"]["rows"] for of in found["sets"].values()} == {5}
    assert found["kept"]["value"] == pytest.approx(found["sets"]["A_2"]["rows"] / 40)
    assert "augmented" in describe_statistics(found)


@given(st.lists(st.text("ab c", max_size=12), max_size=8), st.integers(1, 3))
def test_the_share_of_different_runs_is_one_where_none_repeats(texts: list[str], length: int) -> None:
    runs = [
        tuple(words[at : at + length])
        for text in texts
        for words in [text.split()]
        for at in range(len(words) - length + 1)
    ]
    found = distinct(texts, length)
    assert found["n"] == len(runs)
    assert found["value"] == (len(set(runs)) / len(runs) if runs else None)


def token(text: str, dep: str, pos: str, children: list[Any] | None = None) -> Any:
    return SimpleNamespace(lemma_=text, dep_=dep, pos_=pos, children=children or [])


class Parser:
    """Takes the first word for a verb, and the last for its object if there are two."""

    def pipe(self, texts: Any) -> Any:
        for text in texts:
            verb, *rest = text.split()
            yield [token(verb, "ROOT", "VERB", [token(rest[-1], "dobj", "NOUN")] if rest else [])]


def test_verbs_with_their_objects_are_counted_with_the_share_that_has_any() -> None:
    found = verb_nouns(["write story", "Write a Story", "sing", "make cake"], Parser())
    assert found["value"] == 0.75
    assert found["different"] == 2
    assert found["most"][0] == {"verb": "write", "noun": "story", "rows": 2}


def test_without_a_parser_the_figure_says_why() -> None:
    found = verb_nouns(["write story"], None)
    assert found["value"] is None
    assert "diversity" in found["reason"]


def test_a_build_that_has_only_its_seed_is_told_of(tmp_path: Path) -> None:
    whole = FakeBuild(tmp_path).build
    for name in ("augment", "curate-1", "curate-2"):
        (whole.artifacts[name].path / "stage.json").unlink()
    assert statistics_of(whole, pairs=False)["sets"].keys() == {"seed"}
