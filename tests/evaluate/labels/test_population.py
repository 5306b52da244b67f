from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from builder.results.evaluate.labels.population import UNSCORED, strata_of


@given(
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=4), st.none() | st.floats(-3, 3), max_size=200), st.data()
)
def test_every_pair_has_a_stratum_and_none_is_partly_selected(
    scores: dict[str, float | None], data: st.DataObject
) -> None:
    scored = [key for key, value in scores.items() if value is not None]
    selected = set(data.draw(st.lists(st.sampled_from(scored), unique=True))) if scored else set()
    strata = strata_of(list(scores), scores, selected)
    assert strata.keys() == scores.keys()
    for key, name in strata.items():
        assert name.startswith("selected-") == (key in selected)
        assert (name == UNSCORED) == (scores[key] is None)


def test_the_highest_scores_are_in_the_highest_part() -> None:
    scores = {f"{at:03}": float(at) for at in range(200)}
    strata = strata_of(list(scores), scores, {f"{at:03}" for at in range(160, 200)})
    assert Counter(strata.values()) == {
        "selected-2": 20, "selected-1": 20, "left-4": 40, "left-3": 40, "left-2": 40, "left-1": 40
    }  # fmt: skip
    assert strata["199"] == "selected-2"
    assert strata["000"] == "left-1"


def test_a_small_group_is_one_stratum() -> None:
    scores = {str(at): float(at) for at in range(12)}
    assert set(strata_of(list(scores), scores, {"11"}).values()) == {"selected-1", "left-1"}
