"""Training stages: rows and a resolved TRL recipe for M_yx and every M_t; TRL trains them (paper 2.1, 2.3, 3.1)."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml

from builder.data.accounting import Stats
from builder.data.records import Row
from builder.data.storage import read_json, read_rows, write_text
from builder.errors import StageError
from builder.llm.contract import TEMPLATE_FILE, ChatContract, Role, make_contract
from builder.llm.opening import open_config
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.launch import launch, launcher_problems, leave_one_gpu
from builder.method.train.output import FINISHED
from builder.method.train.recipe import read_training_recipe, refuse_wrong_keys, resolve_recipe, schedule_problems
from builder.method.train.rows import Source, backward_rows, forward_rows, write_training_rows
from builder.recipe.sections.models import Chat, Origin
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Named, Section
from builder.recipe.sections.training import Schedule
from builder.workspace.progress import announce, phase
from builder.workspace.stage_names import HALVES, Half, half_of

VERSION = 3


class BackwardStage(Section):
    """What the stage `model-backward` depends on."""

    base: Origin
    chat: Chat
    recipe: Named
    schedule: Schedule = Schedule()
    template: Literal["backward"] | Named


class ForwardStage(Section):
    """What the stages `model-0` to `model-N` depend on."""

    base: Origin
    chat: Chat
    recipe: Named
    schedule: Schedule = Schedule()


class HalfStage(ForwardStage):
    """What a model of cross-fitting depends on: it trains on one half of the curated pages."""

    half: Half


class SeedStage(ForwardStage):
    """What a repeated training of the final model depends on: another seed than its TRL recipe has."""

    seed: int


def train_backward(out: Path, config: BackwardStage, seed: Path, *, runtime: Runtime) -> Stats:
    """Train M_yx on (output -> instruction) seed pairs (section 2.2).

    Args:
        out: Stage folder; the model goes to `model/`, its rows to `rows/`, TRL's recipe to `sft.yaml`.
        config: Base and chat sections, TRL recipe and schedule, and the prompt template of augment.
        seed: Stage folder of the seed pairs.
        runtime: Launcher and threads.

    Raises:
        StageError: If the training fails, no row fits its maximum length, or too many do not.
    """
    leave_one_gpu(out, runtime)
    renderer = role_renderer(config.base, config.chat, "backward")
    rows = backward_rows(renderer, config.template, read_rows(seed / "data"))
    return _train(out, config, renderer, {"seed": Source(rows, config.schedule.held_out)}, runtime)


def train_forward(
    out: Path, config: ForwardStage, seed: Path, curated: Path | None = None, previous: Path | None = None,
    *, runtime: Runtime,
) -> Stats:  # fmt: skip
    """Train M_t on the seed, tagged S_a, and for t > 0 on the curated pairs, tagged S_w (section 2.3).

    Args:
        out: Stage folder; the model goes to `model/`, its rows to `rows/`, TRL's recipe to `sft.yaml`.
        config: Base and chat sections, TRL recipe and schedule; and the half of the pages, for a model of
            cross-fitting, or the seed of a repeated training.
        seed: Stage folder of the seed pairs.
        curated: Stage folder of A_k(t); None for M_0. Its test rows are not trained on.
        previous: Stage folder of M_{t-1}, where training starts with `init: previous`.
        runtime: Launcher and threads.

    Raises:
        StageError: If the training fails, no row fits its maximum length, or too many do not.
    """
    leave_one_gpu(out, runtime)
    renderer = role_renderer(config.base, config.chat, "forward")
    pairs = forward_rows(renderer, "seed", read_rows(seed / "data"))
    sources = {"seed": Source(pairs, config.schedule.held_out)}
    if curated is not None:
        halves = (config.half,) if isinstance(config, HalfStage) else HALVES
        kept = (
            row for row in read_rows(curated / "data") if row["split"] == "train" and half_of(row["page_id"]) in halves
        )
        withheld = (row for row in read_rows(curated / "data") if row["split"] == "test")
        sources["curated"] = Source(
            forward_rows(renderer, "web", kept), held_out=forward_rows(renderer, "web", withheld)
        )
    start = previous / "model" if previous is not None else None
    return _train(out, config, renderer, sources, runtime, start=start)


def train_curated(out: Path, config: ForwardStage, curated: Path, *, runtime: Runtime) -> Stats:
    """Train a model on curated pairs alone, tagged S_w: the paper's "self-curated only", for comparison (section 3.4).

    Args:
        out: Stage folder, as of `train_forward`.
        config: Base and chat sections, TRL recipe and schedule.
        curated: Stage folder of the pairs. Its test rows are not trained on.
        runtime: Launcher and threads.

    Raises:
        StageError: As `train_forward` does.
    """
    leave_one_gpu(out, runtime)
    renderer = role_renderer(config.base, config.chat, "forward")
    kept, withheld = _of_split(curated, "train"), _of_split(curated, "test")
    rows = Source(forward_rows(renderer, "web", kept), held_out=forward_rows(renderer, "web", withheld))
    return _train(out, config, renderer, {"curated": rows}, runtime)


def _of_split(curated: Path, split: str) -> Iterator[Row]:
    return (row for row in read_rows(curated / "data") if row["split"] == split)


def role_renderer(base: Origin, chat: Chat, role: Role) -> Renderer:
    """How a model that is trained from this base will turn conversations into tokens.

    Raises:
        StageError: If the base cannot be loaded, its tokenizer does not belong to it, or the template does not work.
    """
    try:
        tokenizer = load_tokenizer(base.location, base.revision)
    except StageError as error:
        if base.model is None:
            raise
        raise StageError(
            f"{error} (revision {base.revision}); if that commit is gone, name another one as base.revision, and if "
            "the network was away, run the same command again"
        ) from error
    _refuse_missing_embeddings(base, len(tokenizer))
    return Renderer(make_contract(chat, role, tokenizer), tokenizer)


def _refuse_missing_embeddings(base: Origin, tokens: int) -> None:
    """Raise a StageError if the tokenizer of a base has tokens that the model has no embeddings for."""
    try:
        config = open_config(base.location, base.revision)
    except (OSError, ValueError) as error:
        raise StageError(f"{base.location}: the base cannot be loaded: {str(error).splitlines()[0]}") from error
    embedded = config.get_text_config().vocab_size
    if tokens > embedded:
        raise StageError(
            f"{base.location}: the tokenizer has {tokens:,} tokens, the model embeddings for {embedded:,}; they do not "
            "belong together, use the tokenizer that the model was trained with"
        )


def _train(
    out: Path,
    config: BackwardStage | ForwardStage,
    renderer: Renderer,
    sources: dict[str, Source],
    runtime: Runtime,
    *,
    start: Path | None = None,
) -> Stats:
    """Write rows and resolved recipe, let TRL train, and put the finished model under its final name."""
    options = read_training_recipe(config.recipe)
    refuse_wrong_keys(config.recipe, options)
    _refuse(schedule_problems(config.recipe, options, config.schedule))
    _refuse(launcher_problems(runtime.launcher))
    _refuse(_start_problems(options, start))
    with phase("making the rows"):
        counts, details = write_training_rows(
            out, sources, renderer, options.get("max_length", 1024), runtime.max_too_long
        )
    renderer.contract.save(out)
    resolved, batch = resolve_recipe(options, config.schedule, counts.kept, runtime.device_batch)
    resolved |= {
        "model_name_or_path": str(start or config.base.location),
        **({} if start or config.base.revision is None else {"model_revision": config.base.revision}),
        "trust_remote_code": False,
        "chat_template_path": str(out / TEMPLATE_FILE),
        "eos_token": renderer.contract.end_token,
        "completion_only_loss": True,
        "datasets": [_entry(out, name) for name in sources],
        "output_dir": str(out / "training"),
    }
    if isinstance(config, SeedStage):
        resolved["seed"] = config.seed
    write_text(out / "sft.yaml", yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))
    metrics = _trained(out, renderer.contract, [] if batch is None else ["--global_batch", str(batch)], runtime)
    if metrics["rows"] != counts.kept:
        shutil.rmtree(out / "model")
        raise StageError(f"TRL trained on {metrics['rows']:,} of {counts.kept:,} rows; see {out / 'logs/child.log'}")
    shutil.rmtree(out / "training", ignore_errors=True)
    return Stats({"rows": counts}, details | metrics)


def _trained(out: Path, contract: ChatContract, arguments: list[str], runtime: Runtime) -> dict[str, Any]:
    """Train, or go on from where an earlier run of this stage was stopped; return the metrics of the training."""
    finished = out / "training" / "final"
    if not (out / "model").exists():
        if not (finished / FINISHED).is_file():
            announce("starting the trainer")
            launch(out, arguments, runtime)
        contract.save(finished)  # here too, where an earlier run was stopped in between
        finished.rename(out / "model")
    return dict(read_json(out / "model" / FINISHED))


def _refuse(problems: list[str]) -> None:
    if problems:
        raise StageError("\n".join(problems))


def _start_problems(options: dict[str, Any], start: Path | None) -> list[str]:
    if start is None or not (start / "adapter_config.json").is_file() or options.get("use_peft"):
        return []
    return [f"{start}: is an adapter, and this TRL recipe trains whole weights; set use_peft in both, or init: base"]


def _entry(out: Path, name: str) -> dict[str, Any]:
    data = str(out / "rows" / f"{name}.parquet")
    return {"path": "parquet", "data_files": data, "split": "train", "columns": ["prompt", "completion"]}
