"""The recipes of a hydrated release, written anew: TRL, accelerate and a build obey what stands in such files.

What is taken over has a key of a list and a value of a grammar. Whatever else a release brings along is named.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.data.paths import shown
from builder.data.storage import write_text
from builder.errors import RecipeError
from builder.llm.contract import TEMPLATE_FILE
from builder.recipe.recipe import Recipe
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.cards.card import front_matter_text
from builder.results.release.changes import BUILD_FILE
from builder.results.release.checks.plain import is_dataset_file
from builder.results.release.content.material import BASE
from builder.results.release.content.training import ACCELERATE_FILE, SFT_FILE, output_folder, release_rows
from builder.results.release.folder import released_recipe
from builder.results.release.portable.trainers import write_trainers
from builder.results.release.standoff_source import StandoffSource

COMPUTED = frozenset(
    """
    activation_offloading adam_beta1 adam_beta2 adam_epsilon assistant_only_loss attn_implementation
    average_tokens_across_devices bf16 bnb_4bit_quant_storage bnb_4bit_quant_type completion_only_loss data_seed
    dataloader_drop_last dtype eos_token eval_packing eval_steps eval_strategy fp16 full_determinism
    gradient_accumulation_steps gradient_checkpointing gradient_checkpointing_kwargs label_smoothing_factor
    learning_rate load_in_4bit load_in_8bit logging_first_step logging_steps logging_strategy lora_alpha lora_dropout
    lora_modules_to_save lora_r lora_target_modules lora_target_parameters lora_task_type loss_type
    lr_scheduler_kwargs lr_scheduler_type max_grad_norm max_length max_steps neftune_noise_alpha num_train_epochs
    optim optim_args optim_target_modules packing packing_strategy pad_to_multiple_of pad_token padding_free
    per_device_eval_batch_size per_device_train_batch_size report_to save_steps save_strategy save_total_limit seed
    shuffle_dataset tf32 torch_compile train_sampling_strategy truncation_mode trust_remote_code
    use_bnb_nested_quant use_cache use_cpu use_dora use_liger_kernel use_peft use_rslora warmup_ratio warmup_steps
    weight_decay
    """.split()  # noqa: SIM905 - words read better than a column of strings
)
"""TRL's keys that say what a training computes, or how often it saves and logs."""
ONLY = {"trust_remote_code": (False,), "report_to": ("none", ["none"])}
TOKENS = ("eos_token", "pad_token")
OURS = frozenset({"model_name_or_path", "model_revision", "chat_template_path", "datasets", "output_dir"})
DEVICES = frozenset({
    "compute_environment", "debug", "distributed_type", "downcast_bf16", "enable_cpu_affinity",
    "main_training_function", "mixed_precision", "num_machines", "num_processes", "use_cpu", "fsdp_config",
    "deepspeed_config",
})  # fmt: skip
"""Keys of accelerate that say on how many devices, and how they share the model."""
ONLY_DEVICES = {"compute_environment": ("LOCAL_MACHINE",), "main_training_function": ("main",)}
SHARING = re.compile(r"fsdp_[a-z0-9_]{1,50}|zero_stage|zero3_[a-z0-9_]{1,50}|gradient_(accumulation_steps|clipping)|"
                     r"offload_(optimizer|param)_device")  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,=+ -]{0,200}")
"""No slash, colon or tilde: no path, no address, no repository."""
_BASE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,95}/[0-9A-Za-z_][0-9A-Za-z_.-]{0,95}")
_REVISION = re.compile(r"[0-9a-f]{40}|v[0-9]+\.[0-9]+\.[0-9]+")
_ROWS_A_STEP = re.compile(r"^# The model was trained with ([0-9]{1,9}) rows a step: ", re.MULTILINE)
_MOST = 100


def write_recipes(folder: Path, source: StandoffSource) -> list[str]:
    """Write `training/` and `build.yaml` of a hydrated release.

    Returns:
        What was left out, by file and key.
    """
    left_out = [*_training(folder, source), *_devices(folder, source), *_build(folder, source)]
    template = source.text(f"training/{TEMPLATE_FILE}")
    if template is None:
        left_out.append(f"training/{TEMPLATE_FILE}: is not there")
    else:
        write_text(folder / "training" / TEMPLATE_FILE, template)
    strange = sorted(name for name in source.files if not is_dataset_file(name))
    return [*left_out, *(f"{shown(name)}: is no file of a release" for name in strange)]


