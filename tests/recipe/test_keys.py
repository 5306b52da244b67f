"""What is said of the keys of a recipe."""

import pytest
from support.recipe_changes import fields

from builder.recipe.keys import keys
from builder.recipe.schema import recipe_schema
from builder.recipe.sections.corpus import Heuristics, Segments
from builder.recipe.sentences import sentence_of

EVERY = {key.place: key for key in keys()}


def test_every_key_of_the_models_is_told_once() -> None:
    values = [key.place for key in keys() if not key.sections]
    assert sorted(values) == sorted(fields())
    assert len(EVERY) == len(list(keys()))


def test_every_key_has_a_sentence_that_stands_by_itself() -> None:
    bare = [place for place, key in EVERY.items() if not key.sentence.endswith((".", '."'))]
    leaning = [place for place, key in EVERY.items() if "next two" in key.sentence or "next three" in key.sentence]
    assert (bare, leaning) == ([], [])


@pytest.mark.parametrize(
    ("place", "takes", "default"),
    [
        ("segments.min_chars", "whole number (from 1)", "600"),
        ("segments.sources.path", "path or URL", "required"),
        ("segments.boundary", "`tree` or `any`", "tree"),
        ("segments.languages", "list of texts (not empty)", "[en]"),
        ("augment.gate.answer_share", "number (above 0 to 1), or `null`", "0.3"),
        ("augment.gate.refusal", "`true` or `false`", "true"),
        ("augment.template", "`backward` or file", "backward"),
        ("score.likelihood.prior_weight", "number or list of numbers (not empty)", "1"),
        ("curate.test_share", "number (from 0 to below 1)", "0.01"),
        ("training.seeds", "list of whole numbers (from 0)", "[]"),
        ("training.global_batch", "whole number (from 1) or `paper`", "none"),
        ("base.model", "name of a Hub repository", "none"),
        ("decontaminate", "section", "none"),
        ("score", "list of sections (not empty)", "required"),
        ("runtime.launcher", "text", '""'),
    ],
)
def test_values_and_default_are_read_off_the_model(place: str, takes: str, default: str) -> None:
    assert (EVERY[place].takes, EVERY[place].default) == (takes, default)


def test_the_sentence_of_a_key_is_that_of_the_section_it_comes_from() -> None:
    """Sections inherit keys, and what is below a key may go over several lines."""
    assert sentence_of(Segments, "min_chars") == sentence_of(Heuristics, "min_chars") != ""
    assert sentence_of(Segments, "mode").count("\n") > 0
    assert sentence_of(Segments, "misspelt") == ""
    assert recipe_schema()["$defs"]["Segments"]["properties"]["mode"]["description"] == sentence_of(Segments, "mode")
