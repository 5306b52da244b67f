"""What a finished training leaves: weights or an adapter, tokenizer, metrics."""

import shutil
from pathlib import Path
from typing import Any

from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.llm.adapters import CONFIG_FILE, read_adapter
from builder.method.train.checkpoints import flush
from builder.method.train.log import tokens_per_second, training_metrics
from builder.method.train.saved import check_saved
from builder.workspace.layout import METRICS

FINISHED = "training.json"
"""Written last, once the model was opened, so a model folder that holds it is whole."""
_SAVED = "saved.json"
"""What a training came to, beside its model, until that was opened."""
SAMPLING = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 0}
"""How the paper's models answer (section 3.1); no `top_k`, where transformers would have 50."""
_SETS = ("target_modules", "exclude_modules")
_NOT_OURS = ("training_args.bin", "README.md")
"""What trainer and peft write beside a model: a pickle, and a card without content."""


def save_model(trainer: Any, outcome: Any, model: Any, folder: Path, *, resumed_from: str | None) -> None:
    """Save weights, tokenizer and metrics of a finished training; `finish` then looks whether the model is whole.

    Args:
        trainer: The trainer; every process calls this, the first one writes.
        outcome: What `trainer.train` has returned.
        model: The model part of the TRL recipe.
        folder: Where to, below the training's folder.
        resumed_from: Name of the checkpoint it went on from.
    """
    if trainer.is_world_process_zero():
        (folder.parent / _SAVED).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    trainer.processing_class.save_pretrained(str(folder))
    for name in _NOT_OURS:
        (folder / name).unlink(missing_ok=True)
    _without_dropout(folder, trainer.args.model_init_kwargs)
    save_generation(folder, trainer.model.generation_config, trainer.processing_class.eos_token_id)
    if (folder / CONFIG_FILE).is_file():
        _name_base(folder / CONFIG_FILE, model)
    training, history = trainer.args, trainer.state.log_history
    metrics = {
        "rows": _rows(trainer.train_dataset),
        "steps": outcome.global_step,
        "epochs": trainer.state.epoch,
        "rows_a_step": training.train_batch_size * training.gradient_accumulation_steps * training.world_size,
        **training_metrics(history),
    }
    log = {
        "resumed_from": resumed_from,
        "seconds": outcome.metrics["train_runtime"],
        "processes": training.world_size,
        "tokens_per_second": tokens_per_second(history),
        "history": history,
    }
    write_json(folder.parents[1] / METRICS, metrics | log)
    write_json(folder.parent / _SAVED, metrics)


def save_generation(folder: Path, base: Any, end: int) -> None:
    """Write how a trained model answers where nobody says it: as the paper's do, until the token that ends an answer.

    Whatever else a base has been given, such as a penalty of repetitions, was for what the base is.

    Args:
        folder: Of the model or adapter.
        base: The generation configuration that the model has from its base.
        end: The token that ends an answer by the chat contract.
    """
    from transformers import GenerationConfig

    ids = {name: getattr(base, name, None) for name in ("bos_token_id", "pad_token_id")}
    GenerationConfig(**SAMPLING, **ids, eos_token_id=end).save_pretrained(str(folder))


def finish(folder: Path) -> None:
    """Open the model that a training has saved, and only then write that it is finished.

    It runs in the process of the stage, where no launcher says how weights are loaded.

    Args:
        folder: Where `save_model` has saved it.

    Raises:
        StageError: If the training saved nothing, or not all weights are there; its checkpoints stay.
    """
    saved = folder.parent / _SAVED
    if not saved.is_file():
        raise StageError(f"{folder}: the training ended without an error and saved no model; see runtime.launcher")
    check_saved(folder)
    flush(folder)  # the checkpoints, which are on disk, go next
    write_json(folder / FINISHED, read_json(saved))


def _without_dropout(folder: Path, options: dict[str, Any]) -> None:
    """Set the dropout of a training back to 0 in the saved configuration: whoever goes on from it sets their own."""
    path, names = folder / "config.json", [name for name in options if name.endswith(("dropout", "pdrop"))]
    if names and path.is_file():
        config = read_json(path)
        write_json(path, config | dict.fromkeys((name for name in names if name in config), 0.0))


def _name_base(path: Path, model: Any) -> None:
    """Write into an adapter which commit its base is, which peft leaves open, and its sets in order."""
    name, revision = model.model_name_or_path, model.model_revision
    before = read_adapter(Path(name)) if Path(name).is_dir() else None
    base = (before.base, before.revision) if before else (name, None if Path(name).is_dir() else revision)
    config = read_json(path) | dict(zip(("base_model_name_or_path", "revision"), base, strict=True))
    write_json(path, {key: sorted(value) if _is_set(key, value) else value for key, value in config.items()})


def _is_set(key: str, value: Any) -> bool:
    return key in _SETS and isinstance(value, list)


def _rows(dataset: Any) -> int:
    """How many rows are trained on; packed, several are one."""
    packed = "seq_lengths" in dataset.column_names
    return sum(len(lengths) for lengths in dataset["seq_lengths"]) if packed else len(dataset)
