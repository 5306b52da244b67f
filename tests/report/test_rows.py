from pathlib import Path

import numpy as np
import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.storage import read_rows
from builder.results.report import rows
from builder.results.report.rows import Pairs, of_build, pairs_of


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return FakeBuild(tmp_path_factory.mktemp("build")).build


@pytest.fixture(scope="module")
def pairs(build: Build) -> Pairs:
    return pairs_of(of_build(build))


def test_every_pair_has_its_numbers(build: Build, pairs: Pairs) -> None:
    assert pairs.total == len(pairs.ids) == 40
    assert {len(column) for column in pairs.columns.values()} == {40}
    by_id = {row["id"]: row for row in read_rows(build.candidates.data)}
    assert [int(value) for value in pairs.columns["output"]] == [len(by_id[key]["output"]) for key in pairs.ids]
    scores = {row["id"]: row["score"] for row in read_rows(build.scores[2, "likelihood"].data)}
    for key, value in zip(pairs.ids, pairs.columns["score-2-likelihood"], strict=True):
        assert (scores[key] is None) == bool(np.isnan(value))


def test_selected_pairs_are_those_of_each_iteration(build: Build, pairs: Pairs) -> None:
    for t, curated in enumerate(build.curated, 1):
        selected = {row["id"] for row in read_rows(curated.data)}
        assert {key for key, value in zip(pairs.ids, pairs.columns[f"selected-{t}"], strict=True) if value} == selected


def test_a_page_of_many_rows_holds_a_sample_of_them(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 12)
    found = pairs_of(of_build(build))
    assert (found.total, len(found.ids)) == (40, 12)
    assert found.ids == pairs_of(of_build(build)).ids


def test_texts_to_read_are_of_every_kind(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_TEXTS", 8)
    found = pairs_of(of_build(build))
    assert len(found.texts) == 8
    kinds = {bool(found.columns["selected-2"][row["at"]]) for row in found.texts}
    assert kinds == {True, False}
    for row in found.texts:
        assert found.ids[row["at"]] == row["id"]


def test_a_long_text_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_CHARACTERS", rows.MOST_CHARACTERS | {"output": 10})
    found = pairs_of(of_build(FakeBuild(tmp_path).build))
    assert any("more characters)" in row["output"] for row in found.texts)
