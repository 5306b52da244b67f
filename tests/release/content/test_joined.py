"""What a build says of its rows is joined by id, in whatever order the stages have them."""

import math
from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.data.records import score_schema
from builder.data.storage import read_rows, write_rows
from builder.results.release.content.joined import Joined, trained_origins


@pytest.fixture
def build(tmp_path: Path) -> FakeBuild:
    return FakeBuild(tmp_path / "build", models=[])


def test_scores_in_another_order_reach_their_candidates(build: FakeBuild) -> None:
    path = build.artifacts["score-1-likelihood"].data / "rows.parquet"
    rows = list(read_rows(path))
    scores = {row["id"]: row["score"] for row in rows}
    lost = rows[3]["id"]
    write_rows(path, [row for row in reversed(rows) if row["id"] != lost], score_schema("likelihood"))
    joined = Joined(build.build)
    first, second = joined.scores
    ids = joined.candidates.pairs.ids.to_pylist()
    assert ids == [row["id"] for row in build.candidates]
    assert first.by_place.to_pylist() == [None if key == lost else scores[key] for key in ids]
    assert (first.unscored, second.unscored) == (1, 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_counts_as_none(build: FakeBuild, value: float) -> None:
    path = build.artifacts["score-1-likelihood"].data / "rows.parquet"
    rows = list(read_rows(path))
    before = Joined(build.build).scores[0]
    at = next(place for place, row in enumerate(rows) if row["score"] is not None)
    write_rows(path, [*rows[:at], {**rows[at], "score": value}, *rows[at + 1 :]], score_schema("likelihood"))
    scores = Joined(build.build).scores[0]
    assert scores.unscored == before.unscored + 1
    assert len(scores.given) == len(before.given) - 1
    assert [was == now for was, now in zip(before.by_place, scores.by_place, strict=True)].count(False) == 1
    assert scores.by_place[[row["id"] for row in build.candidates].index(rows[at]["id"])].as_py() is None


def test_scores_of_the_final_selection_are_told_apart(build: FakeBuild) -> None:
    selected = {row["id"] for row in read_rows(build.artifacts["curate-2"].data)}
    given = list(read_rows(build.artifacts["score-1-likelihood"].data, ["id", "score"]))
    scores = Joined(build.build).scores[0]
    assert sorted(scores.selected) == sorted(row["score"] for row in given if row["id"] in selected)
    assert sorted(scores.given) == sorted(row["score"] for row in given if row["score"] is not None)


def test_only_rows_that_may_be_trained_on_have_an_origin(build: FakeBuild) -> None:
    joined = Joined(build.build)
    curated = list(read_rows(build.artifacts["curate-2"].data))
    assert {row["split"] for row in curated} == {"train", "test"}
    origins = trained_origins(joined.seed, joined.final).to_pylist()
    train = [row["id"] for row in curated if row["split"] == "train"]
    assert [row["id"] for row in origins] == [*sorted(row["id"] for row in build.seed), *train]
    assert [row["source"] for row in origins] == ["people"] * 5 + ["web"] * len(train)


def test_pages_withheld_are_those_of_the_test_split(build: FakeBuild) -> None:
    joined = Joined(build.build)
    split = {row["id"]: row["split"] for row in read_rows(build.artifacts["curate-2"].data)}
    withheld = dict(zip(joined.candidates.pairs.ids.to_pylist(), joined.withheld.to_pylist(), strict=True))
    assert {key: withheld[key] for key in split} == {key: name == "test" for key, name in split.items()}
