"""The script under `accelerate launch`: TRL's SFTTrainer on a flat TRL recipe (loss on the completion only).

Run as: python -m builder.sft --config sft.yaml. TRL's own script does the same training; this one refuses unknown
keys, keeps `model_init_kwargs`, reports progress, and leaves the finished model under `<output_dir>/final`.
"""

import sys
from pathlib import Path
from typing import Any

from builder.child import die_with_parent
from builder.progress import Progress
from builder.storage import write_json


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
    torch.manual_seed(training.seed)
    trainer = SFTTrainer(
        model=model.model_name_or_path,
        args=training,
        train_dataset=get_dataset(mixture)["train"],
        peft_config=get_peft_config(model),
        callbacks=[_reporter(Path(training.output_dir).parent)],
    )
    outcome = trainer.train()
    _save(trainer, outcome, Path(training.output_dir) / "final")


def _reporter(stage: Path) -> Any:
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        """Tells the build how many steps are done."""

        progress: Progress | None = None

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not state.is_world_process_zero:
                return
            self.progress = self.progress or Progress(stage, "steps", state.max_steps)
            self.progress.advance(state.global_step - self.progress.done)

    return Reporter()


def _save(trainer: Any, outcome: Any, folder: Path) -> None:
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    trainer.processing_class.save_pretrained(str(folder))
    (folder / "training_args.bin").unlink(missing_ok=True)
    losses = [entry for entry in trainer.state.log_history if "loss" in entry]
    metrics = {
        "rows": len(trainer.train_dataset),
        "steps": outcome.global_step,
        "mean_loss": outcome.training_loss,
        "last_loss": losses[-1]["loss"] if losses else None,
        "epochs": trainer.state.epoch,
        "train_seconds": outcome.metrics["train_runtime"],
    }
    write_json(folder / "training.json", metrics)
    write_json(folder.parents[1] / "logs" / "metrics.json", trainer.state.log_history)


if __name__ == "__main__":
    die_with_parent()
    main(sys.argv[1:])
