from pathlib import Path

import pytest
import yaml

from builder.data.resources import resource_folder
from builder.errors import RecipeError
from builder.recipe.recipe import load_recipe

GOOD = {
    "name": "test",
    "base": {"path": "base", "license": "apache-2.0"},
    "seed": {"sources": [{"name": "pairs", "path": "seed.jsonl", "license": "mit"}]},
    "segments": {"sources": [{"path": "pages", "format": "html"}]},
    "score": [{"judge": "likelihood", "prior_weight": [1.0, 0.5]}],
    "curate": {"judge": "likelihood", "share": 0.5},
    "training": {"forward": "forward.yaml", "backward": "backward.yaml"},
    "release": {"title": "Test", "license": "apache-2.0"},
}


def write(folder: Path, **changes) -> Path:
    path = folder / "build.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return path


def test_paths_start_from_the_recipe(tmp_path):
    recipe = load_recipe(write(tmp_path))
    assert recipe.base.path == tmp_path / "base"
    assert recipe.seed.sources[0].path == tmp_path / "seed.jsonl"
    assert recipe.segments.sources[0].path == tmp_path / "pages"
    assert load_recipe(tmp_path) == recipe


def test_the_defaults_are_the_papers(tmp_path):
    recipe = load_recipe(write(tmp_path))
    assert (recipe.augment.temperature, recipe.augment.top_p) == (0.7, 0.9)
    assert (recipe.segments.min_chars, recipe.segments.max_chars) == (600, 3000)
    assert recipe.chat.system_seed == "Answer in the style of an AI Assistant."
    assert recipe.chat.system_web == "Answer with knowledge from web search."
    assert (recipe.iterations, recipe.training.init) == (2, "base")


def test_all_mistakes_are_reported_at_once_with_place_and_remedy(tmp_path):
    path = write(
        tmp_path,
        curate={"judge": "likelihood", "treshold": 4},
        segments={"sources": [{"path": "pages", "format": "pdf"}], "min_chars": 0},
        augment={"temperature": "warm"},
        base={"license": "mit", "path": "base", "model": "org/name"},
        iterations=0,
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    expected = [
        "curate.treshold is not a key of a recipe; did you mean curate.threshold?",
        "segments.sources.0.format is 'pdf'; it must be one of 'warc', 'html', 'jsonl' or 'parquet'",
        "segments.min_chars is 0; it must be greater than or equal to 1",
        "augment.temperature is 'warm'; it must be a number",
        "base needs exactly one of path (a folder) and model (a Hub repository)",
        "iterations is 0; it must be greater than or equal to 1",
    ]
    for text in expected:
        assert any(text in line for line in lines), (text, lines)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("curate", "message"),
    [
        ({"judge": "likelihood", "share": 0.5, "top": 3}, "has top and share; give exactly one of the three"),
        ({"judge": "likelihood"}, "has none of threshold, top and share; give exactly one"),
        ({"judge": "expected", "threshold": 7}, "threshold is 7; it must be from 1 to 5"),
        ({"judge": "verdict", "share": 0.5}, "curate.judge is 'verdict'; score has only likelihood"),
        ({"judge": "likelihood", "share": 0}, "curate.share is 0; it must be greater than 0"),
    ],
)
def test_a_selection_has_one_rule_in_range_and_a_judge_that_scores(tmp_path, curate, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, curate=curate))


def test_a_hub_input_may_name_a_branch_until_it_is_pinned(tmp_path):
    recipe = load_recipe(write(tmp_path, base={"model": "org/name", "license": "mit"}))
    assert recipe.base.revision is None
    seed = {"sources": [{"name": "a", "dataset": "org/data", "license": "mit", "revision": ""}]}
    with pytest.raises(RecipeError, match=r"seed\.sources\.0\.revision is ''; it must"):
        load_recipe(write(tmp_path, seed=seed))


def test_seed_sources_have_names_of_their_own(tmp_path):
    sources = [{"name": "a", "path": path, "license": "mit"} for path in ("one.jsonl", "two.jsonl")]
    with pytest.raises(RecipeError, match=r"seed sources have a name twice \(a, a\)"):
        load_recipe(write(tmp_path, seed={"sources": sources}))


def test_m_0_has_a_training_recipe_of_its_own_where_one_is_given(tmp_path):
    training = {"forward": "forward.yaml", "backward": "backward.yaml"}
    assert load_recipe(write(tmp_path)).training.initial is None
    recipe = load_recipe(write(tmp_path, training={**training, "initial": "initial.yaml"}))
    assert recipe.training.initial == tmp_path / "initial.yaml"


