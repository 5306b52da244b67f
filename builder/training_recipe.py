"""TRL recipes: flat YAML files of TRL's own keys, less those that a build sets itself."""

import dataclasses
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from builder.errors import RecipeError
from builder.recipe.errors import read_yaml

SET_BY_US = (
    "model_name_or_path", "model_revision", "trust_remote_code", "output_dir", "datasets", "dataset_name",
    "dataset_config", "chat_template_path", "eos_token", "env", "resume_from_checkpoint", "push_to_hub",
    "completion_only_loss", "assistant_only_loss", "config", "hub_token",
)  # fmt: skip


def read_training_recipe(path: Path) -> dict[str, Any]:
    """Read a TRL recipe and refuse the keys that the build sets itself.

    Raises:
        RecipeError: With one line for every such key.
    """
    options = read_yaml(path)
    if not isinstance(options, dict):
        raise RecipeError(f"{path}: a TRL recipe is a mapping of TRL's own keys")
    problems = [f"{path}: {key} is set by the build; remove it" for key in options if key in SET_BY_US]
    for key in ("packing", "padding_free"):
        if options.get(key):
            problems.append(f"{path}: {key} is true; rows are kept apart only without it, set it to false")
    if options.get("use_peft"):
        problems.append(f"{path}: use_peft is true; adapters are not supported yet, set it to false")
    if "trust_remote_code" in (options.get("model_init_kwargs") or {}):
        problems.append(f"{path}: model_init_kwargs.trust_remote_code is never used; remove it")
    if problems:
        raise RecipeError("\n".join(problems))
    return options


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


def refuse_unknown_keys(path: Path, options: dict[str, Any]) -> None:
    """Raise a RecipeError with one line for every key that TRL does not know."""
    if problems := unknown_keys(path, options):
        raise RecipeError("\n".join(problems))


def unknown_keys(path: Path, options: dict[str, Any]) -> list[str]:
    """A line for every key that TRL's SFT recipe has not; none where TRL is not installed."""
    if not importlib.util.find_spec("trl"):
        return []
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig

    configs = (SFTConfig, ModelConfig, ScriptArguments, DatasetMixtureConfig)
    known = {item.name for config in configs for item in dataclasses.fields(config)}
    return [f"{path}: {key} is not a key of TRL's SFT recipe; remove it" for key in options if key not in known]
