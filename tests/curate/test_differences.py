import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.finished_iterations import iteration

from builder.method.curate.differences import CLASSES, iteration_difference, migration

values = st.none() | st.floats(1, 5) | st.sampled_from([1.0, 4.0, 5.0])
keys = st.text("abcdef", min_size=1, max_size=3)


@st.composite
def two_scores(draw):
    names = draw(st.lists(keys, unique=True, max_size=25))
    one, other = (dict(zip(names, draw(st.tuples(*(values for _ in names))), strict=True)) for _ in range(2))
    return one, other


@given(two_scores(), st.booleans())
def test_a_migration_matrix_counts_every_pair_once(scores, rating):
    one, other = scores
    found = migration(one, other, rating=rating)
    assert sum(map(sum, found["matrix"])) == len(one)
    assert sum(found["matrix"][-1]) == sum(value is None for value in one.values())
    assert sum(row[-1] for row in found["matrix"]) == sum(value is None for value in other.values())
    back = migration(other, one, rating=rating)
    assert back["matrix"] == [list(row) for row in zip(*found["matrix"], strict=True)]
    assert found["pairs"] == sum(one[key] is not None is not other[key] for key in one)


@given(two_scores(), st.booleans())
def test_nothing_moves_between_equal_scores(scores, rating):
    one, _ = scores
    found = migration(one, dict(one), rating=rating)
    assert all(not cell for at, row in enumerate(found["matrix"]) for to, cell in enumerate(row) if at != to)
    assert found["rank_correlation"] in (None, pytest.approx(1))


def test_ratings_move_between_the_levels_that_thresholds_reach():
    found = migration({"a": 1.5, "b": 4.5, "c": 5.0}, {"a": 5.0, "b": 4.0, "c": None}, rating=True)
    cells = {
        (before, after): found["matrix"][row][column]
        for row, before in enumerate(CLASSES)
        for column, after in enumerate(CLASSES)
        if found["matrix"][row][column]
    }
    assert cells == {(1, 5): 1, (4, 4): 1, (5, None): 1}


@given(two_scores(), st.sets(keys), st.sets(keys), st.integers(0, 5))
def test_promoted_and_demoted_pairs_are_what_the_selections_do_not_share(scores, one, other, examples):
    names = scores[0].keys()
    first, second = one & names, other & names
    if not first or not second:
        return
    found = iteration_difference(iteration(1, scores[0], first), iteration(2, scores[1], second), examples)
    assert found["promoted"]["rows"] == len(second - first)
    assert found["demoted"]["rows"] == len(first - second)
    assert found["overlap"] == pytest.approx(1 - found["demoted"]["rows"] / len(first))
    assert found["jaccard"] == len(first & second) / len(first | second)
    for kind, sign in (("promoted", -1), ("demoted", 1)):
        shown = found[kind]["examples"]
        assert len(shown) == min(examples, found[kind]["rows"])
        rises = [row["rise"] for row in shown if row["rise"] is not None]
        assert rises == sorted(rises, key=lambda rise: sign * rise)
        assert all(row["rise"] is None for row in shown[len(rises) :]), "pairs without a rank come last"
    assert sum(group["rows"] for group in found["groups"].values()) == len(names)


def test_a_model_that_prefers_what_it_was_trained_on_shows_in_the_groups():
    before = {key: float(-at) for at, key in enumerate("abcdefgh")}
    after = before | {"c": 2.0, "d": 1.0}  # c and d, last of the selected, come first now
    found = iteration_difference(iteration(1, before, "abcd", "cd"), iteration(2, after, "cdab"), 0)
    groups = found["groups"]
    assert {name: group["rows"] for name, group in groups.items()} == {"trained": 2, "withheld": 2, "not_selected": 4}
    assert groups["trained"]["rise"] == 2 / 8
    assert groups["withheld"]["rise"] == -2 / 8
    assert groups["not_selected"]["rise"] == 0
    assert groups["not_selected"]["selected_after"] == 0
    assert groups["not_selected"]["rank_correlation"] == pytest.approx(1)