def test_replies_must_leave_room_for_a_question(tmp_path):
    curate = {"judge": "reasoned", "threshold": 4.5}
    judge = {"judge": "reasoned", "max_tokens": 4096}
    with pytest.raises(RecipeError, match=r"score\.reasoned\.max_tokens is 4096; it must be below engine"):
        load_recipe(write(tmp_path, score=[judge], curate=curate))
    with pytest.raises(RecipeError, match="threshold is 6; it must be from 1 to 5"):
        load_recipe(write(tmp_path, score=[{"judge": "reasoned"}], curate={**curate, "threshold": 6}))


def test_overrides_replace_values_and_the_rival_selection_rule(tmp_path):
    path = write(tmp_path)
    recipe = load_recipe(path, ("curate.top=7", "augment.samples=2", "segments.sources.0.format=warc"))
    assert (recipe.curate.top, recipe.curate.share) == (7, None)
    assert recipe.augment.samples == 2
    assert recipe.segments.sources[0].format == "warc"
    with pytest.raises(RecipeError, match=r"write it as key\.path=value"):
        load_recipe(path, ("curate.share",))
    with pytest.raises(RecipeError, match="'name' is a single value"):
        load_recipe(path, ("name.first=x",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "the key 'a' is written twice"),
        ("a: [", "not valid YAML"),
        ("- a\n", "a recipe is a mapping"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, message):
    (tmp_path / "build.yaml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe(tmp_path / "build.yaml")


def test_a_missing_recipe_says_how_to_get_one(tmp_path):
    with pytest.raises(RecipeError, match="no such file; `humpback init DIR`"):
        load_recipe(tmp_path / "build.yaml")


def test_prior_weights_follow_the_iterations_and_the_last_one_stays(tmp_path):
    recipe = load_recipe(write(tmp_path))
    assert [recipe.judges(t)[0].prior_weight for t in (1, 2, 3)] == [1.0, 0.5, 0.5]


def test_every_shipped_recipe_loads():
    paths = sorted(resource_folder("recipes").glob("*/build.yaml"))
    assert paths
    for path in paths:
        assert load_recipe(path).name == path.parent.name


def test_a_judge_has_only_the_keys_it_uses(tmp_path):
    score = [{"judge": "likelihood", "temperature": 1, "prior_wait": 1}, {"judge": "expcted"}, {"rubric": "humpback"}]
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, score=score))
    text = str(caught.value)
    assert "score.0.temperature is not a key of judge likelihood; remove it" in text
    assert "score.0.prior_wait is not a key of judge likelihood; did you mean score.0.prior_weight?" in text
    assert "score.1 has judge 'expcted'; it must be one of 'likelihood', 'expected', 'verdict', 'reasoned'" in text
    assert "score.2 lacks the key 'judge'; add it" in text


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("curate.share=nine", "curate.share is 'nine'; it must be a number"),
        ("iterations=2.5", "iterations is 2.5; it must be a whole number"),
        ("dedup.near=perhaps", "dedup.near is 'perhaps'; it must be true or false"),
        ("augment=null", "augment is empty; it must be a section with keys below it"),
        ("release.base_url=x", "release.base_url is not a key of a recipe; did you mean segments.sources.base_url?"),
        ("runtime.license=x", "runtime.license is not a key of a recipe; remove it"),
    ],
)
def test_a_mistake_says_in_plain_words_what_to_give_and_where(tmp_path, override, says):
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path), (override,))
    assert str(caught.value) == f"{tmp_path / 'build.yaml'}: {says}"


def test_a_key_that_the_chosen_judge_has_not_is_never_suggested_again(tmp_path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path), ("score.0.judge=verdict", "score.0.max_token=9", "curate.judge=verdict"))
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'build.yaml'}: score.0.prior_weight is not a key of judge verdict; remove it",
        f"{tmp_path / 'build.yaml'}: score.0.max_token is not a key of judge verdict; did you mean score.0.max_tokens?",
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("base.path=5", "base.path is 5; it must be a path"),
        ("training.forward=[a]", "training.forward is ['a']; it must be a path"),
        ("curate.threshold=.nan", "curate.threshold is nan; it must be a finite number"),
        ("augment.temperature=.inf", "augment.temperature is inf; it must be a finite number"),
        ("score.0.prior_weight=[.nan]", "score.0.prior_weight.0 is nan; it must be a finite number"),
    ],
)
def test_paths_are_paths_and_numbers_are_finite(tmp_path, override, message):
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path), (override,))
    assert f"{tmp_path / 'build.yaml'}: {message}" in str(caught.value).splitlines()
