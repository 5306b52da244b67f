"""What a training says of itself while it runs: progress for the build, checkpoints that are whole, its metrics."""

import math
import time
from pathlib import Path
from typing import Any

from builder.errors import StageError
from builder.method.train.checkpoints import make_room, mark_complete
from builder.workspace.limits.deadline import is_over, is_to_finish, stop_by_itself, would_go_on
from builder.workspace.progress import Progress

ADVICE = "lower learning_rate in the TRL recipe, or look at the rows; the last checkpoint before it stays"


def reporter(stage: Path, settings: str, *, held_out: bool) -> Any:
    """A callback for the trainer.

    Args:
        stage: The stage folder.
        settings: What a checkpoint belongs to.
        held_out: Whether there are rows to measure the loss on after the last step.
    """
    import torch
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        """Tells the build how many steps are done, marks checkpoints that are whole, stops what diverges."""

        progress: Progress | None = None
        logged: tuple[float, float] = (0.0, 0.0)
        stopped = False

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.logged = (time.monotonic(), 0.0)
            if state.is_world_process_zero:
                self.progress = Progress(stage, "steps", state.max_steps, before=state.global_step)
                stop_by_itself(stage)
                self._goes_on_from(state.global_step, args)

        def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.progress is not None:
                self.progress.tell(phase="measuring the loss")
                self.progress.beat()

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.progress is not None:
                self.progress.tell(phase="")

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.progress is not None:
                self.progress.tell(phase="saving the model")

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # The loss is logged in windows; one that ends with each checkpoint makes a resumed training log the same.
            last = state.global_step >= state.max_steps
            if not last and _one_says(is_over(stage), args.device):
                control.should_training_stop = True
                self.stopped = not is_to_finish(stage)
                control.should_save = control.should_save or self.stopped
            control.should_log = control.should_log or control.should_save or last
            control.should_evaluate = control.should_evaluate or (last and held_out)
            self._before_a_checkpoint(args, state, control)
            if self.progress is not None:
                self.progress.advance(state.global_step - self.progress.done)
                if self.stopped:
                    self.progress.tell(phase="writing a checkpoint")

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_log = control.should_log or control.should_save
            self._before_a_checkpoint(args, state, control)

        def _before_a_checkpoint(self, args: Any, state: Any, control: Any) -> None:
            # After its last step a training is saved as a model; nothing goes on from a checkpoint of that step.
            if state.global_step >= state.max_steps and not args.load_best_model_at_end:
                control.should_save = False
            if control.should_save and state.is_world_process_zero and args.save_total_limit:
                best = state.best_model_checkpoint
                make_room(Path(args.output_dir), settings, args.save_total_limit, best=best)

        def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            entry = state.log_history[-1]
            if "loss" not in entry:
                return
            norm = entry.get("grad_norm")
            # With float16 the scale of the loss is found by gradients that overflow; those steps are skipped.
            if norm is not None and not math.isfinite(norm) and not args.fp16:
                raise StageError(f"the training diverged: at step {state.global_step} the gradient is {norm}; {ADVICE}")
            if self.progress is not None:
                self.progress.tell(note=f"loss {entry['loss']:.3f}")
            now, tokens = time.monotonic(), entry.get("num_tokens", 0.0)
            entry["tokens_per_second"] = round((tokens - self.logged[1]) / max(now - self.logged[0], 1e-9), 1)
            self.logged = (now, tokens)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if torch.distributed.is_available() and torch.distributed.is_initialized():
                torch.distributed.barrier()  # every process has written its part
            # Resumed after its last step, the trainer takes one more: that checkpoint is none to go on from.
            if state.is_world_process_zero and state.global_step < state.max_steps:
                mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}", settings)
                self._goes_on_from(state.global_step, args)

        def _goes_on_from(self, step: int, args: Any) -> None:
            if not is_to_finish(stage):  # one that only measures goes on from nothing
                would_go_on(stage, step, _when_it_saves(args))

    return Reporter()


def _when_it_saves(args: Any) -> str:
    """When a training writes a checkpoint, as its TRL recipe says it."""
    strategy = str(args.save_strategy.value)
    return f"save_steps: {args.save_steps:g}" if strategy == "steps" else f"save_strategy: {strategy}"


def _one_says(over: bool, device: Any) -> bool:
    """Whether any process of a training says so; all of them must stop after the same step."""
    import torch

    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return over
    said = torch.tensor(int(over), device=device)
    torch.distributed.all_reduce(said, op=torch.distributed.ReduceOp.MAX)
    return bool(said.item())


def training_metrics(history: list[dict[str, Any]]) -> dict[str, Any]:
    """What the log of a training comes to, the same whether it was stopped on its way or not.

    Returns:
        `mean_loss` and `last_loss` of the rows trained on, and of each source the loss on its `held_out` rows, in nats
        per trained token, before the first step and after the last.
    """
    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    held_out: dict[str, dict[str, float]] = {}
    for entry in history:
        for key, value in entry.items():
            if key.startswith("eval_") and key.endswith("_loss"):
                name = key.removeprefix("eval_").removesuffix("_loss")
                held_out.setdefault(name, {"before": value})["after"] = value
    return {"mean_loss": _mean(losses), "last_loss": losses[-1][1] if losses else None, "held_out": held_out}


def _mean(losses: list[tuple[int, float]]) -> float | None:
    """The mean loss of all logged steps; the trainer's own figure forgets what came before a checkpoint."""
    if not losses:
        return None
    starts = [0, *(step for step, _ in losses)]
    return sum(loss * (step - start) for (step, loss), start in zip(losses, starts, strict=False)) / losses[-1][0]


def tokens_per_second(history: list[dict[str, Any]]) -> float | None:
    """Tokens of rows, prompts included, that a training took in a second, over its logged windows."""
    speeds = [entry["tokens_per_second"] for entry in history if "tokens_per_second" in entry]
    return round(sum(speeds) / len(speeds), 1) if speeds else None
