"""`training/axolotl.yml` and `training/dataset_info.json`: how Axolotl and LLaMA-Factory read the config `chat`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from builder.data.storage import write_json, write_text
from builder.recipe.strict_yaml import read_yaml
from builder.results.release.content.training import SFT_FILE
from builder.results.release.portable.chat import CHAT, MESSAGES

AXOLOTL_FILE, LLAMA_FACTORY_FILE = "axolotl.yml", "dataset_info.json"
DEFAULTS: dict[str, Any] = {
    "learning_rate": 2e-5, "lr_scheduler_type": "linear", "warmup_steps": 0, "weight_decay": 0.0,
    "num_train_epochs": 3.0, "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "max_length": 1024,
    "optim": "adamw_torch_fused", "max_grad_norm": 1.0, "gradient_checkpointing": True, "seed": 42,
}  # fmt: skip
"""What TRL 1.16 takes where a recipe says nothing; Axolotl takes other values for some of them."""
NAMES = {
    "learning_rate": "learning_rate", "lr_scheduler_type": "lr_scheduler", "lr_scheduler_kwargs": "lr_scheduler_kwargs",
    "warmup_steps": "warmup_steps", "warmup_ratio": "warmup_ratio", "weight_decay": "weight_decay",
    "num_train_epochs": "num_epochs", "max_steps": "max_steps", "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation_steps", "max_length": "sequence_len", "optim": "optimizer",
    "max_grad_norm": "max_grad_norm", "adam_beta1": "adam_beta1", "adam_beta2": "adam_beta2",
    "adam_epsilon": "adam_epsilon", "bf16": "bf16", "fp16": "fp16", "gradient_checkpointing": "gradient_checkpointing",
    "seed": "seed", "save_steps": "save_steps", "logging_steps": "logging_steps", "lora_r": "lora_r",
    "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout", "lora_target_modules": "lora_target_modules",
}  # fmt: skip
"""TRL's keys by their names in Axolotl, as far as both mean the same."""
_SAID_OTHERWISE = frozenset({
    "model_name_or_path", "model_revision", "chat_template_path", "datasets", "output_dir", "eos_token", "pad_token",
    "completion_only_loss", "use_peft", "trust_remote_code", "report_to", "use_cpu", "dtype", "save_strategy",
})  # fmt: skip


def write_trainers(dataset: Path, name: str, place: tuple[str, str] | None) -> None:
    """Write both files beside TRL's recipe, if there is a `chat` to read.

    Args:
        dataset: The folder of the dataset; both are used there.
        name: What LLaMA-Factory calls the dataset.
        place: Repository and tag of the rows on the Hub; None for the folder.
    """
    if not (dataset / CHAT).is_dir():
        return
    trl = read_yaml(dataset / "training" / SFT_FILE)
    recipe = axolotl_recipe(trl, place)
    lines = [f"axolotl train training/{AXOLOTL_FILE}        run it in the folder of the dataset (Axolotl 0.19)"]
    if others := sorted(key for key in trl if key not in NAMES and key not in _SAID_OTHERWISE):
        lines.append(f"Not taken over from training/sft.yaml: {', '.join(others)}")
    opening = "".join(f"# {line}\n" for line in lines)
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    write_text(dataset / "training" / AXOLOTL_FILE, opening + text)
    write_json(dataset / "training" / LLAMA_FACTORY_FILE, {name: llama_factory_entry()})


def axolotl_recipe(trl: Mapping[str, Any], place: tuple[str, str] | None) -> dict[str, Any]:
    """Axolotl's recipe for the rows of `chat`, with what it can take over from TRL's."""
    tokens = {key: trl[key] for key in ("eos_token", "pad_token") if trl.get(key)}
    revised = {"revision_of_model": trl["model_revision"]} if trl.get("model_revision") else {}
    return {
        "base_model": trl["model_name_or_path"],
        **revised,
        **({"special_tokens": tokens} if tokens else {}),
        "chat_template": "jinja",
        "chat_template_jinja": trl["chat_template_path"],
        "datasets": [axolotl_entry(place)],
        "train_on_inputs": False,
        "excess_length_strategy": "truncate",
        **({"adapter": "lora"} if trl.get("use_peft") else {}),
        **_settings(DEFAULTS | dict(trl)),
        "dataset_prepared_path": f"{trl['output_dir']}-axolotl-rows",
        "output_dir": f"{trl['output_dir']}-axolotl",
    }


def axolotl_entry(place: tuple[str, str] | None) -> dict[str, Any]:
    """The rows in Axolotl's recipe; a folder is read by its files, since `datasets` takes no `.` for a name."""
    here = {"path": CHAT, "ds_type": "parquet", "data_files": f"{CHAT}/train-*.parquet"}
    return {
        **({"path": place[0], "name": CHAT, "revision": place[1]} if place else here),
        "split": "train",
        "type": "chat_template",
        "field_messages": MESSAGES,
        "message_property_mappings": {name: name for name in ("role", "content")},
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    }


def llama_factory_entry() -> dict[str, Any]:
    """How LLaMA-Factory reads `chat`, from the folder that `dataset_info.json` is in.

    Not by its form `openai`, which adds a sentence of its own to every system message.
    """
    tags = {"role_tag": "role", "content_tag": "content"}
    tags |= {f"{role}_tag": role for role in ("user", "assistant", "system")}
    return {"file_name": f"../{CHAT}", "formatting": "sharegpt", "columns": {"messages": MESSAGES}, "tags": tags}


def _settings(trl: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: trl[key] for key, name in NAMES.items() if trl.get(key) is not None}
    if settings.get("lora_target_modules") == "all-linear":
        del settings["lora_target_modules"]
        settings["lora_target_linear"] = True
    if 0 < settings.get("warmup_steps", 0) < 1:  # a share of the steps
        settings["warmup_ratio"] = settings.pop("warmup_steps")
    if settings.get("warmup_ratio"):
        settings.pop("warmup_steps", None)
    if settings.get("max_steps", 1) <= 0:
        del settings["max_steps"]
    return settings
