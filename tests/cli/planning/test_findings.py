from typing import Any

import pytest

from builder.cli.planning.findings import about, distinct, rows_rate, within_limits
from builder.cli.planning.ranges import exactly
from builder.recipe.sections.runtime import Runtime


@pytest.mark.parametrize(("kept", "says"), [(0.5, (0.5, 0.4, 0.6)), (None, (1.0, 0.8, 1.2))])
def test_what_goes_on_may_be_a_share_less_or_more_than_in_the_sample(kept: float | None, says: object) -> None:
    assert about(kept, 0.2) == pytest.approx(says)


@pytest.mark.parametrize(
    ("rows", "says"),
    [(None, (0.9, 0.9, 0.9)), (30, (0.9, 0.9, 0.9)), (60, (0.85, 0.8, 0.9)), (9_000, (0.55, 0.2, 0.9))],
)
def test_a_larger_corpus_may_have_a_larger_share_of_duplicates_but_for_a_part(rows: int | None, says: object) -> None:
    found = {"kept": 0.9, "tried": 30}
    assert distinct(found, None if rows is None else exactly(rows)) == pytest.approx(says)


def test_pairs_that_were_not_selected_pass_the_limits() -> None:
    assert within_limits({"kept": 0.5, "tried": 30, "dropped": {"not_selected": 12, "domain_cap": 3}}) == 0.9
    assert within_limits({"kept": None, "tried": 30, "dropped": {}}) == 1.0


@pytest.mark.parametrize(("gpus", "each", "devices"), [("", 0.4, 0), ("0,1,2,3", 0.2, 4)])
def test_engines_share_the_cores_of_a_machine_without_gpus(
    monkeypatch: pytest.MonkeyPatch, gpus: str, each: float, devices: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    found: dict[str, Any] = {"start": 1.0, "each": 0.4, "low": 0.8, "high": 1.5, "tokens": 9.0, "bytes_each": 7.0}
    rate = rows_rate(found, Runtime(engines=2, tensor_parallel=2), (1.0, 1.0, 1.0), "so")
    assert (rate.each, rate.devices, rate.unit, rate.notes) == (each, devices, "rows", ("so",))
