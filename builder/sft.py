"""The script under `accelerate launch`: TRL's SFTTrainer on a flat TRL recipe (loss on the completion only).

Run as: python -m builder.sft --config sft.yaml. TRL's own script does the same training; this one refuses unknown
keys, keeps `model_init_kwargs`, reports progress, resumes from the last whole checkpoint, and leaves the finished
model under `<output_dir>/final`.
"""

import hashlib
import math
import os
import shutil
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from builder.checkpoints import last_complete, mark_complete, remove_others
from builder.child import STAGE_PROCESS, die_with_parent
from builder.errors import StageError
from builder.failures import explain
from builder.progress import Progress
from builder.storage import write_json

FINISHED = "training.json"
"""Written last, so a model folder that holds it is whole."""
FAILED = "logs/training_error.json"
"""What went wrong in a training under a launcher."""


def main(arguments: list[str]) -> None:
    """Train once, as the TRL recipe named by `--config` says."""
    import torch
    from trl import (
        DatasetMixtureConfig,
        ModelConfig,
        ScriptArguments,
        SFTConfig,
        SFTTrainer,
        TrlParser,
        get_dataset,
        get_peft_config,
    )

    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    _, training, model, mixture = parser.parse_args_and_config(arguments)
    training.model_init_kwargs = {
        "revision": model.model_revision,
        "trust_remote_code": training.trust_remote_code,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
        "use_safetensors": True,
        **(training.model_init_kwargs or {}),
    }
    folder = Path(training.output_dir)
    settings = _settings(arguments, training.world_size)
    with training.main_process_first():
        remove_others(folder, settings)
    torch.manual_seed(training.seed)
    trainer = SFTTrainer(
        model=model.model_name_or_path,
        args=training,
        train_dataset=get_dataset(mixture)["train"],
        peft_config=get_peft_config(model),
        callbacks=[_reporter(folder.parent, settings)],
    )
    checkpoint = last_complete(folder, settings)
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    _save(trainer, outcome, folder / "final", resumed_from=checkpoint.name if checkpoint else None)


def _settings(arguments: list[str], world_size: int) -> str:
    """What a checkpoint belongs to: the resolved recipe wherever it lies, and how many processes share the data."""
    path = Path(arguments[arguments.index("--config") + 1])
    config = path.read_text(encoding="utf-8").replace(str(path.parent), "")
    return f"{hashlib.sha256(config.encode()).hexdigest()[:16]}, {world_size} processes"


def _reporter(stage: Path, settings: str) -> Any:
    import torch
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        """Tells the build how many steps are done, and marks checkpoints that are whole."""

        progress: Progress | None = None

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # The loss is logged in windows; one that ends with each checkpoint makes a resumed training log the same.
            control.should_log = control.should_log or control.should_save or state.global_step >= state.max_steps
            if not state.is_world_process_zero:
                return
            self.progress = self.progress or Progress(stage, "steps", state.max_steps)
            self.progress.advance(state.global_step - self.progress.done)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_log = control.should_log or control.should_save

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if torch.distributed.is_available() and torch.distributed.is_initialized():
                torch.distributed.barrier()  # every process has written its part
            # Resumed after its last step, the trainer takes one more: that checkpoint is none to go on from.
            if state.is_world_process_zero and state.global_step < state.max_steps:
                mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}", settings)

    return Reporter()


def _save(trainer: Any, outcome: Any, folder: Path, *, resumed_from: str | None) -> None:
    if trainer.is_world_process_zero():
        shutil.rmtree(folder, ignore_errors=True)
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    trainer.processing_class.save_pretrained(str(folder))
    (folder / "training_args.bin").unlink(missing_ok=True)
    history = trainer.state.log_history
    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    norms = [entry["grad_norm"] for entry in history if entry.get("grad_norm") is not None]
    if norms and not math.isfinite(norms[-1]):
        raise StageError("the training diverged: its last gradient is no number; lower learning_rate in the TRL recipe")
    metrics = {
        "rows": len(trainer.train_dataset),
        "steps": outcome.global_step,
        "mean_loss": _mean(losses),
        "last_loss": losses[-1][1] if losses else None,
        "epochs": trainer.state.epoch,
    }
    log = {"resumed_from": resumed_from, "seconds": outcome.metrics["train_runtime"], "history": history}
    write_json(folder.parents[1] / "logs" / "metrics.json", log)
    write_json(folder / FINISHED, metrics)


def _mean(losses: list[tuple[int, float]]) -> float | None:
    """The mean loss of all logged steps; the trainer's own figure forgets what came before a checkpoint."""
    if not losses:
        return None
    starts = [0, *(step for step, _ in losses)]
    return sum(loss * (step - start) for (step, loss), start in zip(losses, starts, strict=False)) / losses[-1][0]


def _main_of_a_launcher() -> int:
    """Train under a launcher, and leave what went wrong where the stage looks for it."""
    die_with_parent()
    if not Path(f"/proc/{os.environ.get(STAGE_PROCESS, 'self')}").exists() and sys.platform == "linux":
        return 1  # the stage ended before this process could ask to end with it
    try:
        main(sys.argv[1:])
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        traceback.print_exc()
        with suppress(OSError):
            write_json(Path(sys.argv[sys.argv.index("--config") + 1]).parent / FAILED, {"error": message})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main_of_a_launcher())
