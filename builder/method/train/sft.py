"""The script under `accelerate launch`: TRL's SFTTrainer on a flat TRL recipe (loss on the completion only).

Run as: python -m builder.method.train.sft --config sft.yaml. TRL's own script does the same training; this one refuses
unknown keys, shares the rows of a step among the processes there are, looks at what will be trained before the first
step, measures the loss on held-out rows, stops when the loss is no number, reports progress, resumes from the last
whole checkpoint, and leaves the finished model under `<output_dir>/final`.
"""

import argparse
import hashlib
import os
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from builder.data.redaction import redact_output
from builder.data.storage import count_rows, parquet_files, write_json, write_text
from builder.errors import StageError, TimeIsUp
from builder.llm.adapters import read_adapter, refuse_other_class
from builder.llm.attention import LEAVES_OUT, bends_attention
from builder.llm.chat_tokens import untrained_tokens
from builder.llm.contract import load_contract
from builder.llm.model_files import missing_attention, refuse_untrusted
from builder.llm.opening import SAFELY, add_adapter, open_model
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.checkpoints import last_complete, remove_others
from builder.method.train.log import ADVICE, reporter
from builder.method.train.output import save_model
from builder.method.train.preflight import Example, check_examples, describe_examples, first_training_rows, made_by_trl
from builder.method.train.rows import HELD_OUT, ROWS
from builder.method.train.schedule import share_of_a_process
from builder.method.train.sharding import keep_float32, refuse_unsaved, state_dict_type
from builder.workspace.child import STAGE_PROCESS
from builder.workspace.environment import prepare_allocators
from builder.workspace.failures import explain
from builder.workspace.processes import die_with_parent
from builder.workspace.progress import Progress, notice

FAILED = "logs/training_error.json"
"""What went wrong in a training under a launcher."""
FIXED = ("revision", *SAFELY)
"""Options of `from_pretrained` that no recipe changes."""
PREFLIGHT = "logs/preflight.txt"
_LOOKED_AT = "preflight"


class Arguments(NamedTuple):
    """The parts of a TRL recipe, and the rows of a step, if the build says them."""

    training: Any
    model: Any
    mixture: Any
    global_batch: int | None


def main(arguments: list[str]) -> None:
    """Train once, as the TRL recipe named by `--config` says."""
    prepare_allocators()
    import torch
    from trl import get_dataset

    given = read_arguments(arguments)
    training = given.training
    folder = Path(training.output_dir)
    stage = folder.parent
    _share_batch(given)
    settings = _settings(arguments, training.world_size)
    with training.main_process_first():
        remove_others(folder, settings)
    checkpoint = last_complete(folder, settings)
    torch.manual_seed(training.seed)
    if training.process_index == 0:
        Progress(stage, "steps", phase="loading the model")
    rows, held_out = first_training_rows(stage / ROWS), _held_out(stage)
    _refuse_evaluation_of_nothing(training, held_out)
    training.eval_on_start = bool(held_out) and checkpoint is None
    training.eval_packing = False
    watch = reporter(stage, settings, held_out=bool(held_out))
    trainer = make_trainer(
        given,
        train_dataset=get_dataset(given.mixture)["train"],
        eval_dataset={**held_out, _LOOKED_AT: _dataset(row for _, row in rows)},
        callbacks=[watch],
    )
    refuse_unsaved(trainer.accelerator.state, training)
    keep_float32(trainer.accelerator.state)
    _warn_of_unshared_weights(trainer, stage)
    _look_at(trainer, rows, stage)
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if watch.stopped:
        raise TimeIsUp(f"stopped at the checkpoint of step {outcome.global_step}")
    save_model(trainer, outcome, given.model, folder / "final", resumed_from=checkpoint.name if checkpoint else None)


def read_arguments(arguments: list[str]) -> Arguments:
    """What TRL's own parser makes of the recipe; a key that it does not know is an error."""
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig, TrlParser

    ours = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    ours.add_argument("--global_batch", type=int)
    own, of_trl = ours.parse_known_args(arguments)
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    _, training, model, mixture = parser.parse_args_and_config(of_trl)
    training.model_init_kwargs = {
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
        **(training.model_init_kwargs or {}),
        "revision": model.model_revision,
        **SAFELY,
    }
    return Arguments(training, model, mixture, own.global_batch)


