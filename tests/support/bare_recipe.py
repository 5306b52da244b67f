"""A recipe in memory, of what it must have; nothing that it names is there."""

from typing import Any

from builder.recipe.recipe import Recipe

GOOD: dict[str, Any] = {
    "name": "test",
    "base": {"path": "base", "license": "apache-2.0"},
    "seed": {"sources": [{"name": "pairs", "path": "seed.jsonl", "license": "mit"}]},
    "segments": {"sources": [{"path": "pages", "format": "html"}]},
    "score": [{"judge": "likelihood"}, {"judge": "reverse"}, {"judge": "verdict"}],
    "curate": {"judge": "likelihood", "share": 0.5},
    "training": {"forward": "forward.yaml", "backward": "backward.yaml"},
    "release": {"title": "Test", "license": "apache-2.0"},
}


def recipe(**changes: dict[str, Any]) -> Recipe:
    """The recipe with other keys in its sections."""
    return Recipe.model_validate(GOOD | {key: {**GOOD.get(key, {}), **value} for key, value in changes.items()})
