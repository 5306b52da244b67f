"""Weights that are shared over processes: only settings under which one whole model can be saved are trained with.

FSDP with anything but FULL_STATE_DICT, and ZeRO-3 (or DeepSpeed's tensor parallelism) that does not gather its weights,
train as well as others and end without an error, and without a model. Files that name such settings are refused before
a training starts. Whatever else sets them, a variable or a default, is seen in what accelerate has made of it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.errors import BuilderError, RecipeError, StageError
from builder.recipe.strict_yaml import read_settings

FULL = "FULL_STATE_DICT"
_STATE_DICTS = {"1": FULL, "2": "LOCAL_STATE_DICT", "3": "SHARDED_STATE_DICT"}
"""The numbers that accelerate takes as well."""
_GATHER = "stage3_gather_16bit_weights_on_model_save"
_LOST = "with which the trained model is never saved"
_OTHER_KINDS = {"multi_gpu", "tpu", "tpu_use_cluster"}
_PARTS = {"FSDP": "fsdp_config", "DEEPSPEED": "deepspeed_config"}


def refuse_unsaved(state: Any, training: Any) -> None:
    """Raise a StageError if no whole model could be saved at the end of a training.

    Args:
        state: Accelerate's own, once the trainer is made; what every file, variable, key and default has come to.
        training: TRL's settings.
    """
    if problem := _state_problem(state, training):
        raise StageError(f"nothing was trained: {problem}")


def _state_problem(state: Any, training: Any) -> str | None:
    if str(getattr(state, "distributed_type", "")).endswith("MEGATRON_LM"):
        return f"distributed_type is MEGATRON_LM, {_LOST}; set it to FSDP, DEEPSPEED or MULTI_GPU"
    plugin = getattr(state, "deepspeed_plugin", None)
    if plugin is not None:
        return _deepspeed_problem(plugin.deepspeed_config)
    kind = state_dict_type(state, training)
    if kind not in (None, FULL):
        return (
            f"FSDP's state dict type is {kind}, {_LOST}; set it to {FULL}: fsdp_state_dict_type in accelerate's "
            "configuration, FSDP_STATE_DICT_TYPE in the environment, or fsdp_config.state_dict_type in the TRL recipe"
        )
    return None


def state_dict_type(state: Any, training: Any) -> str | None:
    """How FSDP saves, also where it was asked for and accelerate does not share weights (on CPUs); None without it."""
    plugin = getattr(state, "fsdp_plugin", None)
    if plugin is not None:
        return str(plugin.state_dict_type.name)
    if given := getattr(training, "fsdp_plugin_args", None):
        return _named(given.get("state_dict_type", FULL))
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() != "true":
        return None
    return _named(os.environ.get("FSDP_STATE_DICT_TYPE") or _default(os.environ.get("FSDP_VERSION", "1")))


def keep_float32(state: Any) -> None:
    """Let FSDP add up gradients, and give losses, in float32 where the weights of a step are of fewer bits.

    accelerate has both in the format of the weights: a loss of 6.52 is then 6.53, or 6.5, and the gradients of all
    processes are added up in 8 bits of precision. The weights stay in float32, and a step computes with bfloat16.

    Args:
        state: Accelerate's own, before it has prepared the model.
    """
    import torch

    plugin: Any = getattr(state, "fsdp_plugin", None)
    policy = plugin and plugin.mixed_precision_policy
    if not policy:
        return
    # Not cast, a loss has the format that it was computed in, which is float32; states between layers stay small.
    outputs: dict[str, Any] = {"output_dtype": None} if hasattr(policy, "output_dtype") else {}
    plugin.mixed_precision_policy = replace(policy, reduce_dtype=torch.float32, **outputs)


def recipe_problems(options: Mapping[Any, Any]) -> Iterator[str]:
    """Which keys of a TRL recipe share weights in a way that no model can be saved from."""
    if options.get("fsdp"):
        config = _content(options.get("fsdp_config"))
        kind = _named(config.get("state_dict_type", config.get("fsdp_state_dict_type", FULL)))
        if kind != FULL:
            yield f"fsdp_config.state_dict_type is {kind}, {_LOST}; set it to {FULL}"
    if options.get("deepspeed") and (problem := _deepspeed_problem(_content(options["deepspeed"]))):
        yield f"deepspeed: {problem}"


def launcher_sharding_problems(words: list[str]) -> list[str]:
    """Which settings of `accelerate launch` share weights in a way that no model can be saved from.

    Args:
        words: The launcher's, with the path of its configuration.
    """
    flags, file = launcher_flags(words), _config_file(words)
    settings = _content(file)
    asked = next((kind for kind in (*_PARTS, "MEGATRON_LM") if flags.get(f"use_{kind.lower()}")), None)
    # accelerate reads the kind from a file only where no flag says another.
    kind = asked or (None if _OTHER_KINDS & flags.keys() else settings.get("distributed_type"))
    part = settings.get(_PARTS.get(str(kind), ""))
    part = (part if isinstance(part, dict) else {}) | flags
    problem = None
    if kind == "FSDP":
        problem = _fsdp_problem(part)
    elif kind == "DEEPSPEED":
        problem = _zero_problem(part)
    elif kind == "MEGATRON_LM":
        problem = f"distributed_type is MEGATRON_LM, {_LOST}; set it to FSDP, DEEPSPEED or MULTI_GPU"
    return [f"runtime.launcher: {f'{file}: ' if file else ''}{problem}"] if problem else []


def launcher_settings(words: list[str]) -> dict[str, Any]:
    """What the configuration of a launcher says; empty where there is none that can be read."""
    return _content(_config_file(words))


def launcher_file_problems(words: list[str]) -> Iterator[str]:
    """What is wrong with the files that a launcher is given, which it would say in the midst of its own lines."""
    file, flags = _config_file(words), launcher_flags(words)
    part = _content(file).get("deepspeed_config")
    named = flags.get("deepspeed_config_file") or (
        part.get("deepspeed_config_file") if isinstance(part, dict) else None
    )
    for path in (file, named):
        try:
            if path and path != "none":
                read_settings(Path(path))
        except RecipeError as error:
            yield f"runtime.launcher: {error}"


def _config_file(words: list[str]) -> str | None:
    flags = launcher_flags(words)
    by_default = {"accelerate", "launch"} <= {*words} and "cpu" not in flags
    return flags.get("config_file") or (_default_file() if by_default else None)


def _fsdp_problem(part: Mapping[str, Any]) -> str | None:
    version = part.get("fsdp_version", part.get("version", "1"))
    given = part.get("fsdp_state_dict_type", part.get("state_dict_type"))
    kind = _named(given or os.environ.get("FSDP_STATE_DICT_TYPE") or _default(version))
    if kind == FULL:
        return None
    left_out = "" if given else ", which is left out,"
    return f"fsdp_config.fsdp_state_dict_type{left_out} is {kind}, {_LOST}; set it to {FULL}"


def _zero_problem(part: Mapping[str, Any]) -> str | None:
    file, gather = part.get("deepspeed_config_file"), _is_true(part.get("zero3_save_16bit_model"))
    if file:
        problem = _deepspeed_problem(_content(file), auto=gather)
        return f"{file}: {problem}" if problem else None
    if str(part.get("zero_stage", 2)) != "3" or gather:
        return None
    return f"deepspeed_config.zero3_save_16bit_model is not true with zero_stage 3, {_LOST}; set it to true"


def _deepspeed_problem(config: Mapping[str, Any], *, auto: bool = True) -> str | None:
    """What is wrong with a configuration of DeepSpeed; `auto` is what it is given where it leaves gathering open."""
    zero, parallel = (config.get(key) or {} for key in ("zero_optimization", "tensor_parallel"))
    shared = "ZeRO stage 3" if str(zero.get("stage")) == "3" else None
    if int(parallel.get("autotp_size") or 0) > 1:
        shared = f"tensor_parallel.autotp_size {parallel['autotp_size']}"
    gather = zero.get(_GATHER, False)
    if shared is None or _is_true(gather) or (gather == "auto" and auto):
        return None
    return (
        f"zero_optimization.{_GATHER} is not true with {shared}, {_LOST}; set it to true (zero3_save_16bit_model in "
        "accelerate's configuration)"
    )


def launcher_flags(words: list[str]) -> dict[str, str]:
    """The options among words, by name: `--a-b c` and `--a_b=c` are the same; one without a value is `true`."""
    found = {}
    for word, after in zip(words, [*words, "--"][1:], strict=True):
        name, equals, value = word.partition("=")
        if word.startswith("--") and name != "--":
            found[name[2:].replace("-", "_")] = value if equals else "true" if after.startswith("--") else after
    return found


def _content(given: Any) -> dict[str, Any]:
    """A mapping, or that in a YAML or JSON file; empty where there is none that can be read: its reader says so."""
    if isinstance(given, dict):
        return given
    try:
        text = str(given)
        found = json.loads(text) if text.startswith("{") else read_settings(Path(text)) if given else {}
    except (BuilderError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _default_file() -> str | None:
    """What `accelerate config` has written, which `accelerate launch` takes where it is given no other."""
    cache = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    path = Path(cache).expanduser() / "accelerate" / "default_config.yaml"
    return str(path) if path.is_file() else None


def _named(kind: Any) -> str:
    return _STATE_DICTS.get(str(kind), str(kind).upper())


def _default(version: Any) -> str:
    return FULL if str(version) == "1" else "SHARDED_STATE_DICT"


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
