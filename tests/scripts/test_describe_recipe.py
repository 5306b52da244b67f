"""`docs/recipe.md` and the schema are what their program writes."""

import json

import describe_recipe
import pytest
from support.recipe_changes import fields


def test_the_page_is_what_the_program_writes() -> None:
    assert describe_recipe.PAGE.read_text(encoding="utf-8") == describe_recipe.page(), "run `make docs`"


def test_the_schema_is_what_the_program_writes() -> None:
    assert describe_recipe.SCHEMA.read_text(encoding="utf-8") == describe_recipe.schema_text(), "run `make docs`"
    assert json.loads(describe_recipe.schema_text())["additionalProperties"] is False


def test_every_key_is_a_row_of_the_page() -> None:
    rows = [line for line in describe_recipe.page().splitlines() if line.startswith("| `")]
    assert len(rows) > len(list(fields()))
    assert all(len(row.replace("\\|", "").strip("|").split(" | ")) == 5 for row in rows)


def test_a_key_without_a_sentence_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.recipe.keys.sentence_of", lambda _, key: "" if key == "tasks" else "It is a key.")
    with pytest.raises(SystemExit, match=r"segments\.tasks: no docstring"):
        describe_recipe.page()
