"""Names that the Hub refuses are refused in the recipe, as its own library does, and languages may be several."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub.utils import HFValidationError, validate_repo_id

from builder.errors import RecipeError
from builder.recipe.recipe import Recipe, load_recipe
from builder.recipe.sections.hub_names import name_problem, new_name_problem

NAMES = (
    "foo", "foo/bar", "123", "Foo-BAR_foo.bar123", "_a/b_", "datasets/foo/bar", ".repo", "foo--bar", "foo.git",
    "a/b..c", "a/-b", "a/b-", "a/b.", "a/b_", "-a/b", "a./b", "a/", "/b", "", "a b/c", "caf\u00e9/b", "a/\u6587",
    f"a/{'b' * 96}", f"a/{'b' * 97}", "a/b.git", "a.git/b", "a--b/c", "a\n/b",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "name": "test",
    "base": {"path": "base", "license": "apache-2.0"},
    "seed": {"sources": [{"name": "pairs", "path": "seed.jsonl", "license": "mit"}]},
    "segments": {"sources": [{"path": "pages", "format": "html"}]},
    "score": [{"judge": "likelihood"}],
    "curate": {"judge": "likelihood", "share": 0.5},
    "training": {"forward": "forward.yaml", "backward": "backward.yaml"},
    "release": {"title": "Test", "license": "apache-2.0"},
}


def load(folder: Path, **release: Any) -> Recipe:
    (folder / "build.yaml").write_text(yaml.safe_dump(GOOD | {"release": GOOD["release"] | release}))
    return load_recipe(folder)


def test_a_name_is_refused_as_by_the_hubs_own_library() -> None:
    def refused(name: str) -> bool:
        try:
            validate_repo_id(name)
        except HFValidationError:
            return True
        return False

    assert {name for name in NAMES if name_problem(name)} == {name for name in NAMES if refused(name)}


def test_a_repository_to_be_made_needs_an_owner_and_fits_in_with_it() -> None:
    assert "has no owner; write it as owner/name" in str(new_name_problem("pairs"))
    assert "has 97 characters; the Hub takes at most 96" in str(new_name_problem(f"{'o' * 40}/{'n' * 56}"))
    assert new_name_problem(f"{'o' * 40}/{'n' * 55}") is None


@pytest.mark.parametrize(
    ("release", "message"),
    [
        ({"dataset": "org/my--pairs"}, "release.dataset is 'org/my--pairs'; it has --, which the Hub takes in no name"),
        ({"dataset": "org/pairs.git"}, "release.dataset is 'org/pairs.git'; it ends in .git"),
        ({"dataset": "pairs"}, "release.dataset is 'pairs'; it has no owner; write it as owner/name"),
        (
            {"dataset": "org/x", "repositories": {"final": "org/-x"}},
            "release.repositories.final is 'org/-x'; it is no name that the Hub takes",
        ),
        (
            {"dataset": f"org/{'x' * 85}"},
            "which has 98 characters; the Hub takes at most 96, choose a shorter one: shorten dataset, or give "
            "repositories.backward",
        ),
    ],
)
def test_a_release_names_no_repository_that_cannot_be_made(
    tmp_path: Path, release: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, **release)
    assert message in str(caught.value)


def test_a_long_name_will_do_where_the_models_have_names_of_their_own(tmp_path: Path) -> None:
    names = {"backward": "org/b", "final": "org/f"}
    assert load(tmp_path, dataset=f"org/{'x' * 85}", repositories=names).release.repository("model", "final") == "org/f"


def test_an_input_of_the_hub_has_a_name_that_the_hub_takes(tmp_path: Path) -> None:
    load(tmp_path)
    with pytest.raises(RecipeError, match=r"base is 'a/b\.\.c'; it has \.\.|base.model is 'a/b\.\.c'; it has \.\."):
        load_recipe(tmp_path, ("base={model: a/b..c, license: mit}",))


@pytest.mark.parametrize(
    ("given", "languages"), [("de", ["de"]), (["en", "zh"], ["en", "zh"]), ("zh-Hant", ["zh-Hant"]), (["nds"], ["nds"])]
)
def test_a_release_has_one_language_or_several(tmp_path: Path, given: Any, languages: list[str]) -> None:
    assert load(tmp_path, language=given).release.languages == languages


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("english", "has 'english', which is no code of a language; write one such as en, or a list: [en, zh]"),
        (["en", "en"], "names a language twice: en, en"),
        ([], "is an empty list; name a language"),
        (False, "is read as false; write the code of Norwegian in quotes, 'no'"),
        ("en, zh", "has 'en, zh', which is no code of a language"),
    ],
)
def test_what_is_no_code_of_a_language_is_refused(tmp_path: Path, given: Any, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, language=given)
    assert f"release.language {message}" in str(caught.value)
