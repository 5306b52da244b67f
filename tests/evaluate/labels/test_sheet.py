"""The sheet: the same for every rater, blind, and larger once its pilot is labelled."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.results.evaluate.labels.population import FILE as STRATA
from builder.results.evaluate.labels.population import Population, strata_of
from builder.results.evaluate.labels.sheet import FILE, draw_sheet, extend_sheet, left_for, open_sheet

SCORES = {f"{at:04}": at / 1_000 for at in range(1_000)}


def population(selection: str = "f", threshold: float = 0.9) -> Population:
    strata = strata_of(list(SCORES), SCORES, {key for key, value in SCORES.items() if value >= threshold})
    return Population(list(SCORES), [], strata, selection)


def test_the_pilot_has_ten_of_each_stratum_in_a_mixed_order() -> None:
    sheet = draw_sheet(population(), budget=250, seed=1)
    assert set(Counter(name for _, name in sheet.items).values()) == {10}
    assert len({name for _, name in sheet.items[:12]}) > 2
    assert sheet == draw_sheet(population(), budget=250, seed=1)
    assert sheet.items != draw_sheet(population(), budget=250, seed=2).items


def test_what_follows_the_pilot_goes_where_labels_differ() -> None:
    sheet = draw_sheet(population(), budget=200, seed=1)
    labels = {
        key: name.startswith("selected") or (name == "left-4" and key[-1] in "13579") for key, name in sheet.items
    }
    longer = extend_sheet(sheet, population(), labels)
    counts = Counter(name for _, name in longer.items)
    assert longer.items[: len(sheet.items)] == sheet.items
    assert len(longer.items) == len({key for key, _ in longer.items}) == 200
    assert counts["left-4"] == max(counts.values())
    assert longer.complete
    assert not sheet.complete


def test_a_budget_below_the_pilot_is_shared_out() -> None:
    sheet = draw_sheet(population(), budget=12, seed=1)
    assert set(Counter(name for _, name in sheet.items).values()) == {2}
    assert sheet.complete


def test_a_sheet_is_found_again_and_stays_good_where_other_pairs_are_selected(tmp_path: Path) -> None:
    first = open_sheet(tmp_path, population(), budget=50, seed=1)
    assert open_sheet(tmp_path, population(), budget=99, seed=9) == first
    later = population("g", 0.4)
    assert later.strata != population().strata
    assert open_sheet(tmp_path, later.as_drawn(tmp_path), budget=50, seed=1) == first
    labels = {key: name.startswith("selected") for key, name in first.items}
    longer = extend_sheet(first, later.as_drawn(tmp_path), labels)
    assert all(population().strata[key] == name for key, name in longer.items)


def test_a_sheet_of_other_pairs_or_without_its_strata_is_refused(tmp_path: Path) -> None:
    first = open_sheet(tmp_path, population(), budget=50, seed=1)
    others = replace(population("g"), ids=[f"other {key}" for key in SCORES])
    with pytest.raises(RecipeError, match="was drawn from other pairs"):
        open_sheet(tmp_path, others.as_drawn(tmp_path), budget=50, seed=1)
    (tmp_path / STRATA).unlink()
    assert open_sheet(tmp_path, population(), budget=50, seed=1) == first
    with pytest.raises(RecipeError, match=r"strata.parquet is gone"):
        open_sheet(tmp_path, population("g", 0.4).as_drawn(tmp_path), budget=50, seed=1)


@pytest.mark.parametrize("text", ["", "[]", '{"items": [1]}', '{"items": []}'])
def test_what_is_no_sheet_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RecipeError, match="is not a sheet"):
        open_sheet(tmp_path, population(), budget=50, seed=1)


def test_a_sheet_says_nothing_of_scores(tmp_path: Path) -> None:
    open_sheet(tmp_path, population(), budget=50, seed=1)
    assert "score" not in json.dumps(json.loads((tmp_path / FILE).read_text()))


def test_what_a_rater_has_answered_is_not_asked_again() -> None:
    sheet = draw_sheet(population(), budget=50, seed=1)
    ids = [key for key, _ in sheet.items]
    assert left_for(sheet, ids[:7]) == ids[7:]
