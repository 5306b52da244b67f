import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.cli.planning.rates import Rate, Rates, machine, of_selected, read_rates, write_rates

RATE = Rate(2.0, 0.5, "steps", tokens=7.0, devices=1, kept=(0.5, 0.4, 0.6), step_rows=16, notes=("so",), settings="x")


def test_what_was_measured_is_read_again_on_the_same_machine(tmp_path: Path) -> None:
    write_rates(tmp_path, Rates({"augment": RATE}))
    assert read_rates(tmp_path).known == {"augment": RATE}


def test_rates_of_other_stages_stay_and_one_that_could_not_be_measured_again_goes(tmp_path: Path) -> None:
    write_rates(tmp_path, Rates({"augment": RATE, "dedup": RATE}))
    write_rates(tmp_path, Rates({"seed": RATE}, {"dedup": "why"}))
    assert set(read_rates(tmp_path).known) == {"augment", "seed"}


@pytest.mark.parametrize("change", [{"gpus": ["H100"]}, {"host": "elsewhere"}, {"versions": {"torch": "0"}}])
def test_rates_of_another_machine_are_not_used(tmp_path: Path, change: dict[str, object]) -> None:
    write_rates(tmp_path, Rates({"augment": RATE}))
    value = json.loads((tmp_path / "rates.json").read_text())
    assert value["machine"] == machine()
    (tmp_path / "rates.json").write_text(json.dumps(value | {"machine": value["machine"] | change}))
    assert read_rates(tmp_path) == Rates()


@pytest.mark.parametrize("text", ["", "[]", '{"machine": 1}', "{"])
def test_a_file_that_holds_something_else_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "rates.json").write_text(text)
    assert read_rates(tmp_path) == Rates()


def test_a_step_on_selected_pairs_lies_between_one_on_the_seed_and_one_on_all_pairs() -> None:
    pairs, seed = replace(RATE, each=0.4, tokens=900.0), replace(RATE, each=0.1, tokens=400.0)
    found = of_selected(pairs, seed)
    assert found.each == pytest.approx(0.2)
    assert found.tokens == pytest.approx(600)
    assert found.each * found.low == pytest.approx(0.1 * 0.8)
    assert found.each * found.high == pytest.approx(0.4 * 1.3)
    assert found.notes[0] == "so"
    assert len(found.notes) == 2


@pytest.mark.parametrize("seed", [None, replace(RATE, each=0.6), replace(RATE, each=0.1, step_rows=8)])
def test_a_step_on_the_seed_that_says_nothing_of_pairs_changes_nothing(seed: Rate | None) -> None:
    assert of_selected(RATE, seed) == RATE
