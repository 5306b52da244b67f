"""Holds what commands print with `--json` to `docs/output.schema.json`."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FILE = Path(__file__).parents[2] / "docs" / "output.schema.json"


@functools.cache
def schema() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def problems(name: str, value: Any) -> list[str]:
    """What is wrong with a value by an entry of the schema."""
    whole = {**schema(), "$ref": f"#/$defs/{name}"}
    errors = Draft202012Validator(whole).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def answered(command: str, value: Any) -> Any:
    """The value as JSON has it, held to be an answer of the command and no failure."""
    value = json.loads(json.dumps(value))
    assert problems(command, value) == []
    assert problems("failure", value) != []
    return value
