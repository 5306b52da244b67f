"""Training stages: rows and a resolved TRL recipe for M_yx and every M_t; TRL trains them (paper 2.1, 2.3, 3.1)."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml

from builder.augment import backward_prompt
from builder.child import LOG, STAGE_PROCESS, die_with_parent, last_words
from builder.errors import StageError
from builder.llm.contract import ChatContract, Renderer, make_contract
from builder.llm.engine import load_tokenizer
from builder.recipe import Chat, Origin, Runtime
from builder.records import HALVES, Counts, Half, Rejects, Stats, half_of, rejected_schema, training_schema
from builder.section import Named, Section
from builder.sft import FAILED, FINISHED
from builder.storage import read_json, read_rows, write_rows, write_text
from builder.training_recipe import read_training_recipe, refuse_wrong_keys

VERSION = 1
Role = Literal["forward", "backward"]


class BackwardStage(Section):
    """What the stage `model-backward` depends on."""

    base: Origin
    chat: Chat
    recipe: Named
    template: Literal["backward"] | Named


class ForwardStage(Section):
    """What the stages `model-0` to `model-N` depend on."""

    base: Origin
    chat: Chat
    recipe: Named


class HalfStage(ForwardStage):
    """What a model of cross-fitting depends on: it trains on one half of the curated pages."""

    half: Half


def train_backward(out: Path, config: BackwardStage, seed: Path, *, runtime: Runtime) -> Stats:
    """Train M_yx on (output -> instruction) seed pairs (section 2.2).

    Args:
        out: Stage folder; the model goes to `model/`, its rows to `rows/`, TRL's recipe to `sft.yaml`.
        config: Base and chat sections, TRL recipe, and the prompt template of augment.
        seed: Stage folder of the seed pairs.
        runtime: Launcher and threads.

    Raises:
        StageError: If the training fails or no row fits its maximum length.
    """
    renderer = _renderer(config.base, config.chat, "backward")
    rows = (
        _row(pair["id"], backward_prompt(renderer, config.template, pair["output"]), pair["instruction"])
        for pair in read_rows(seed / "data")
    )
    return _train(out, config.base, config.recipe, renderer, {"seed": rows}, runtime)


def train_forward(
    out: Path, config: ForwardStage, seed: Path, curated: Path | None = None, previous: Path | None = None,
    *, runtime: Runtime,
) -> Stats:  # fmt: skip
    """Train M_t on the seed, tagged S_a, and for t > 0 on the curated pairs, tagged S_w (section 2.3).

    Args:
        out: Stage folder; the model goes to `model/`, its rows to `rows/`, TRL's recipe to `sft.yaml`.
        config: Base and chat sections, TRL recipe; and the half of the pages, for a model of cross-fitting.
        seed: Stage folder of the seed pairs.
        curated: Stage folder of A_k(t); None for M_0. Its test rows are not trained on.
        previous: Stage folder of M_{t-1}, where training starts with `init: previous`.
        runtime: Launcher and threads.

    Raises:
        StageError: If the training fails or no row fits its maximum length.
    """
    renderer = _renderer(config.base, config.chat, "forward")
    rows = {"seed": _forward_rows(renderer, "seed", read_rows(seed / "data"))}
    if curated is not None:
        halves = (config.half,) if isinstance(config, HalfStage) else HALVES
        kept = (
            row for row in read_rows(curated / "data") if row["split"] == "train" and half_of(row["page_id"]) in halves
        )
        rows["curated"] = _forward_rows(renderer, "web", kept)
    start = previous / "model" if previous is not None else None
    return _train(out, config.base, config.recipe, renderer, rows, runtime, start=start)


def _renderer(base: Origin, chat: Chat, role: Role) -> Renderer:
    tokenizer = load_tokenizer(base.location, base.revision)
    return Renderer(make_contract(chat, role, tokenizer), tokenizer)


def _forward_rows(
    renderer: Renderer, tag: Literal["seed", "web"], pairs: Iterable[dict[str, Any]]
) -> Iterable[dict[str, Any]]:
    for pair in pairs:
        prompt = [renderer.contract.system(tag), {"role": "user", "content": pair["instruction"]}]
        yield _row(pair["id"], prompt, pair["output"])


def _row(row_id: str, prompt: list[dict[str, str]], answer: str) -> dict[str, Any]:
    return {"id": row_id, "prompt": prompt, "completion": [{"role": "assistant", "content": answer}]}


def _train(
    out: Path,
    base: Origin,
    recipe: Path,
    renderer: Renderer,
    sources: dict[str, Iterable[dict[str, Any]]],
    runtime: Runtime,
    *,
    start: Path | None = None,
) -> Stats:
    """Write rows and resolved recipe, let TRL train, and put the finished model under its final name."""
    options = read_training_recipe(recipe)
    refuse_wrong_keys(recipe, options)
    counts, details = _write_training_rows(out, sources, renderer, options.get("max_length", 1024))
    template = out / "chat_template.jinja"
    write_text(template, renderer.contract.template)
    resolved = {
        "report_to": "none",
        "save_total_limit": 2,  # one is always whole while the other is being written
        **options,
        "model_name_or_path": str(start or base.location),
        **({} if start or base.revision is None else {"model_revision": base.revision}),
        "trust_remote_code": False,
        "chat_template_path": str(template),
        "eos_token": renderer.contract.end_token,
        "completion_only_loss": True,
        "datasets": [_entry(out, name) for name in sources],
        "output_dir": str(out / "training"),
    }
    write_text(out / "sft.yaml", yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))
    metrics = _trained(out, renderer.contract, runtime)
    if metrics["rows"] != counts.kept:
        shutil.rmtree(out / "model")
        raise StageError(f"TRL trained on {metrics['rows']:,} of {counts.kept:,} rows; see {out / 'logs/child.log'}")
    shutil.rmtree(out / "training", ignore_errors=True)
    return Stats({"rows": counts}, details | metrics)


def _trained(out: Path, contract: ChatContract, runtime: Runtime) -> dict[str, Any]:
    """Train, or go on from where an earlier run of this stage was stopped; return the metrics of the training."""
    finished = out / "training" / "final"
    if not (out / "model").exists():
        if not (finished / FINISHED).is_file():
            _launch(out, runtime)
        contract.save(finished)  # here too, where an earlier run was stopped in between
        finished.rename(out / "model")
    return dict(read_json(out / "model" / FINISHED))


def _write_training_rows(
    out: Path, sources: dict[str, Iterable[dict[str, Any]]], renderer: Renderer, max_length: int | None
) -> tuple[Counts, dict[str, Any]]:
    """Write the rows of each source; a row longer than `max_length` tokens, or with a forged turn, is dropped whole.

    Departure: the paper says nothing of long rows; a cut answer would teach cut answers.
    """
    counts, details, rejects = Counts(), {}, Rejects()
    for name, rows in sources.items():
        fitting = []
        for row in rows:
            counts.rows_in += 1
            reason = _why_drop(row, renderer, max_length)
            if reason is None:
                fitting.append(row)
            else:
                counts.dropped[reason] += 1
                rejects.add(row["id"], reason)
        details[f"{name}_rows"] = write_rows(out / "rows" / f"{name}.parquet", fitting, training_schema())
        counts.kept += details[f"{name}_rows"]
    write_rows(out / "rejected" / "rows.parquet", rejects.rows, rejected_schema())
    if not counts.kept:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in counts.dropped.most_common())
        raise StageError(
            f"no row fits max_length: {max_length} and is free of control tokens of the base ({reasons}); "
            "raise max_length in the TRL recipe, or choose other rows"
        )
    return counts, details


def _why_drop(row: dict[str, Any], renderer: Renderer, max_length: int | None) -> str | None:
    """Why a row is not trained on, or None; a forged turn may break the template, so it is looked for first."""
    if renderer.forged([*row["prompt"], *row["completion"]]):
        return "control_tokens"
    ids, _ = renderer.answered(row["prompt"], row["completion"][0]["content"])
    return "longer_than_max_length" if max_length is not None and len(ids) > max_length else None


def _entry(out: Path, name: str) -> dict[str, Any]:
    data = str(out / "rows" / f"{name}.parquet")
    return {"path": "parquet", "data_files": data, "split": "train", "columns": ["prompt", "completion"]}


def _launch(out: Path, runtime: Runtime) -> None:
    """Run `builder.sft`: in this process, or under the launcher of the recipe; no shell is involved."""
    arguments = ["--config", str(out / "sft.yaml")]
    cache = out / "training" / "datasets"
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["HF_DATASETS_CACHE"] = str(cache)
    if runtime.launcher:
        _launch_command([*shlex.split(runtime.launcher), "-m", "builder.sft", *arguments], out)
    else:
        _train_here(arguments)
    shutil.rmtree(cache, ignore_errors=True)


def _train_here(arguments: list[str]) -> None:
    from builder.sft import main

    try:
        main(arguments)
    except ModuleNotFoundError as error:
        raise StageError(f"{error.name} is not installed: pip install 'humpback-builder[train]'") from error


def _launch_command(command: list[str], out: Path) -> None:
    (out / FAILED).unlink(missing_ok=True)
    environment, here = os.environ | {STAGE_PROCESS: str(os.getpid())}, os.getpid()
    try:
        code = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, env=environment, preexec_fn=lambda: die_with_parent(here)
        ).returncode
    except OSError as error:
        raise StageError(f"runtime.launcher: {command[0]}: {error.strerror}; give a command that exists") from error
    if code and (out / FAILED).is_file():
        raise StageError(str(read_json(out / FAILED)["error"]))
    if code:
        raise StageError(
            f"{command[0]} ended with exit code {code}; what it said is in {out / LOG}{last_words(out / LOG)}"
        )
