"""Precision, recall and share of good rows from a stratified sample, by simulation; and how labels are shared out."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.results.evaluate.statistics.strata import PILOT, Cell, allocate, shares

ROWS = (1_200, 1_200, 2_400, 3_600, 2_400, 1_200)
GOOD = (0.85, 0.6, 0.4, 0.2, 0.1, 0.25)
SELECTED = (True, True, False, False, False, False)


def sampled(generator: np.random.Generator, budget: int = 250) -> list[Cell]:
    """A pilot of each stratum, then the others where labels differ."""
    truth = [generator.permutation(np.arange(rows) < round(rows * good)) for rows, good in zip(ROWS, GOOD, strict=True)]
    names = [str(at) for at in range(len(ROWS))]
    first = dict.fromkeys(names, PILOT)
    good = {name: int(truth[at][:PILOT].sum()) for at, name in enumerate(names)}
    sizes = allocate(dict(zip(names, ROWS, strict=True)), good, first, budget)
    return [
        Cell(rows, int(truth[at][: sizes[names[at]]].sum()), sizes[names[at]], SELECTED[at])
        for at, rows in enumerate(ROWS)
    ]


def true_figures() -> dict[str, float]:
    good = [round(rows * share) for rows, share in zip(ROWS, GOOD, strict=True)]
    chosen = sum(value for value, selected in zip(good, SELECTED, strict=True) if selected)
    return {
        "precision": chosen / sum(rows for rows, selected in zip(ROWS, SELECTED, strict=True) if selected),
        "recall": chosen / sum(good),
        "share_good": sum(good) / sum(ROWS),
    }


@pytest.fixture(scope="module")
def simulated() -> list[dict[str, dict[str, object]]]:
    def trials() -> Iterator[dict[str, dict[str, object]]]:
        for number in range(1_200):
            generator = np.random.Generator(np.random.PCG64([7, number]))
            yield shares(sampled(generator), seed=number, draws=600)

    return list(trials())


@pytest.mark.parametrize("name", ["precision", "recall", "share_good"])
def test_a_stratified_sample_gives_the_figure_of_the_population(
    name: str, simulated: list[dict[str, dict[str, float]]]
) -> None:
    errors = [found[name]["value"] - true_figures()[name] for found in simulated]
    assert abs(float(np.mean(errors))) < 0.01


@pytest.mark.parametrize("name", ["precision", "recall", "share_good"])
def test_its_interval_covers_as_often_as_it_says(name: str, simulated: list[dict[str, dict[str, list[float]]]]) -> None:
    truth = true_figures()[name]
    hits = [found[name]["interval"][0] <= truth <= found[name]["interval"][1] for found in simulated]
    assert 0.93 <= float(np.mean(hits)) <= 0.97


def test_weights_are_what_tells_a_sample_from_the_population() -> None:
    # Every stratum has as many labels: counted as they are, the recall of the selection would be .8.
    cells = [Cell(100, 40, 50, selected=True), Cell(10_000, 10, 50, selected=False)]
    found = shares(cells)
    assert found["recall"]["value"] == pytest.approx(0.038, abs=0.005)
    assert found["precision"]["value"] == pytest.approx(0.8, abs=0.02)


def test_nothing_selected_has_no_precision_and_nothing_labelled_no_figure() -> None:
    found = shares([Cell(10, 2, 5, selected=False)])
    assert found["precision"]["value"] is None
    assert found["precision"]["reason"] == "nothing is selected"
    assert found["recall"]["value"] == pytest.approx(0.0)
    assert shares([Cell(10, 0, 0, selected=True)])["precision"]["reason"] == "none of these rows was labelled"


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60), min_size=1),
    st.integers(1, 200),
    st.data(),
)
def test_labels_are_shared_out_within_what_there_is(rows: dict[str, int], budget: int, data: st.DataObject) -> None:
    labelled = {name: data.draw(st.integers(0, min(size, 10))) for name, size in rows.items()}
    good = {name: data.draw(st.integers(0, labelled[name])) for name in rows}
    given_ = allocate(rows, good, labelled, budget)
    assert given_.keys() == rows.keys()
    assert all(labelled[name] <= given_[name] <= rows[name] for name in rows)
    assert sum(given_.values()) == max(sum(labelled.values()), min(budget, sum(rows.values())))


def test_more_labels_go_where_they_differ_and_where_there_are_more_rows() -> None:
    rows = {"alike": 1_000, "mixed": 1_000, "many": 5_000}
    given_ = allocate(rows, {"alike": 10, "mixed": 5, "many": 5}, dict.fromkeys(rows, 10), 300)
    assert given_["alike"] < given_["mixed"] < given_["many"]
