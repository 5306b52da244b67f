"""The stages that a key is said to re-run are those whose fingerprints it changes."""

import pytest
from support.recipe_changes import CHANGES, INPUTS, with_all_that_follows

from builder.cli.reference.stages import reached_by
from builder.recipe.keys import keys

VALUES = {key.place: key for key in keys() if not key.sections}


@pytest.mark.parametrize("place", VALUES)
def test_a_key_re_runs_what_its_change_re_runs(place: str) -> None:
    said = frozenset(reached_by(VALUES[place]).again)
    assert with_all_that_follows(said) == with_all_that_follows(CHANGES[place].first)
    assert said <= INPUTS.keys() | {f"score-{judge}" for judge in ("expected", "verdict", "reasoned")}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("segments.min_chars", "`segments`"),
        ("engine.dtype", "`augment`, `score-<t>-<judge>`"),
        ("training.initial", "`model-0`"),
        ("training.init", "`model-<t>` from t = 1"),
        ("score.expected.min_mass", "`score-<t>-expected`"),
        ("score.reverse.strict", "`score-reverse`"),
        ("training.seeds", "other stages: `model-<t>-seed-<n>`"),
        ("iterations", "other stages: `score-<t>-<judge>`, `curate-<t>`, `model-<t>`"),
        ("segments.sources.redistributable", "nothing"),
        ("runtime.workers", "nothing"),
    ],
)
def test_stages_of_all_iterations_and_judges_have_one_name(place: str, says: str) -> None:
    assert reached_by(VALUES[place]).text() == says
