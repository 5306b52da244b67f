"""The stages that a key is said to re-run are those whose fingerprints it changes."""

import pytest
from support.recipe_changes import CHANGES, INPUTS, with_all_that_follows

from builder.cli.reference.stages import reached_by
from builder.recipe.keys import keys

VALUES = {key.place: key for key in keys() if not key.sections}


ONCE = frozenset(f"score-{judge}" for judge in ("expected", "verdict", "reasoned"))
"""Scores that no iteration changes, where another model judges."""


@pytest.mark.parametrize("section", dict.fromkeys(place.partition(".")[0] for place in VALUES))
def test_the_keys_of_a_section_re_run_what_their_change_re_runs(section: str) -> None:
    said = {place: frozenset(reached_by(key).again) for place, key in VALUES.items() if place.split(".")[0] == section}
    changed = {place: with_all_that_follows(CHANGES[place].first) for place in said}
    assert {place: with_all_that_follows(again) for place, again in said.items()} == changed
    assert frozenset().union(*said.values()) <= INPUTS.keys() | ONCE


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
