"""A trained model, opened: whether its files hold every weight that its configuration asks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.errors import StageError
from builder.llm.adapters import WEIGHTS_FILE, Adapter, read_adapter
from builder.llm.opening import open_adapter_settings, open_config, open_model

_SHOWN = 3


def check_saved(folder: Path) -> None:
    """Raise a StageError if weights of a saved model, or of an adapter, are missing, torn, or of another shape.

    A model without memory for its weights is built as its configuration says, and then loaded from its files.

    Args:
        folder: Of the model or adapter, as a training has saved it.
    """
    adapter = read_adapter(folder)
    problems = list(_adapter_problems(adapter) if adapter else _model_problems(folder))
    if problems:
        more = f", and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
        raise StageError(
            f"{folder}: the saved model is not whole: {'; '.join(problems[:_SHOWN])}{more}; the checkpoints beside it "
            "stay. Correct how the training shares its weights, and run the same command again"
        )


def _model_problems(folder: Path) -> Iterator[str]:
    from safetensors import SafetensorError

    if not any(folder.glob("*.safetensors")):
        yield "it has no .safetensors weights"
        return
    try:
        kind = _class_of(open_config(folder))
        _, info = open_model(
            folder, kind=kind, device_map="meta", output_loading_info=True, ignore_mismatched_sizes=True
        )
    except (SafetensorError, StageError, OSError, ValueError, KeyError, RuntimeError) as error:
        yield f"it cannot be opened ({' '.join(str(error).split()) or type(error).__name__})"
        return
    yield from (f"{name} is missing" for name in sorted(info["missing_keys"]))
    yield from (_of_another_shape(*mismatch) for mismatch in sorted(info["mismatched_keys"], key=str))


def _class_of(config: Any) -> Any:
    import transformers

    every = transformers.AutoModelForCausalLM
    return getattr(transformers, config.architectures[0], every) if config.architectures else every


def _adapter_problems(adapter: Adapter) -> Iterator[str]:
    import torch
    from peft import get_peft_model, get_peft_model_state_dict
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    config = open_config(adapter.base, adapter.revision)
    try:
        with torch.device("meta"):
            base = AutoModelForCausalLM.from_config(config)
    except ValueError as error:
        yield f"its base, {adapter.base}, cannot be built ({' '.join(str(error).split())[:300]})"
        return
    with torch.device("meta"):
        model = get_peft_model(base, open_adapter_settings(adapter.folder), low_cpu_mem_usage=True)
    asked = {
        name: list(tensor.shape)
        for name, tensor in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    with safe_open(adapter.folder / WEIGHTS_FILE, "pt") as file:
        found = {name: file.get_slice(name).get_shape() for name in sorted(file.keys())}
    for name, shape in sorted(asked.items()):
        if name not in found:
            yield f"{name} is missing"
        elif found[name] != shape:
            yield _of_another_shape(name, found[name], shape)


def _of_another_shape(name: str, found: Any, asked: Any) -> str:
    return f"{name} is {list(found)} and not {list(asked)}"
