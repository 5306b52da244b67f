"""What `humpback check` finds by rendering: whether chat templates work, and what of a few rows would be trained.

For the preflight (`--preflight`) TRL prepares the rows with the recipe's settings and the base's tokenizer, around a
model of a few hundred weights.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from builder.build import Build
from builder.data.records import Row
from builder.data.storage import read_rows
from builder.errors import BuilderError, RecipeError, StageError
from builder.llm.contract import TEMPLATE_FILE, Role
from builder.llm.engines.generators import other_renderer
from builder.llm.prompts import render
from builder.llm.renderer import Renderer
from builder.method.curate.scoring.ratings import score_position
from builder.method.train.preflight import SHOWN_ROWS, Example, check_examples, describe_examples, made_by_trl
from builder.method.train.recipe import read_training_recipe, resolve_recipe
from builder.method.train.rows import backward_rows, forward_rows, why_drop
from builder.method.train.stage import role_renderer
from builder.recipe.recipe import Recipe
from builder.recipe.sections.judges import Expected, Rated, Reasoned
from builder.recipe.sections.models import Chat, Loaded, Origin
from builder.workspace.workspace import Artifact

PAIRS = [
    {"id": f"example {number}", "instruction": instruction, "output": output}
    for number, (instruction, output) in enumerate((
        ("How should I store apples?", "Keep them in a cool, dark room.\nDamp is bad for them."),
        ("Write two words that mean glad.", "1. happy\n2. pleased"),
        ("What is 3 × 4?", "12"),
    ), start=1)
]  # fmt: skip
"""Stand-ins for rows that are not there yet."""
_OF_THE_MACHINE = ("deepspeed", "fsdp", "fsdp_config", "tf32", "fp16", "use_liger_kernel", "eval_strategy")


def preflight_recipe(build: Build) -> dict[str, str]:
    """Show and check what of three rows of each kind would be trained.

    Args:
        build: Rows are taken from the stages that are done, and stand-ins where there are none.

    Returns:
        By model, the rows in colour.

    Raises:
        RecipeError: If a loss would be on other tokens than the answer's and its end, or the prompt another than at
            inference; or if the base or the template do not work.
    """
    try:
        return dict(_looked_at(build))
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"--preflight: {error.name} is not installed: pip install 'humpback-builder[train]'"
        ) from error
    except StageError as error:
        raise RecipeError(str(error)) from error


def _looked_at(build: Build) -> Iterator[tuple[str, str]]:
    recipe, seed, curated = build.recipe, _pairs([build.seed, build.human]), _pairs([*reversed(build.curated)])
    files: dict[Role, Path] = {"backward": recipe.training.backward, "forward": recipe.training.forward}
    for role, file in files.items():
        renderer = role_renderer(recipe.base.origin, recipe.chat, role)
        rows = _backward(recipe, renderer, seed) if role == "backward" else _forward(renderer, seed, curated)
        examples = _prepared(recipe, file, renderer, rows)
        check_examples(examples, renderer)
        yield f"{role} model, {file.name}", describe_examples(examples, renderer, colour=True)


def _pairs(stages: list[Artifact]) -> tuple[str, list[Row]]:
    """Where pairs come from, and some of them: the first of the stages that is done."""
    for stage in stages:
        if stage.status == "done":
            return stage.stage, list(islice(read_rows(stage.data), 50))
    return f"made up, {stages[-1].stage} has not run", PAIRS


def _backward(recipe: Recipe, renderer: Renderer, seed: tuple[str, list[Row]]) -> Iterator[tuple[str, Row]]:
    yield from ((f"seed ({seed[0]})", row) for row in backward_rows(renderer, recipe.augment.template, seed[1]))


def _forward(
    renderer: Renderer, seed: tuple[str, list[Row]], curated: tuple[str, list[Row]]
) -> Iterator[tuple[str, Row]]:
    yield from ((f"seed ({seed[0]})", row) for row in forward_rows(renderer, "seed", seed[1]))
    yield from ((f"curated ({curated[0]})", row) for row in forward_rows(renderer, "web", curated[1]))


def _prepared(recipe: Recipe, file: Path, renderer: Renderer, rows: Iterable[tuple[str, Row]]) -> list[Example]:
    """The first rows of each kind that fit, as TRL prepares them."""
    options = read_training_recipe(file)
    by_kind: dict[str, list[Row]] = {}
    for kind, row in rows:
        if why_drop(row, renderer, options.get("max_length", 1024)) is None:
            by_kind.setdefault(kind, []).append(row)
    chosen = [(kind, row) for kind, of_kind in by_kind.items() for row in of_kind[:SHOWN_ROWS]]
    if not chosen:
        raise StageError(f"{file}: none of the first rows fits max_length; raise it")
    with tempfile.TemporaryDirectory() as scratch:
        return made_by_trl(chosen, _by_trl(recipe, options, renderer, [row for _, row in chosen], Path(scratch)))


def _by_trl(
    recipe: Recipe, options: dict[str, Any], renderer: Renderer, rows: list[Row], scratch: Path
) -> list[dict[str, Any]]:
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM

    from builder.method.train.sft import make_trainer, read_arguments

    renderer.contract.save(scratch)
    resolved, _ = resolve_recipe(options, recipe.training.schedule, len(rows), None)
    resolved = {key: value for key, value in resolved.items() if key not in _OF_THE_MACHINE} | {
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "model_name_or_path": recipe.base.location,
        "chat_template_path": str(scratch / TEMPLATE_FILE),
        "eos_token": renderer.contract.end_token,
        "completion_only_loss": True,
        "eval_packing": False,
        "output_dir": str(scratch / "training"),
    }
    (scratch / "sft.yaml").write_text(yaml.safe_dump(resolved), encoding="utf-8")
    given = read_arguments(["--config", str(scratch / "sft.yaml")])
    size = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(renderer.tokenizer), **size))
    dataset = Dataset.from_list([{"prompt": row["prompt"], "completion": row["completion"]} for row in rows])
    trainer = make_trainer(
        given, model=model, processing_class=renderer.tokenizer, train_dataset=dataset, eval_dataset={"rows": dataset}
    )
    return list(trainer.eval_dataset["rows"])


def template_problems(recipe: Recipe) -> tuple[list[str], list[str]]:
    """What is wrong with the templates and the tokenizers that render them, and what could not be tried here.

    A template needs the tokenizer that renders with it. What lies here, or a base that was downloaded before, is tried.
    """
    prompts = [line for attempt in _prompts(recipe) for line in error_lines(attempt)]
    if not importlib.util.find_spec("transformers"):
        return prompts, ["transformers is not installed: chat templates were not tried"]
    untried = [f"{model.location}: its chat template is tried when its stage begins" for model in _of_the_hub(recipe)]
    if not _is_here(recipe.base):
        why = f"{recipe.base.location}: the chat template was not tried, as the tokenizer is not here yet"
        untried.append(f"{why}; --preflight downloads it")
    found = (line for attempt in _attempts(recipe) for line in error_lines(attempt))
    return list(dict.fromkeys([*prompts, *found])), untried


def _prompts(recipe: Recipe) -> Iterator[Callable[[], object]]:
    """Render the prompt templates that a recipe brings along, once with a short text and once with a long one."""
    for text in (PAIRS[0]["output"], "Some words.\n" * 2_000):
        if isinstance(recipe.augment.template, Path):
            yield partial(render, recipe.augment.template, output=text)
        for judge in recipe.score:
            if isinstance(judge, Rated) and isinstance(judge.rubric, Path):
                yield partial(render, judge.rubric, instruction=text, output=text, reasons=True)


def _attempts(recipe: Recipe) -> Iterator[Callable[[], object]]:
    """Render for each kind of model; the same fault is found in one or in both roles of the base."""
    if _is_here(recipe.base):
        yield lambda: role_renderer(recipe.base.origin, recipe.chat, "backward")
        own = [judge for judge in recipe.score if isinstance(judge, Rated) and judge.model is None]
        yield lambda: _digits(role_renderer(recipe.base.origin, recipe.chat, "forward"), own)
    writer = recipe.augment.model
    if writer is not None and (path := writer.path) is not None:
        yield lambda: other_renderer(path, "backward", recipe.chat)
    for judge in recipe.score:
        if isinstance(judge, Rated) and judge.model is not None and judge.model.path is not None:
            yield partial(_try_judge, judge, judge.model.path, recipe.chat)


def _try_judge(judge: Rated, model: Path, chat: Chat) -> None:
    _digits(other_renderer(model, "forward", chat), [judge])


def _digits(renderer: Renderer, judges: Sequence[Rated]) -> None:
    """Raise a StageError if a judge reads the probabilities of digits that are no tokens of their own."""
    if any(isinstance(judge, Expected | Reasoned) for judge in judges):
        score_position(renderer)


def _of_the_hub(recipe: Recipe) -> Iterator[Loaded]:
    """Models that the build has not trained and that are downloaded only by their stages."""
    for other in (recipe.augment.model, *(judge.model for judge in recipe.score if isinstance(judge, Rated))):
        if other is not None and other.path is None and other.served_name is None:
            yield other


def error_lines(attempt: Callable[[], object]) -> list[str]:
    """The lines of the error that `attempt` raises, if any."""
    try:
        attempt()
    except BuilderError as error:
        return str(error).splitlines()
    return []


def _is_here(base: Origin) -> bool:
    if base.path is not None:
        return True
    from huggingface_hub import try_to_load_from_cache

    names = ("config.json", "tokenizer_config.json")
    return all(isinstance(try_to_load_from_cache(base.location, name, revision=base.revision), str) for name in names)
