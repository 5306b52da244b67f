"""What labels say of a simulated build: right on average, and within their intervals as often as these say."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from builder.errors import RecipeError
from builder.method.curate.iterations import Iteration
from builder.results.evaluate.labels.measure import measure, of_pairs, thresholds_of
from builder.results.evaluate.labels.population import Population, strata_of
from builder.results.evaluate.labels.sheet import draw_sheet, extend_sheet
from builder.results.evaluate.labels.store import Label
from builder.results.evaluate.statistics.parts import cells_of
from builder.results.evaluate.statistics.strata import shares

ROWS = 3_000


def simulated(seed: int) -> tuple[Population, dict[str, bool]]:
    """Scores of two judges that each know something of which pairs are good."""
    generator = np.random.Generator(np.random.PCG64(seed))
    good = generator.random(ROWS) < 0.25
    ids = [f"{at:05}" for at in range(ROWS)]
    first, second = (
        dict(zip(ids, map(float, good * strength + generator.normal(0, 1, ROWS)), strict=True))
        for strength in (1.2, 0.6)
    )
    chosen = set(sorted(ids, key=lambda key: -first[key])[:400])
    iteration = Iteration(1, {"likelihood": first, "reverse": second}, "likelihood", chosen, chosen)
    return Population(ids, [iteration], strata_of(ids, first, chosen), "f"), dict(
        zip(ids, map(bool, good), strict=True)
    )


def labels_of(population: Population, truth: dict[str, bool], seed: int) -> list[Label]:
    sheet = draw_sheet(population, budget=250, seed=seed)
    sheet = extend_sheet(sheet, population, {key: truth[key] for key, _ in sheet.items})
    return [Label(key, truth[key], "a", name) for key, name in sheet.items]


def true_figures(taken: set[str], truth: dict[str, bool]) -> dict[str, float]:
    good = {key for key, value in truth.items() if value}
    return {
        "precision": len(taken & good) / len(taken),
        "recall": len(taken & good) / len(good),
        "share_good": len(good) / len(truth),
    }


@pytest.fixture(scope="module")
def trials() -> list[tuple[dict[str, float], dict[str, dict[str, list[float]]], str]]:
    """Figures of the selection, and of the other judge's upper fifth, which cuts through all strata."""

    def run() -> Iterator[tuple[dict[str, float], dict[str, dict[str, list[float]]], str]]:
        for seed in range(300):
            population, truth = simulated(seed)
            said = {label.id: label.good for label in labels_of(population, truth, seed)}
            second = population.iterations[0].scores["reverse"]
            limit = float(np.quantile([value for value in second.values() if value is not None], 0.8))
            upper = {key for key, value in second.items() if value is not None and value >= limit}
            for kind, taken in (("selection", population.iterations[0].selected), ("other", upper)):
                cells = cells_of(population.strata, taken, said)
                yield true_figures(taken, truth), shares(cells, seed=seed, draws=1_000), kind

    return list(run())


@pytest.mark.parametrize("kind", ["selection", "other"])
@pytest.mark.parametrize("name", ["precision", "recall", "share_good"])
def test_labels_are_right_on_average_and_as_often_as_their_interval_says(name: str, kind: str, trials) -> None:
    own = [(truth, found) for truth, found, of in trials if of == kind]
    errors = [found[name]["value"] - truth[name] for truth, found in own]
    hits = [found[name]["interval"][0] <= truth[name] <= found[name]["interval"][1] for truth, found in own]
    assert abs(float(np.mean(errors))) < 0.01
    assert 0.93 <= float(np.mean(hits)) <= 0.97


def test_the_report_has_every_judge_threshold_and_iteration() -> None:
    population, truth = simulated(1)
    report = measure(population, labels_of(population, truth, 1))
    assert report["labelled"] == 250
    assert report["agreement"] is None
    assert report["selections"].keys() == {"1"}
    assert report["judges"]["1"].keys() == {"likelihood", "reverse"}
    table = report["judges"]["1"]["likelihood"]["thresholds"]
    assert [entry["taken"] for entry in table] == sorted((entry["taken"] for entry in table), reverse=True)
    best = report["judges"]["1"]["likelihood"]["suggested"]
    assert best["interval"][0] <= best["value"] <= best["interval"][1]


def test_a_label_of_a_segment_is_one_of_its_pairs_that_have_none_of_their_own() -> None:
    ids = [f"{segment}-{sample}" for segment in "st" for sample in range(3)]
    found = of_pairs([Label("s", True, "", None), Label("s-1", False, "", None), Label("x", True, "", None)], ids)
    assert {label.id: label.good for label in found} == {"s-0": True, "s-1": False, "s-2": True}


def test_labels_without_strata_count_as_one_sample() -> None:
    population, truth = simulated(2)
    labels = labels_of(population, truth, 2)
    weighted = measure(population, labels)["selections"]["1"]["share_good"]["value"]
    plain = measure(population, [replace(label, stratum=None) for label in labels])["selections"]["1"]["share_good"][
        "value"
    ]
    assert plain == pytest.approx((sum(label.good for label in labels) + 1) / 252, abs=0.05)
    assert plain - weighted > 0.02


def test_labels_weigh_by_the_strata_that_they_were_drawn_from_whatever_is_selected_now(tmp_path: Path) -> None:
    population, truth = simulated(4)
    labels = labels_of(population, truth, 4)
    before = measure(population, labels)["judges"]["1"]["reverse"]
    second = population.iterations[0].scores["reverse"]
    chosen = set(sorted(population.ids, key=lambda key: -(second[key] or 0))[:900])
    item = replace(population.iterations[0], selected=chosen)
    other = replace(population, iterations=[item], strata=strata_of(population.ids, second, chosen))
    with pytest.raises(RecipeError, match=r"strata.parquet is not beside them"):
        measure(other, labels)
    population.keep_strata(tmp_path)
    later = measure(other.as_drawn(tmp_path), labels)
    assert later["judges"]["1"]["reverse"] == before
    true = true_figures(chosen, truth)
    assert later["selections"]["1"]["precision"]["value"] == pytest.approx(true["precision"], abs=0.1)


def test_raters_are_compared_and_pairs_that_are_not_in_the_build_counted() -> None:
    population, truth = simulated(3)
    labels = labels_of(population, truth, 3)[:60]
    second = [
        replace(label, rater="b", good=not label.good if at < 6 else label.good) for at, label in enumerate(labels)
    ]
    report = measure(population, [*labels, *second, Label("elsewhere", True, "a", None)])
    assert report["agreement"]["formula"] == "Cohen's kappa"
    assert report["agreement"]["equal"] == pytest.approx(0.9)
    assert (report["divided"], report["unknown"]) == (6, 1)


def test_thresholds_of_a_rating_are_halves_and_each_takes_other_pairs() -> None:
    assert thresholds_of("expected", {"a": 1.2, "b": 3.4, "c": 4.7}) == [1.5, 3.5]
    assert thresholds_of("verdict", {"a": 1.0, "b": 5.0}) == [1.5]
    assert thresholds_of("likelihood", {}) == []
