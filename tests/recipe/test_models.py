from pathlib import Path

import pytest
from support.recipe_changes import write_small_recipe

from builder.errors import RecipeError
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.models import Loaded, Other
from builder.workspace.fingerprint import config_identity

ENDPOINT = "runtime.endpoint=http://localhost:8000/v1"


@pytest.fixture
def load(tmp_path):
    """Loads a small recipe with the model of a judge, or of augment, set."""
    path = write_small_recipe(tmp_path)
    return lambda *settings: load_recipe(path, settings)


def refused(load, *settings):
    with pytest.raises(RecipeError) as raised:
        load(*settings)
    (line,) = str(raised.value).splitlines()
    return line.partition("build.yaml: ")[2]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("augment.model", "{}", "needs exactly one of path (a folder), model (a Hub repository), served (a name)"),
        ("augment.model", "{path: a, model: b/c}", "needs exactly one of path"),
        ("augment.model", "{path: a, served: b}", "needs exactly one of path"),
        ("augment.model", "{model: b/c, served: b}", "needs exactly one of path"),
        ("augment.model", "{served: ''}", "augment.model.served is ''; it must"),
        ("augment.model", "{paht: a}", "augment.model.paht is not a key of a recipe; did you mean augment.model.path?"),
        ("augment.model", "{model: b/c, revision: ''}", "augment.model.revision is ''; it must"),
        ("score.2.model", "{path: a, served: b}", "needs exactly one of path"),
        ("score.1.model", "{path: a, model: b/c}", "needs exactly one of path (a folder), model (a Hub repository)"),
        ("score.3.model", "{}", "needs exactly one of path (a folder), model (a Hub repository)"),
    ],
)
def test_another_model_is_in_exactly_one_place(load, place, value, message):
    line = refused(load, f"{place}={value}", ENDPOINT)
    assert message in line
    assert line.startswith(place)
    assert ("served (a name)" in line) == ("exactly one" in line and place in ("augment.model", "score.2.model"))


@pytest.mark.parametrize("at", [1, 3], ids=["expected", "reasoned"])
def test_a_served_model_gives_no_log_probabilities_so_only_verdict_takes_one(load, at):
    line = refused(load, f"score.{at}.model={{served: big}}", ENDPOINT)
    assert line.startswith(f"score.{at}.model")
    assert "served is not a key" in line
    assert load("score.2.model={served: big}", ENDPOINT).score[2].model == Other(served="big")


@pytest.mark.parametrize("judge", [0, 4], ids=["likelihood", "reverse"])
def test_a_judge_that_reads_the_models_of_the_build_takes_no_other(load, judge):
    assert "model is not a key of judge" in refused(load, f"score.{judge}.model={{path: a}}")


@pytest.mark.parametrize("place", ["augment", "score.2"])
def test_a_served_model_needs_the_address_of_its_server(load, place):
    line = refused(load, f"{place}.model={{served: big}}")
    assert line.endswith("big is served elsewhere, so runtime.endpoint is needed, e.g. http://localhost:8000/v1")
    recipe = load(f"{place}.model={{served: big}}", ENDPOINT)
    assert (recipe.served, recipe.asks_server) == (["big"], True)


def test_what_is_loaded_here_needs_no_server(load):
    recipe = load("augment.model={path: base}", "score.1.model={path: base}", "score.2.model={path: base}")
    assert (recipe.served, recipe.asks_server) == ([], False)
    assert recipe.augment.model.path.is_absolute()
    assert [judge.judge for judge in recipe.judges(1)] == ["likelihood", "reasoned"]


def test_a_model_served_under_one_name_is_named_once(load):
    recipe = load("augment.model={served: big}", "score.2.model={served: big}", ENDPOINT)
    assert recipe.served == ["big"]


@pytest.mark.parametrize(
    ("other", "location", "served"),
    [
        (Loaded(path=Path("/models/a")), "/models/a", None),
        (Loaded(model="org/name", revision="0" * 40), "org/name", None),
        (Other(path=Path("/models/a")), "/models/a", None),
        (Other(served="big"), "big", "big"),
    ],
)
def test_a_model_says_where_it_is(other, location, served):
    assert (other.location, other.served_name) == (location, served)


def test_a_hub_model_is_not_built_with_until_its_commit_is_pinned(load, tmp_path):
    from builder.cli.project import open_project

    assert load("augment.model={model: org/name}").augment.model.revision is None
    with pytest.raises(RecipeError, match="org/name"):
        open_project(tmp_path / "build.yaml", overrides=("augment.model={model: org/name}",))
    open_project(tmp_path / "build.yaml", overrides=(f"augment.model={{model: org/name, revision: '{'0' * 40}'}}",))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("engine.kind=transformers", "engine.quantization=fp8"), "quantization is for kind 'vllm', not for 'tr"),
        (("engine.quantization=a b",), "engine.quantization is 'a b'; it must"),
        (("runtime.max_num_seqs=64", "runtime.max_num_batched_tokens=32"), "batched_tokens is 32 and max_num_seqs 64"),
        (("runtime.max_num_seqs=0",), "runtime.max_num_seqs is 0; it must"),
    ],
)  # fmt: skip
def test_keys_of_the_engine_that_do_not_go_together_are_refused(load, settings, message):
    assert message in refused(load, *settings)


def test_a_smaller_form_of_the_weights_is_hashed(load):
    plain, small = (load("engine.kind=vllm", *more).engine for more in ((), ("engine.quantization=fp8",)))
    assert config_identity(plain) | {"quantization": "fp8"} == config_identity(small) != config_identity(plain)
