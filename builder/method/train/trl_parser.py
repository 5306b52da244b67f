"""What TRL's own parser says of the keys and values of a training recipe, without a GPU and without a training."""

import contextlib
import io
import typing
import warnings
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

OF_THE_MACHINE = ("use_cpu", "tf32", "deepspeed", "fsdp", "fsdp_config")
"""Keys whose values only the machine that trains can take or refuse."""

MODULES, ALL_LINEAR = "lora_target_modules", "all-linear"
"""Which modules an adapter changes, and what peft takes for all but the last."""


def option_faults(options: dict[str, Any]) -> list[str]:
    """One text for every key that TRL has not, or whose value it does not take."""
    hints = {key: hint for config in _configs() for key, hint in typing.get_type_hints(config).items()}
    faults = [f"{key} is not a key of TRL's SFT recipe; remove it" for key in options if key not in hints]
    known = {key: value for key, value in options.items() if key in hints}
    wrong = {key: reason for key, value in known.items() if (reason := _fault(key, hints[key], value))}
    tried = {key: value for key, value in known.items() if key not in (*wrong, *OF_THE_MACHINE)}
    faults += [f"{key} is {options[key]!r}; {reason}" for key, reason in wrong.items()]
    return faults + _parser_faults(tried)


def _fault(key: str, hint: Any, value: Any) -> str:
    """Why a key does not take a value; TRL hands on a word for the modules of an adapter, and says a list is needed."""
    if key == MODULES and isinstance(value, str):
        return "" if value == ALL_LINEAR else f"it must be {ALL_LINEAR}, or a list of names such as [q_proj, v_proj]"
    return _type_fault(hint, value)


def _type_fault(hint: Any, value: Any) -> str:
    """Why a value does not fit a type; TRL itself looks at the types of texts only."""
    try:
        TypeAdapter(hint, config=ConfigDict(coerce_numbers_to_str=True)).validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        return f"it must be {message[:1].lower()}{message[1:]}".replace("input should be ", "")
    return ""


def _parser_faults(options: dict[str, Any]) -> list[str]:
    """What TRL says of values, one by one where one of them is refused alone, else of all together."""
    reason = _parser_fault(options)
    if not reason:
        return []
    alone = {key: _parser_fault({key: value}) for key, value in options.items()}
    return [f"{key} is {options[key]!r}; {reason}" for key, reason in alone.items() if reason] or [reason]


def _parser_fault(options: dict[str, Any]) -> str:
    from trl import TrlParser

    parser = TrlParser(_configs())
    parser.set_defaults_with_config(**options, output_dir="unused", use_cpu=True)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser.parse_args_into_dataclasses(args=[], look_for_args_file=False)
    except SystemExit:
        return said.getvalue().strip().rpartition("error: ")[2]
    except (ValueError, TypeError, AttributeError, OSError, ImportError) as error:
        return " ".join(str(error).split())
    return ""


@cache
def _configs() -> tuple[type, ...]:
    """The parts of TRL's SFT recipe."""
    import torch
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig

    class Settings(SFTConfig):  # type: ignore[misc]
        """TRL's settings on a device that is not set up, which would claim it from the training that follows."""

        device = torch.device("cpu")

    return ScriptArguments, Settings, ModelConfig, DatasetMixtureConfig
