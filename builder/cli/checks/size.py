"""About how large a work directory will be."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from builder.errors import RecipeError
from builder.method.train.recipe import read_training_recipe
from builder.recipe.recipe import Recipe

_COPIES = 6.0
"""All that is kept of a segment, packed, over its packed text: its row in `segments` and `dedup`, its candidate, its
scores and selections, and the rows of the trainings; measured on the quickstart."""


def work_bytes(recipe: Recipe, segments: int, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The size of rows and models together, or None where the size of a model is not known before it is there.

    Args:
        recipe: The recipe; its base is here.
        segments: About how many segments there are.
        rows: Some of them.
    """
    if recipe.base.path is None or _trains_adapters(recipe) or (segments and not rows):
        return None
    weights = sum(file.stat().st_size for file in recipe.base.path.glob("*.safetensors") if file.is_file())
    text = "\n".join(str(row["text"]) for row in rows)
    packed = len(zlib.compress(text.encode("utf-8", "replace"))) / max(1, len(rows))
    return round(weights * _models(recipe) + segments * packed * _COPIES)


def why_unknown(recipe: Recipe) -> str:
    """Why `work_bytes` gives none."""
    if recipe.base.path is None:
        return f"the base {recipe.base.location} is not here yet"
    if _trains_adapters(recipe):
        return "how large an adapter is goes by its settings"
    return "how many segments there are cannot be said"


def _models(recipe: Recipe) -> int:
    """How many models a build keeps: M_yx, M_0 to M_N, those of cross-fitting, and those of other seeds."""
    halves = 2 * (recipe.iterations - 1) if recipe.training.cross_fit else 0
    return 2 + recipe.iterations + halves + len(recipe.training.seeds)


def _trains_adapters(recipe: Recipe) -> bool:
    training = recipe.training
    for file in (training.forward, training.initial or training.forward, training.backward):
        try:
            if read_training_recipe(file).get("use_peft"):
                return True
        except RecipeError:
            continue
    return False
