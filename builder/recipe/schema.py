"""JSON Schema of a recipe, for editors: completion, the sentence of each key, and a misspelt one underlined."""

from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from builder.recipe.keys import keys
from builder.recipe.recipe import Recipe
from builder.recipe.sentences import sentence_of

SCHEMA_FILE = "build.schema.json"
"""Its name beside a recipe."""
MODELINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
"""The first line of a recipe, by which an editor finds it."""


class _OfYaml(GenerateJsonSchema):
    """What may stand in the file, where a value of the model is made of something else."""

    def function_plain_schema(self, schema: Any) -> JsonSchemaValue:
        """The one plain validator is that of an input, a path or a URL."""
        return {"type": "string", "minLength": 1}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A key is its own title."""
        return False


def recipe_schema() -> dict[str, Any]:
    """The schema of build.yaml, in the draft that editors know best."""
    schema = Recipe.model_json_schema(schema_generator=_OfYaml)
    for key in keys():
        place = schema if key.section is Recipe else schema["$defs"][key.section.__name__]
        described = place["properties"][key.name] | {"description": sentence_of(key.section, key.name)}
        place["properties"][key.name] = dict(sorted(described.items()))
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "title": "A recipe of humpback"}


def schema_text() -> str:
    """The schema as it comes with the package."""
    return Path(__file__).with_name(SCHEMA_FILE).read_text(encoding="utf-8")