def _share_batch(given: Arguments) -> None:
    if given.global_batch is None:
        return
    training = given.training
    share = share_of_a_process(given.global_batch, training.world_size, training.per_device_train_batch_size)
    training.per_device_train_batch_size, training.gradient_accumulation_steps = share


def _settings(arguments: list[str], world_size: int) -> str:
    """What a checkpoint belongs to: the resolved recipe wherever it lies, and how many processes share the data."""
    path = Path(arguments[arguments.index("--config") + 1])
    config = path.read_text(encoding="utf-8").replace(str(path.parent), "")
    return f"{hashlib.sha256(config.encode()).hexdigest()[:16]}, {world_size} processes"


def _held_out(stage: Path) -> dict[str, Any]:
    """The held-out rows of each source that has some."""
    from datasets import Dataset

    files = parquet_files(stage / HELD_OUT) if (stage / HELD_OUT).is_dir() else []
    columns = ["prompt", "completion"]
    return {path.stem: Dataset.from_parquet(str(path), columns=columns) for path in files if count_rows(path)}


def _refuse_evaluation_of_nothing(training: Any, held_out: dict[str, Any]) -> None:
    if training.eval_strategy != "no" and not held_out:
        raise StageError(
            f"eval_strategy is {str(training.eval_strategy.value)!r} in the TRL recipe, and no rows are held out; set "
            "training.held_out, or eval_strategy: 'no'"
        )


def _dataset(rows: Any) -> Any:
    from datasets import Dataset

    return Dataset.from_list([{"prompt": row["prompt"], "completion": row["completion"]} for row in rows])


def make_trainer(given: Arguments, **options: Any) -> Any:
    """TRL's trainer, stopping at a loss that is no number; `options` are the trainer's own.

    A `model` among them stands in for the one of the recipe.
    """
    import torch
    from torch.utils.data import RandomSampler
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]
        """Stops before a loss that is no number reaches the weights; gives each step the rows that the build says."""

        def _get_train_sampler(self, *arguments: Any, **options: Any) -> Any:
            # At the end of an epoch one device would make a shorter step, several would fill it with rows it has had.
            sampler = super()._get_train_sampler(*arguments, **options)
            rows = len(sampler) if isinstance(sampler, RandomSampler) else 0
            whole = rows - rows % given.global_batch if given.global_batch else 0
            return RandomSampler(sampler.data_source, num_samples=whole) if whole else sampler

        def training_step(self, *arguments: Any, **options: Any) -> Any:
            loss = super().training_step(*arguments, **options)
            if not torch.isfinite(loss):
                raise StageError(
                    f"the training diverged: at step {self.state.global_step + 1} the loss is {loss.item()}; {ADVICE}"
                )
            return loss

    if "model" not in options:
        options |= _start(given)
    return Trainer(args=given.training, **options)


def _start(given: Arguments) -> dict[str, Any]:
    """Where training starts: the named model, alone or under a new adapter, or an adapter that is trained further.

    The tokenizer is loaded as at inference, and only once.
    """
    from trl import get_peft_config, get_quantization_config

    name, quantization = given.model.model_name_or_path, get_quantization_config(given.model)
    adapter = read_adapter(Path(name)) if Path(name).is_dir() else None
    _keep_bent_attention(given, *((adapter.base, adapter.revision) if adapter else (name, given.model.model_revision)))
    attention = given.training.model_init_kwargs["attn_implementation"]
    if problem := attention and missing_attention(attention):
        raise StageError(f"attn_implementation is {attention!r} in the TRL recipe, {problem}")
    if adapter is None:
        refuse_untrusted(name, given.model.model_revision, weights=True)  # TRL opens it by its name
        if given.model.use_peft:
            refuse_other_class(name, given.model.model_revision)
        return {
            "model": name,
            "processing_class": load_tokenizer(name, given.model.model_revision),
            "peft_config": get_peft_config(given.model),
            "quantization_config": quantization,
        }
    options = {"quantization_config": quantization} if quantization else {}
    options |= {key: value for key, value in given.training.model_init_kwargs.items() if key not in FIXED}
    model = add_adapter(open_model(adapter.base, adapter.revision, **options), adapter.folder, trainable=True)
    return {"model": model, "processing_class": load_tokenizer(adapter.folder)}


