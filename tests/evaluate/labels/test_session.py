"""Labelling a pair at a time: what each key does, and that nothing shown tells of scores."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from builder.results.evaluate.labels.population import Population, strata_of
from builder.results.evaluate.labels.session import Session
from builder.results.evaluate.labels.sheet import open_sheet
from builder.results.evaluate.labels.store import Store, read_label_file

SCORES = {f"{at:03}": float(at) for at in range(60)}


class Terminal:
    """Presses the given keys, and keeps what is shown and said."""

    def __init__(self, keys: str) -> None:
        self.keys, self.shown, self.said = iter(keys), list[str](), list[str]()

    def key(self) -> str:
        return next(self.keys)

    def show(self, row: Mapping[str, str], done: int, total: int) -> None:
        assert set(row) == {"id", "instruction", "output", "header", "url"}
        self.shown.append(row["id"])


def session(folder: Path, budget: int = 30) -> Session:
    population = Population(list(SCORES), [], strata_of(list(SCORES), SCORES, set()), "f")
    sheet = open_sheet(folder, population, budget=budget, seed=0)

    def read(ids: set[str]) -> dict[str, dict[str, str]]:
        return {key: {"id": key, "instruction": "i", "output": "o", "header": "h", "url": f"u{key}"} for key in ids}

    return Session(folder, population, sheet, Store(folder, sheet, "a"), read)


def run(folder: Path, keys: str, budget: int = 30) -> tuple[Terminal, bool, dict[str, bool]]:
    terminal, at_work = Terminal(keys), session(folder, budget)
    done = at_work.run(terminal.show, terminal.key, terminal.said.append)
    return terminal, done, at_work.store.answers


def test_g_and_b_answer_and_q_stops(tmp_path: Path) -> None:
    terminal, done, answers = run(tmp_path, "gbGq")
    assert not done
    assert [answers[key] for key in terminal.shown[:3]] == [True, False, True]
    again, _, _ = run(tmp_path, "q")
    assert again.shown[0] == terminal.shown[3]


def test_z_goes_back_and_the_later_answer_stands(tmp_path: Path) -> None:
    terminal, _, answers = run(tmp_path, "gzbq")
    assert terminal.shown[0] == terminal.shown[2]
    assert answers == {terminal.shown[0]: False}
    assert len(read_label_file(tmp_path / "labels.jsonl")) == 1


def test_u_shows_the_address_and_other_keys_nothing(tmp_path: Path) -> None:
    terminal, _, answers = run(tmp_path, "x?ugq")
    assert terminal.said == [f"u{terminal.shown[0]}"]
    assert list(answers) == [terminal.shown[0]]


def test_what_was_skipped_is_asked_again_at_the_end(tmp_path: Path) -> None:
    terminal, done, answers = run(tmp_path, "s" + "g" * 9 + "b", budget=10)
    assert done
    assert terminal.shown.count(terminal.shown[0]) == 2
    assert len(answers) == 10


def test_after_the_pilot_the_sheet_goes_on(tmp_path: Path) -> None:
    def keys() -> Iterator[str]:
        while True:
            yield "g"
            yield "b"

    terminal, at_work = Terminal(""), session(tmp_path)
    terminal.keys = keys()
    assert at_work.run(terminal.show, terminal.key, terminal.said.append)
    assert len(at_work.store.answers) == 30
    assert len(terminal.shown) == len(set(terminal.shown)) == 30


@pytest.mark.parametrize("skips", [10])
def test_a_rater_who_skips_everything_is_not_asked_for_ever(tmp_path: Path, skips: int) -> None:
    _, done, answers = run(tmp_path, "s" * skips, budget=skips)
    assert not done
    assert answers == {}