def _training(folder: Path, source: StandoffSource) -> Iterator[str]:
    """Write the TRL recipe; name what is left out of it."""
    text, name = source.text(f"training/{SFT_FILE}"), f"training/{SFT_FILE}"
    given = _mapping(text, name)
    if given is None or text is None:
        yield f"{name}: is not there, or no mapping"
        return
    base, revision = given.get("model_name_or_path"), given.get("model_revision")
    if base != f"../models/{BASE}" and not (isinstance(base, str) and _BASE.fullmatch(base)):
        yield f"{name}: model_name_or_path is {shown(base)}, which is no repository"
        return
    if revision is not None and not (isinstance(revision, str) and _REVISION.fullmatch(revision)):
        yield f"{name}: model_revision is {shown(revision)}, which is no commit and no version"
        return
    computed = {key: value for key, value in given.items() if key in COMPUTED and _sound(key, value)}
    yield from (f"{name}: {shown(key)}" for key in given if key not in computed and key not in OURS)
    recipe = {
        "model_name_or_path": base,
        **({"model_revision": revision} if revision else {}),
        "chat_template_path": f"training/{TEMPLATE_FILE}",
        "datasets": [release_rows("")],
        **computed,
        "output_dir": output_folder(source.manifest.name, source.manifest.version),
    }
    devices = (
        f" --accelerate_config training/{ACCELERATE_FILE}" if f"training/{ACCELERATE_FILE}" in source.files else ""
    )
    lines = [f"trl sft --config training/{SFT_FILE}{devices}        run it in this folder (TRL 1.16)"]
    if rows := _ROWS_A_STEP.search(text):
        lines.append(
            f"The model was trained with {rows.group(1)} rows a step: per_device_train_batch_size x "
            "gradient_accumulation_steps x devices."
        )
    opening = "".join(f"# {line}\n" for line in lines)
    write_text(folder / name, opening + front_matter_text(recipe))
    write_trainers(folder, source.manifest.name, None)


def _devices(folder: Path, source: StandoffSource) -> Iterator[str]:
    """Write the configuration of accelerate, if there is one; name what is left out of it."""
    name = f"training/{ACCELERATE_FILE}"
    if name not in source.files:
        return
    given = _mapping(source.text(name), name)
    kept: dict[str, Any] = {}
    for key, value in (given or {}).items():
        if key in ("fsdp_config", "deepspeed_config") and isinstance(value, dict):
            kept[key] = {inner: item for inner, item in value.items() if _shares(inner) and _plain(item)}
            yield from (f"{name}: {key}.{shown(inner)}" for inner in value if inner not in kept[key])
        elif key in DEVICES and _plain(value) and value in ONLY_DEVICES.get(key, (value,)):
            kept[key] = value
        else:
            yield f"{name}: {shown(key)}"
    write_text(folder / name, front_matter_text(kept))


def _build(folder: Path, source: StandoffSource) -> Iterator[str]:
    """Write the recipe of the build as this version reads it, without what says where and how it ran."""
    given = _mapping(source.text(BUILD_FILE), BUILD_FILE)
    try:
        recipe = Recipe.model_validate({key: value for key, value in (given or {}).items() if key != "runtime"})
    except ValidationError as error:
        yield f"{BUILD_FILE}: is no recipe of this version ({error.error_count()} mistakes)"
        return
    if given and "runtime" in given:
        yield f"{BUILD_FILE}: runtime"
    write_text(folder / BUILD_FILE, front_matter_text(released_recipe(recipe)))


def _mapping(text: str | None, name: str) -> dict[Any, Any] | None:
    try:
        value = parse_yaml(text or "", name)
    except RecipeError:
        return None
    return value if isinstance(value, dict) else None


def _sound(key: str, value: object) -> bool:
    if key in ONLY:
        return any(type(value) is type(only) and value == only for only in ONLY[key])
    if key in TOKENS:
        return isinstance(value, str) and len(value) <= _MOST and value.isprintable() and value.split() == [value]
    if isinstance(value, Mapping):
        return all(isinstance(inner, str) and _plain(inner) and _plain(item) for inner, item in value.items())
    return all(map(_plain, value[:_MOST])) and len(value) <= _MOST if isinstance(value, list) else _plain(value)


def _shares(key: object) -> bool:
    return isinstance(key, str) and bool(SHARING.fullmatch(key))


def _plain(value: object) -> bool:
    """Whether a value is a number, a switch, nothing, or words that lead nowhere."""
    if isinstance(value, str):
        return bool(_WORD.fullmatch(value))
    return value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