def _keep_bent_attention(given: Arguments, base: str, revision: str | None) -> None:
    """Train a model whose attention is bent with an attention that does it."""
    options = given.training.model_init_kwargs
    if options["attn_implementation"] not in (None, LEAVES_OUT) or not bends_attention(base, revision):
        return
    if options["attn_implementation"] == LEAVES_OUT:
        raise StageError(
            f"attn_implementation is {LEAVES_OUT!r} in the TRL recipe, which leaves out the attn_logit_softcapping of "
            f"{base}; set it to eager, or to flash_attention_2"
        )
    options["attn_implementation"] = "eager"


def _look_at(trainer: Any, rows: list[tuple[str, Any]], stage: Path) -> None:
    """Hold what TRL has made of some rows against what the model will be given, and write it to the stage's log.

    Raises:
        StageError: If they differ; nothing is trained then.
    """
    prepared = trainer.eval_dataset.pop(_LOOKED_AT)
    renderer = Renderer(load_contract(stage), trainer.processing_class)
    examples = made_by_trl(rows, prepared)
    if trainer.is_world_process_zero():
        text = describe_examples(examples, renderer, colour=False)
        write_text(stage / PREFLIGHT, text + "\n")
        sys.stdout.write(f"{text}\n")
        _warn_of_untrained_tokens(trainer, examples, renderer, stage)
    check_examples(examples, renderer)


def _warn_of_unshared_weights(trainer: Any, stage: Path) -> None:
    asked = state_dict_type(trainer.accelerator.state, trainer.args) is not None
    if asked and not trainer.is_fsdp_enabled and trainer.is_world_process_zero():
        notice(stage, "FSDP is asked for, and accelerate shares weights on GPUs alone: each process holds all of them")


def _warn_of_untrained_tokens(trainer: Any, examples: list[Example], renderer: Renderer, stage: Path) -> None:
    """Tell the user of tokens of the chat template that neither the base nor an adapter is trained on."""
    if not hasattr(trainer.model, "peft_config"):
        return
    added = renderer.tokenizer.added_tokens_decoder
    shown = {token for example in examples for token in example.ids if token in added} | {renderer.end_id}
    names = [str(name) for name in renderer.tokenizer.convert_ids_to_tokens(untrained_tokens(trainer.model, shown))]
    if names:
        notice(
            stage,
            f"use_peft is true, and the base looks never to have been trained on {', '.join(names)} of the chat "
            "template, whose embeddings an adapter leaves as they are: the model may not learn where a turn ends; "
            "train whole weights, or name embed_tokens and lm_head in lora_modules_to_save (not with engine.kind "
            "vllm), or set chat.template to one of tokens that the base knows",
        )


def main_of_a_rank(train: Callable[[list[str]], None] = main) -> int:
    """Train under a launcher, and leave what went wrong where the stage looks for it; end with either of the two."""
    redact_output()
    die_with_parent()
    if stage_has_ended():
        return 1  # before this process could ask to end with it
    try:
        train(sys.argv[1:])
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        traceback.print_exc()
        with suppress(OSError):
            failed = {"error": message, "exit_code": getattr(error, "exit_code", 1)}
            write_json(Path(sys.argv[sys.argv.index("--config") + 1]).parent / FAILED, failed)
        return 1
    return 0


def stage_has_ended() -> bool:
    """Whether the process of the stage is gone; on the other machines of a training one cannot see that."""
    process, _, host = os.environ.get(STAGE_PROCESS, "").partition("@")
    return (
        bool(process)
        and host == socket.gethostname()
        and sys.platform == "linux"
        and not Path(f"/proc/{process}").exists()
    )


if __name__ == "__main__":
    sys.exit(main_of_a_rank())
