"""What `check` knows of a recipe alone: thresholds without a scale, licences wider than their parts, languages."""

from pathlib import Path

import pytest
from support.bare_recipe import GOOD, recipe

from builder.cli.checks.known import known_notes, known_problems
from builder.recipe.recipe import Recipe


def licensed(part: str, release: str, base: str = "apache-2.0") -> Recipe:
    sources = [{"name": "dolly", "path": "seed.jsonl", "license": part}]
    return recipe(seed={"sources": sources}, release={"license": release}, base={"license": base})


def problems(of: Recipe) -> str:
    return "\n".join(known_problems(of, Path("build.yaml")))


def notes(of: Recipe) -> str:
    return "\n".join(known_notes(of))


@pytest.mark.parametrize(
    ("judge", "threshold", "says"),
    [
        ("likelihood", 4.5, "curate.threshold is 4.5, and likelihood has no scale from 1 to 5: it gives log-prob"),
        ("reverse", 4, "curate.threshold is 4, and reverse has no scale from 1 to 5"),
        ("likelihood", 1000, "curate.threshold is 1000, and likelihood has no scale from 1 to 5"),
        (
            "longest",
            4000,
            "curate.threshold is 4000 characters, and no segment is longer than segments.max_chars, 3000",
        ),
    ],
)
def test_a_threshold_that_no_score_reaches_is_a_mistake_and_says_what_to_give(
    judge: str, threshold: float, says: str
) -> None:
    found = problems(recipe(curate={"judge": judge, "share": None, "threshold": threshold}))
    assert found.startswith(f"build.yaml: {says}")
    assert judge == "longest" or "give curate.share or curate.top instead" in found


def test_a_likelihood_that_weighs_nothing_against_the_text_is_never_above_zero() -> None:
    weightless = GOOD | {
        "score": [{"judge": "likelihood", "prior_weight": 0}],
        "curate": {"judge": "likelihood", "threshold": 0.1},
    }
    assert "with prior_weight 0 a likelihood is never above 0" in problems(Recipe.model_validate(weightless))


@pytest.mark.parametrize(("judge", "threshold"), [("likelihood", 0.4), ("verdict", 4.5), ("longest", 2000)])
def test_a_threshold_within_reach_is_none(judge: str, threshold: float) -> None:
    within = recipe(curate={"judge": judge, "share": None, "threshold": threshold})
    assert problems(within) == ""
    assert "threshold" not in notes(within)


def test_a_threshold_that_looks_like_a_rating_is_noted() -> None:
    assert "likelihood gives log-probabilities per token, no ratings from 1 to 5" in notes(
        recipe(curate={"judge": "likelihood", "share": None, "threshold": 3})
    )


@pytest.mark.parametrize(
    ("part", "release", "why"),
    [
        ("cc-by-nc-4.0", "apache-2.0", "allows no commerce"),
        ("cc-by-nc-4.0", "cc-by-sa-4.0", "allows no commerce"),
        ("cc-by-sa-3.0", "mit", "asks that what is made of it stays under it"),
        ("cc-by-sa-4.0", "cc-by-sa-3.0", "asks that what is made of it stays under it"),
        ("cc-by-nc-sa-4.0", "cc-by-nc-4.0", "asks that what is made of it stays under it"),
        ("cc-by-nd-4.0", "cc-by-4.0", "lets nobody pass on what is made of it"),
        ("gpl-3.0", "mit", "asks that what is made of it stays under it"),
        ("intel-research", "mit", "allows no commerce"),
        ("cc-by-4.0", "cc0-1.0", "asks to be named"),
    ],
)
def test_a_release_is_under_no_wider_licence_than_its_parts(part: str, release: str, why: str) -> None:
    assert problems(licensed(part, release)).startswith(
        f"build.yaml: release.license is {release!r}, and seed.sources.0.license is {part!r}, which {why}; write "
    )


@pytest.mark.parametrize(
    ("part", "release"),
    [
        ("mit", "apache-2.0"), ("cc-by-sa-3.0", "cc-by-sa-4.0"), ("cc-by-sa-4.0", "gpl-3.0"), ("cc0-1.0", "mit"),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0"), ("cc-by-nd-4.0", "cc-by-nd-4.0"), ("cc-by-nc-4.0", "other"),
        ("cc-by-4.0", "mit"), ("gpl-2.0", "gpl-3.0"), ("apache-2.0", "cc-by-4.0"), ("mine", "mit"),
    ],
)  # fmt: skip
def test_a_licence_that_keeps_what_the_parts_ask_is_none(part: str, release: str) -> None:
    assert problems(licensed(part, release)) == ""


def test_pages_under_a_licence_count_as_pairs_do() -> None:
    pages = [{"path": "a", "format": "html"}, {"path": "b", "format": "html", "license": "cc-by-sa-4.0"}]
    assert problems(recipe(segments={"sources": pages})).startswith(
        "build.yaml: release.license is 'apache-2.0', and segments.sources.1.license is 'cc-by-sa-4.0', which asks that"
    )


def test_a_licence_of_a_collection_leaves_the_rows_theirs_and_is_noted() -> None:
    collection = licensed("cc-by-nc-4.0", "odc-by")
    assert problems(collection) == ""
    assert "seed.sources.0.license is 'cc-by-nc-4.0', which allows no commerce" in notes(collection)


def test_a_base_for_no_commerce_and_a_part_of_which_nothing_is_known_are_noted() -> None:
    assert "and models of it write the instructions" in notes(licensed("mit", "mit", base="cc-by-nc-4.0"))
    assert "whether the release may be under mit is not known here" in notes(licensed("unknown", "mit"))
    assert "licence" not in notes(licensed("mit", "mit"))


def test_a_language_that_the_release_does_not_state_is_noted_with_what_becomes_of_it() -> None:
    chinese = notes(recipe(segments={"languages": ["en", "zh"]}, release={"language": "en"}))
    assert chinese.startswith("segments.languages has zh, and release.language is en; the card names it where a hund")
    assert "write release.language: [en, zh]" in chinese
    named = recipe(segments={"languages": ["en", "zh"]}, release={"language": ["en", "zh-Hans"]})
    assert notes(named) == ""


def test_a_release_that_states_no_language_names_those_of_its_rows_and_nothing_is_noted() -> None:
    assert notes(recipe(segments={"languages": ["en", "zh"]})) == ""


def test_the_language_of_trees_counts_and_that_of_pairs_is_not_asked() -> None:
    trees = {"name": "trees", "path": "seed.jsonl", "license": "mit", "format": "oasst"}
    english = {"language": "en"}
    german = notes(recipe(seed={"sources": [trees], "language": "de"}, release=english))
    assert "seed.language has de, and release.language is en; the card does not name it" in german
    assert notes(recipe(seed={"language": "de"}, release=english)) == ""
