"""JSON that somebody else may have written, read as all readers agree on."""

import json
from typing import Any

from builder.data.paths import shown


def strict_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: If it is no JSON, or such as readers disagree on: NaN, a key twice, values nested without end.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("its values are nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        known: set[str] = set()
        twice = next(key for key, _ in pairs if key in known or known.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {shown(twice)} is written twice")
    return values


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
