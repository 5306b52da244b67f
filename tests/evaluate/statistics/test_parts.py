"""Strata that a threshold cuts in two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.results.evaluate.statistics.parts import cells_of, shares_of_parts

SHARE = st.floats(0.01, 0.99)


@given(SHARE, SHARE, st.floats(0.02, 50))
def test_parts_have_the_odds_ratio_and_add_up_to_the_whole(share: float, inside: float, odds: float) -> None:
    first, second = shares_of_parts(share, inside, odds)
    assert inside * first + (1 - inside) * second == pytest.approx(share, abs=1e-6)
    assert first * (1 - second) == pytest.approx(odds * second * (1 - first), abs=1e-6)


def test_a_stratum_that_is_not_cut_has_no_expectation() -> None:
    strata = dict.fromkeys("abc", "one") | dict.fromkeys("de", "two")
    cells = cells_of(strata, {"d", "e"}, {"a": True, "d": False})
    assert [(cell.rows, cell.good, cell.labelled, cell.selected, cell.known) for cell in cells] == [
        (3, 1, 1, False, None),
        (2, 0, 1, True, None),
    ]


def test_a_part_without_labels_is_expected_as_its_stratum_is_and_as_such_parts_are_elsewhere() -> None:
    # In the first stratum taken rows are good 8 of 10 times and others 4 of 10; the second has no label of a taken row.
    strata = {f"{name}{at}": name for name in "xy" for at in range(20)}
    taken = {f"x{at}" for at in range(10)} | {f"y{at}" for at in range(10)}
    said = {f"x{at}": at % 10 < (8 if at < 10 else 4) for at in range(20)} | {f"y{at}": at < 15 for at in range(10, 20)}
    out, inside = cells_of(strata, taken, said)[2:]
    assert (out.labelled, inside.labelled) == (10, 0)
    assert out.known is not None
    assert inside.known is not None
    assert inside.known > 0.5 > out.known
    odds = [cell.known / (1 - cell.known) for cell in (inside, out) if cell.known is not None]
    assert odds[0] / odds[1] == pytest.approx((8 * 6 / 20 + 0.5) / (2 * 4 / 20 + 0.5))
