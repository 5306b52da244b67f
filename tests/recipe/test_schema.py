"""The schema that editors read: it accepts what a recipe may hold, and finds what is misspelt."""

from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from support.recipe_changes import CHANGES, changed, write_small_recipe

from builder.cli.init import write_recipe_folder
from builder.data.resources import resource_folder
from builder.recipe.schema import MODELINE, SCHEMA_FILE, recipe_schema, schema_text

NAMES = sorted(path.parent.name for path in resource_folder("recipes").glob("*/build.yaml"))


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    schema = recipe_schema()
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def recipe(name: str) -> Any:
    return yaml.safe_load((resource_folder("recipes") / name / "build.yaml").read_text(encoding="utf-8"))


def faults(validator: Draft7Validator, values: Any) -> list[str]:
    return [error.message for error in validator.iter_errors(values)]


@pytest.mark.parametrize("name", NAMES)
def test_the_recipes_of_the_package_are_accepted(validator: Draft7Validator, name: str) -> None:
    assert faults(validator, recipe(name)) == []


def test_another_value_of_every_key_is_accepted(
    validator: Draft7Validator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = yaml.safe_load(write_small_recipe(tmp_path_factory.mktemp("recipe")).read_text())
    wrong = {}
    for place, change in CHANGES.items():
        before = changed(values, change.before)
        if found := faults(validator, before) + faults(validator, changed(before, change.keys)):
            wrong[place] = found
    assert wrong == {}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"segments.min_char": 40}, "'min_char'"),
        ({"curat": {}}, "'curat'"),
        ({"runtime.worker": 2}, "'worker'"),
        ({"segments.sources.0.fromat": "warc"}, "'fromat'"),
        ({"segments.boundary": "trees"}, "'trees'"),
        ({"segments.min_chars": "many"}, "'many'"),
        ({"iterations": 0}, "minimum"),
        ({"score.0.prior_wait": 1.0}, "not valid under any"),
    ],
)
def test_a_misspelt_key_or_value_is_refused(validator: Draft7Validator, keys: Any, says: str) -> None:
    (found,) = faults(validator, changed(recipe("quickstart"), keys))
    assert says in found


@pytest.mark.parametrize("value", [True, 0.8, None])
def test_what_a_recipe_may_write_shorter_is_accepted(validator: Draft7Validator, value: Any) -> None:
    assert faults(validator, changed(recipe("quickstart"), {"curate.near_duplicates": value})) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_begun_names_the_schema_that_lies_beside_it(tmp_path: Any, name: str) -> None:
    write_recipe_folder(tmp_path / "project", name)
    lines = (tmp_path / "project" / "build.yaml").read_text(encoding="utf-8")
    assert lines.startswith(MODELINE)
    assert (tmp_path / "project" / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()
    assert f"$schema={SCHEMA_FILE}\n" in MODELINE
