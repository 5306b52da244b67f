"""`training/`: a complete TRL recipe and chat template, so that a bare `trl sft` trains the final model again."""

import shlex
from pathlib import Path
from typing import Any

import yaml

from builder.data.resources import accelerate_file
from builder.data.storage import write_bytes, write_text
from builder.llm.contract import TEMPLATE_FILE
from builder.recipe.sections.runtime import Runtime
from builder.recipe.strict_yaml import read_yaml
from builder.results.release.content.material import BASE, Material
from builder.workspace.workspace import Artifact

OF_THE_BUILD = frozenset({
    "model_name_or_path", "model_revision", "chat_template_path", "datasets", "dataset_name", "dataset_config",
    "output_dir",
})  # fmt: skip
OF_THE_MACHINE = frozenset({
    "logging_dir", "run_name", "env", "resume_from_checkpoint", "disable_tqdm", "push_to_hub", "hub_model_id",
    "hub_token", "dataset_num_proc", "dataloader_num_workers", "dataloader_pin_memory", "local_rank", "log_level",
    "accelerate_config", "num_processes", "num_machines", "machine_rank", "main_process_ip", "main_process_port",
    "deepspeed", "fsdp", "fsdp_config",
})  # fmt: skip
"""Keys that say where a training ran and not what it computed."""
ACCELERATE_FILE, SFT_FILE = "accelerate.yaml", "sft.yaml"
OF_THE_MACHINES = frozenset({
    "machine_rank", "main_process_ip", "main_process_port", "gpu_ids", "tpu_name", "tpu_zone", "tpu_env",
    "deepspeed_hostfile", "rdzv_backend", "same_network",
})  # fmt: skip
"""Keys of accelerate that name machines; how many processes there were decides over the batch, and stays."""


def hyperparameters(model: Artifact) -> dict[str, Any]:
    """TRL's keys a model was trained with, without paths and without what belongs to one machine."""
    resolved = read_yaml(model.path / "sft.yaml")
    left_out = OF_THE_BUILD | OF_THE_MACHINE
    return {
        key: _without_paths(value) for key, value in resolved.items() if key not in left_out and not _is_path(value)
    }


def write_training(dataset: Path, material: Material) -> None:
    """Write `training/sft.yaml` and `training/chat_template.jinja`.

    The recipe is meant to run inside the dataset folder. It names the base on the Hub, or the copy beside the models,
    and the rows on the Hub at this version's tag, or here.
    """
    folder = dataset / "training"
    write_bytes(folder / TEMPLATE_FILE, (material.build.final.model / TEMPLATE_FILE).read_bytes())
    text = yaml.safe_dump(_recipe(material), sort_keys=False, allow_unicode=True)
    write_text(folder / SFT_FILE, _opening(material) + text)
    if (devices := accelerate_config(material.recipe.runtime)) is not None:
        write_text(folder / ACCELERATE_FILE, yaml.safe_dump(devices, sort_keys=False))


def accelerate_config(runtime: Runtime) -> dict[str, Any] | None:
    """The accelerate configuration that the launcher of a build names, without what belongs to its machines.

    Raises:
        RecipeError: If the file is not there or not YAML.
    """
    words = shlex.split(runtime.launcher)
    named = next((word.removeprefix("--config_file=") for word in words if word.startswith("--config_file=")), None)
    if named is None and "--config_file" in words[:-1]:
        named = words[words.index("--config_file") + 1]
    if named is None:
        return None
    values = read_yaml(Path(accelerate_file(named)))
    return {
        key: _without_paths(value)
        for key, value in values.items()
        if key not in OF_THE_MACHINES and not _is_path(value)
    }


def output_folder(name: str, version: str) -> str:
    """Where a training in the folder of the dataset writes: beside it, since what lies in it is the release."""
    return f"../{name}-{version}-trained"


def release_rows(where: str) -> dict[str, Any]:
    """The entry of a TRL recipe for the rows of a release.

    Args:
        where: What stands before the names of its files; nothing in its folder.
    """
    return {
        "path": "parquet",
        "data_files": f"{where}sft/train-*.parquet",
        "split": "train",
        "columns": ["prompt", "completion"],
    }


def _recipe(material: Material) -> dict[str, Any]:
    base, revision = material.base_on_hub or (f"../models/{BASE}", None)
    where = "hf://datasets/{}@{}/".format(*material.rows_on_hub) if material.rows_on_hub else ""
    return {
        "model_name_or_path": base,
        **({"model_revision": revision} if revision else {}),
        "chat_template_path": f"training/{TEMPLATE_FILE}",
        "datasets": [release_rows(where)],
        **hyperparameters(material.build.final),
        "output_dir": output_folder(material.recipe.name, material.version),
    }


def _opening(material: Material) -> str:
    devices = f" --accelerate_config training/{ACCELERATE_FILE}" if accelerate_config(material.recipe.runtime) else ""
    lines = [f"trl sft --config training/sft.yaml{devices}        run it in the folder of the dataset (TRL 1.16)"]
    rows = material.build.final.record.get("details", {}).get("rows_a_step")
    if rows is not None:
        lines.append(
            f"The model was trained with {rows} rows a step: per_device_train_batch_size x gradient_accumulation_steps "
            "x devices."
        )
    if material.recipe.release.text != "full":
        lines.append("Its rows have no text before `humpback hydrate`; run it in the folder that writes.")
    if material.recipe.training.init == "previous":
        lines.append(
            "The released model started from the model of the iteration before; this recipe starts from the base."
        )
    return "".join(f"# {line}\n" for line in lines)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and (value.startswith(("/", "~", "file:")) or ":\\" in value)


def _without_paths(value: Any) -> Any:
    """A value without the paths inside it."""
    if isinstance(value, dict):
        return {key: _without_paths(item) for key, item in value.items() if not _is_path(item)}
    if isinstance(value, list):
        return [_without_paths(item) for item in value if not _is_path(item)]
    return value
