"""TRL recipes: flat YAML files of TRL's own keys, less those that a build sets itself."""

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from builder.errors import RecipeError
from builder.recipe.errors import read_yaml

SET_BY_US = (
    "model_name_or_path", "model_revision", "trust_remote_code", "output_dir", "datasets", "dataset_name",
    "dataset_config", "chat_template_path", "eos_token", "env", "resume_from_checkpoint", "push_to_hub",
    "completion_only_loss", "assistant_only_loss", "config", "hub_token",
)  # fmt: skip
NEVER_TRUE = {
    "packing": "rows are kept apart only without it",
    "padding_free": "rows are kept apart only without it",
    "use_peft": "adapters are not supported yet",
    "save_only_model": "a stopped training goes on exactly only from whole checkpoints",
    "ignore_data_skip": "a stopped training goes on exactly only after the rows it has seen",
}
AT_LEAST_ONE = ("max_length", "per_device_train_batch_size", "gradient_accumulation_steps")
"""Whole numbers that TRL takes however low they are."""


def read_training_recipe(path: Path) -> dict[str, Any]:
    """Read a TRL recipe and refuse what no build can work with; TRL itself is not loaded.

    Raises:
        RecipeError: With one line for every such key.
    """
    options = read_yaml(path)
    if not isinstance(options, dict):
        raise RecipeError(f"{path}: a TRL recipe is a mapping of TRL's own keys")
    problems = [f"{path}: {problem}" for problem in _problems(options)]
    if problems:
        raise RecipeError("\n".join(problems))
    return options


def _problems(options: dict[Any, Any]) -> Iterator[str]:
    yield from (f"{key} is set by the build; remove it" for key in options if key in SET_BY_US)
    yield from (f"{key} is true; {why}, set it to false" for key, why in NEVER_TRUE.items() if options.get(key))
    for key in AT_LEAST_ONE:
        value = options.get(key)
        if key in options and not _is_number(value, 1) and not (value is None and key == "max_length"):
            yield f"{key} is {value!r}; it must be a whole number of at least 1"
    limit = options.get("save_total_limit")
    if limit is not None and not _is_number(limit, 2):
        yield f"save_total_limit is {limit!r}; it must be at least 2: one checkpoint stays while the next is written"
    extra = options.get("model_init_kwargs")
    if not isinstance(extra, dict | None):
        yield f"model_init_kwargs is {extra!r}; it must be a mapping"
    elif "trust_remote_code" in (extra or {}):
        yield "model_init_kwargs.trust_remote_code is never used; remove it"


def _is_number(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_training_recipes(paths: Iterable[Path]) -> None:
    """Read TRL recipes and raise one RecipeError for all that is wrong with them; TRL itself is not loaded."""
    problems = []
    for path in dict.fromkeys(paths):
        try:
            read_training_recipe(path)
        except RecipeError as error:
            problems.append(str(error))
    if problems:
        raise RecipeError("\n".join(problems))


def refuse_wrong_keys(path: Path, options: dict[str, Any]) -> None:
    """Raise a RecipeError with one line for every key or value that TRL does not take."""
    if problems := wrong_keys(path, options):
        raise RecipeError("\n".join(problems))


def wrong_keys(path: Path, options: dict[str, Any]) -> list[str]:
    """A line for every key that TRL's SFT recipe has not, or whose value it refuses; none where TRL is missing."""
    if not importlib.util.find_spec("trl"):
        return []
    from builder.training_values import refusals

    return [f"{path}: {refusal}" for refusal in refusals(options)]
