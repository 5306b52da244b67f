import pytest
from pydantic import ValidationError
from support.recipe_changes import write_small_recipe

from builder.errors import RecipeError
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.curate import Curate


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"judge": "best", "top": 1}, "curate.judge is 'best'; it must be one of 'likelihood', 'expected',"),
        ({"judge": ["expected", "best"], "top": 1}, r"curate.judge is \['expected', 'best'\]; it must be one of"),
        ({"judge": [], "top": 1}, "a list must have two or more names"),
        ({"judge": ["expected"], "top": 1}, "a list must have two or more names"),
        ({"judge": ["expected", "expected"], "top": 1}, "each once"),
        ({"judge": 3, "top": 1}, "curate.judge is 3; it must be one of"),
        ({"judge": [["expected"], {}], "top": 1}, "it must be one of"),
        ({"judge": ["expected", "verdict"], "threshold": 4}, "a list of judges gives ranks, no scores; give top or"),
        ({"judge": "random", "threshold": 0.5}, "random gives ranks, no scores; give top or share"),
        ({"judge": "longest", "threshold": 0}, "for longest it is a number of characters, from 1"),
        ({"judge": "expected", "threshold": 6}, "threshold is 6; it must be from 1 to 5"),
        ({"judge": "expected", "top": 1, "leave_out_top": 1}, "leave_out_top is 1; it must be less than 1"),
        ({"judge": "expected", "top": 1, "near_duplicates": 0.3}, "near_duplicates is 0.3; it must be greater than or"),
        ({"judge": "expected", "top": 1, "near_duplicates": "yes please"}, "near_duplicates is 'yes please'; it"),
        ({"judge": "expected", "top": 1, "per_domain": 0}, "per_domain is 0"),
    ],
)  # fmt: skip
def test_a_wrong_selection_is_one_line_that_says_what_to_write(tmp_path, values, message):
    path = write_small_recipe(tmp_path)
    keys = [f"curate.{key}={value}" for key, value in values.items()]
    with pytest.raises(RecipeError, match=message) as raised:
        load_recipe(path, ("curate.share=null", *keys) if "top" not in values else tuple(keys))
    assert len(str(raised.value).splitlines()) == 1


def test_each_judge_of_a_list_must_be_in_score(tmp_path):
    settings = ("score=[{judge: expected}]", "curate.judge=[expected, verdict, random]", "curate.top=1")
    with pytest.raises(RecipeError, match=r"curate\.judge has 'verdict'; score has only expected"):
        load_recipe(write_small_recipe(tmp_path), settings)


def test_controls_need_no_judge_in_score(tmp_path):
    path = write_small_recipe(tmp_path)
    for judge in ("random", "longest", "[random, likelihood]"):
        assert load_recipe(path, (f"curate.judge={judge}", "curate.top=9")).curate.top == 9


def test_the_judges_with_a_score_stage_keep_their_order():
    config = Curate(judge=["longest", "verdict", "random", "expected"], share=0.5)
    assert (config.judges, config.scored) == (["longest", "verdict", "random", "expected"], ["verdict", "expected"])
    assert Curate(judge="random", share=0.5).scored == []
    assert Curate(judge="longest", threshold=800).judges == ["longest"]


@pytest.mark.parametrize(("given", "kept"), [(True, 0.8), (False, None), (None, None), (0.6, 0.6), (1, 1.0)])
def test_near_duplicates_is_a_switch_or_an_index(given, kept):
    config = Curate(judge="expected", top=1, near_duplicates=given)
    assert config.near_duplicates == kept
    assert Curate.model_validate(config.model_dump(mode="json")) == config


def test_a_selection_cannot_be_changed_once_it_is_read():
    with pytest.raises(ValidationError, match="frozen"):
        Curate(judge="expected", top=1).top = 2
