"""TRL recipes: flat YAML files of TRL's own keys, less those that a build sets itself."""

import importlib.util
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from builder.errors import RecipeError
from builder.method.train.schedule import global_batch, paper_steps, share_of_a_process
from builder.method.train.sharding import recipe_problems
from builder.recipe.recipe import Recipe
from builder.recipe.sections.training import Schedule
from builder.recipe.strict_yaml import read_yaml
from builder.recipe.training_keys import ATTENTION as ATTENTION
from builder.recipe.training_keys import key_problems

SET_BY_US = (
    "model_name_or_path", "model_revision", "trust_remote_code", "output_dir", "datasets", "dataset_name",
    "dataset_config", "chat_template_path", "eos_token", "env", "resume_from_checkpoint", "push_to_hub",
    "completion_only_loss", "assistant_only_loss", "config", "hub_token",
)  # fmt: skip
NEVER_TRUE = {
    "save_only_model": "a stopped training goes on exactly only from whole checkpoints",
    "ignore_data_skip": "a stopped training goes on exactly only after the rows it has seen",
}
AT_LEAST_ONE = (
    "max_length", "per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps", "lora_r",
)  # fmt: skip
"""Whole numbers that TRL takes however low they are."""
ABOVE_ZERO = ("learning_rate", "save_steps", "logging_steps", "eval_steps", "num_train_epochs")
"""Numbers that TRL takes although no training can do anything with 0 or less."""
ISOLATED = ("flash_attention_2", "flash_attention_3")
"""Attention that knows where a row ends when several lie in one sequence."""
QUANTISED = ("load_in_8bit", "load_in_4bit")


def read_training_recipe(path: Path) -> dict[str, Any]:
    """Read a TRL recipe and refuse what no build can work with; TRL itself is not loaded.

    Raises:
        RecipeError: With one line for every such key.
    """
    options = read_yaml(path)
    if not isinstance(options, dict):
        raise RecipeError(f"{path}: a TRL recipe is a mapping of TRL's own keys")
    problems = [f"{path}: {problem}" for problem in _option_problems(options)]
    if problems:
        raise RecipeError("\n".join(problems))
    return options


def _option_problems(options: dict[Any, Any]) -> Iterator[str]:
    yield from (f"{key} is set by the build; remove it" for key in options if key in SET_BY_US)
    yield from (f"{key} is true; {why}, set it to false" for key, why in NEVER_TRUE.items() if options.get(key))
    yield from _number_problems(options)
    yield from _attention_problems(options)
    limit = options.get("save_total_limit")
    if limit is not None and not _is_number(limit, 2):
        yield f"save_total_limit is {limit!r}; it must be at least 2: one checkpoint stays while the next is written"
    wrong = list(key_problems(options, SET_BY_US))
    yield from wrong or recipe_problems(options)


def _number_problems(options: dict[Any, Any]) -> Iterator[str]:
    for key in AT_LEAST_ONE:
        value = options.get(key)
        if key in options and not _is_number(value, 1) and not (value is None and key == "max_length"):
            yield f"{key} is {value!r}; it must be a whole number of at least 1"
    for key in ABOVE_ZERO:
        number = _as_float(options.get(key))
        if number is not None and not 0 < number < math.inf:
            yield f"{key} is {options[key]!r}; it must be above 0"
    if options.get("max_steps") == 0:
        yield "max_steps is 0; give a number of steps, or -1 for num_train_epochs"


def _as_float(value: Any) -> float | None:
    """A number, also one that YAML reads as a text (`1e-5`); None for what is none, which TRL's parser names."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _attention_problems(options: dict[Any, Any]) -> Iterator[str]:
    attention = options.get("attn_implementation")
    for key in ("packing", "padding_free"):
        if options.get(key) and attention not in ISOLATED:
            yield (
                f"{key} is true; rows see each other except with attn_implementation {' or '.join(ISOLATED)}, "
                "set one of these, or set it to false"
            )
    if options.get("packing") and options.get("packing_strategy", "bfd") != "bfd":
        yield f"packing_strategy is {options['packing_strategy']!r}; only bfd leaves rows whole"


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
    from builder.method.train.trl_parser import option_faults

    return [f"{path}: {fault}" for fault in option_faults(options)]


def schedule_problems(path: Path, options: dict[str, Any], schedule: Schedule) -> list[str]:
    """What of a TRL recipe does not go with the schedule of the build."""
    problems = []
    if options.get("packing") and schedule.global_batch is not None:
        problems.append(
            f"{path}: packing puts several rows into one, and training.global_batch counts rows; use padding_free"
        )
    return problems


def adapter_problems(path: Path, options: dict[str, Any], recipe: Recipe) -> list[str]:
    """Why adapters that a TRL recipe asks for could not be used or released by the rest of the build."""
    if not options.get("use_peft"):
        return [f"{path}: {key} is true; it goes with use_peft: true" for key in QUANTISED if options.get(key)]
    problems = []
    if recipe.engine.kind == "vllm":
        parts = [key for key in ("use_dora", "lora_modules_to_save") if options.get(key)]
        problems += [
            f"{path}: vLLM cannot use adapters with {key}; leave it out, or use another engine" for key in parts
        ]
    if recipe.base.path and recipe.release.models and not recipe.release.merge_adapters:
        problems.append(
            f"{path}: use_peft is true and the base is a folder here, which an adapter elsewhere would not find; "
            "set release.merge_adapters: true"
        )
    return problems


def resolve_recipe(
    options: dict[str, Any], schedule: Schedule, rows: int, device_batch: int | None
) -> tuple[dict[str, Any], int | None]:
    """A TRL recipe with the build's schedule in it, and the rows of a step, if the build says them.

    The batch in the resolved recipe is that of one process, whose rows `train.sft` shares among those there are.

    Args:
        options: The TRL recipe.
        schedule: Rows a step and number of steps.
        rows: How many are trained on.
        device_batch: The most rows that a device takes at once, if not what the recipe says.
    """
    resolved: dict[str, Any] = {
        "report_to": "none",
        "save_total_limit": 2,  # one is always whole while the other is being written
        **options,
    }
    if options.get("padding_free") and not options.get("packing"):
        resolved["max_length"] = None  # TRL would not cut them either; longer rows are left out before
    if schedule.steps == "paper":
        resolved["max_steps"] = paper_steps(rows)
    batch = global_batch(schedule.global_batch, rows)
    if batch is not None:
        most = device_batch or resolved.get("per_device_train_batch_size", 8)
        share = share_of_a_process(batch, 1, most)
        resolved["per_device_train_batch_size"], resolved["gradient_accumulation_steps"] = share
    return resolved, batch


def steps_of(
    options: dict[str, Any], schedule: Schedule, rows: float, device_batch: int | None, step_rows: int | None = None
) -> int:
    """How many steps a training takes.

    Args:
        options: The TRL recipe.
        schedule: Rows a step and number of steps.
        rows: How many are trained on.
        device_batch: The most rows that a device takes at once, if not what the recipe says.
        step_rows: Rows of a step as measured; where neither that nor `schedule` says them, those of one device.
    """
    count = max(round(rows), 1)
    resolved, batch = resolve_recipe(options, schedule, count, device_batch)
    if int(resolved.get("max_steps", -1)) > 0:
        return int(resolved["max_steps"])
    a_device = resolved.get("per_device_train_batch_size", 8) * resolved.get("gradient_accumulation_steps", 1)
    each = batch or step_rows or a_device
    return max(math.ceil(count / each * float(resolved.get("num_train_epochs", 3))), 1)
