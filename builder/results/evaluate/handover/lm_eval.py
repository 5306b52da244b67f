"""`lm-eval`: the paper's benchmarks, and a task made of the release's own test rows; results read back."""

import json
import random
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from builder.data.records import Row, row_seed
from builder.data.storage import read_json, write_text
from builder.errors import RecipeError

TASKS = ("social_iqa", "piqa", "arc_easy", "arc_challenge", "openbookqa", "mmlu", "ifeval")
"""Tasks of lm-eval that the paper's tables have, and one more."""
OWN_TASK = "humpback_continues"
CHOICES = 4
RESULTS = ".eval_results"
"""Where a model repository has its results."""
_FOLDER = "lm-eval"
SHOWN = 400
"""Characters of a text that a multiple-choice question shows."""


@dataclass(frozen=True)
class Served:
    """A model as a server is to have it.

    Attributes:
        name: Of the model in tables.
        folder: Where it lies.
    """

    name: str
    folder: str


def own_task_rows(test: Iterable[Row], *, seed: int = 0) -> list[Row]:
    """A multiple-choice task of a release's `curated/test`: which of four texts answers the instruction.

    The others are texts of other rows, drawn by the row's id.

    Args:
        test: Rows with `id`, `instruction` and `output`.
        seed: Of the draw.

    Raises:
        RecipeError: If there are fewer rows than choices.
    """
    rows = sorted(test, key=lambda row: row["id"])
    if len(rows) < CHOICES:
        raise RecipeError(
            f"curated/test has {len(rows)} rows; a task of {CHOICES} choices needs more (curate.test_rows)"
        )
    found = []
    for at, row in enumerate(rows):
        generator = random.Random(row_seed(seed, "task", row["id"]))
        others = [place for place in range(len(rows)) if place != at]
        choices = [rows[place]["output"][:SHOWN] for place in generator.sample(others, CHOICES - 1)]
        answer = generator.randrange(CHOICES)
        choices.insert(answer, row["output"][:SHOWN])
        found.append({"question": row["instruction"], "choices": choices, "answer": answer})
    return found


def write_lm_eval(folder: Path, models: Sequence[Served], test: Iterable[Row], *, seed: int = 0) -> str:
    """Write the task made of the release's own rows, and the commands for it and for the paper's benchmarks.

    Args:
        folder: Where.
        models: What is measured.
        test: Rows of `curated/test`; none for no task of our own.
        seed: Of the task.

    Returns:
        The commands.
    """
    rows = list(test)
    tasks = list(TASKS)
    lines = ["# With lm-eval 0.4 (humpback-builder[lmeval]), in this folder. The tasks of the paper need the Hub once."]
    if len(rows) >= CHOICES:
        data = folder / "tasks" / f"{OWN_TASK}.jsonl"
        write_text(data, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own_task_rows(rows, seed=seed)))
        task = {
            "task": OWN_TASK,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": f"tasks/{data.name}"}},
            "test_split": "test",
            "output_type": "multiple_choice",
            "doc_to_text": "{{question}}",
            "doc_to_choice": "choices",
            "doc_to_target": "answer",
            "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
            "metadata": {"version": 1},
        }
        write_text(folder / "tasks" / f"{OWN_TASK}.yaml", yaml.safe_dump(task, sort_keys=False))
        tasks = [OWN_TASK, *tasks]
    for model in models:
        for task_name in tasks:
            lines += ["", _lm_eval_command(model, task_name)]
    return "\n".join(lines) + "\n"


def _lm_eval_command(model: Served, task: str) -> str:
    words = ["lm_eval", "--model", "hf", "--model_args", f"pretrained={model.folder},dtype=auto", "--tasks", task]
    words += ["--include_path", "tasks"] if task == OWN_TASK else []
    words += ["--apply_chat_template", "--num_fewshot", "0", "--log_samples"]
    offline = "HF_HUB_OFFLINE=1 " if task == OWN_TASK else ""
    return offline + shlex.join([*words, "--output_path", f"results/{_FOLDER}/{model.name}"])


def read_lm_eval(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Results of lm-eval below a folder, as the commands lay them: a folder a model.

    Of a task that was run twice the later file counts.

    Returns:
        By model and task its figures with `n`, `version`, the `day` and the `file` that they are from.

    Raises:
        RecipeError: If there is no result.
    """
    files = sorted(folder.rglob("results_*.json"), key=lambda path: path.name)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in files:
        place = path.relative_to(folder)
        model = next((part for part in place.parts[:-1] if part != _FOLDER), "")
        try:
            result = read_json(path)
            for task, figures in result["results"].items():
                found.setdefault(model, {})[task] = _task(task, figures, result) | {"file": str(place)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecipeError(f"{path}: is no result of lm-eval ({error!r})") from error
    if not found:
        raise RecipeError(f"{folder}: holds no results_*.json of lm-eval")
    return found


def _task(task: str, figures: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    numbers = {
        name.partition(",")[0]: value
        for name, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    began = result.get("date")
    return {
        **numbers,
        "n": result.get("n-samples", {}).get(task, {}).get("effective"),
        "version": result.get("versions", {}).get(task),
        "shots": result.get("n-shot", {}).get(task),
        "chat_template": bool(result.get("chat_template")),
        "day": None if began is None else datetime.fromtimestamp(float(began), UTC).date().isoformat(),
    }


DATASETS = {
    "piqa": ("ybisk/piqa", "plain_text"),
    "arc_easy": ("allenai/ai2_arc", "ARC-Easy"),
    "arc_challenge": ("allenai/ai2_arc", "ARC-Challenge"),
    "openbookqa": ("allenai/openbookqa", "main"),
    "social_iqa": ("allenai/social_i_qa", "default"),
    "mmlu": ("cais/mmlu", "all"),
    "ifeval": ("google/IFEval", "default"),
}
"""The Hub dataset, and its config, that each task is made of."""
FIGURES = ("acc_norm", "acc", "prompt_level_strict_acc")
"""Of a task, the one that stands for it: the first that it has."""


def figure_of(figures: Mapping[str, Any]) -> str | None:
    """The name of the figure that stands for a task; None if it has none of them."""
    return next((key for key in FIGURES if isinstance(figures.get(key), int | float)), None)


def eval_results(results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Results as files of `.eval_results/` in a model repository: name and YAML of each task that has a Hub dataset.

    Args:
        results: Of one model, from `read_lm_eval`.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    files = {}
    for task, figures in results.items():
        name = figure_of(figures)
        if task not in DATASETS or name is None:
            continue
        repository, config = DATASETS[task]
        entry = EvalResultEntry(
            dataset_id=repository,
            task_id=config,
            value=round(100 * figures[name], 4),
            date=figures.get("day"),
            notes=f"lm-eval task {task} version {figures['version']}, {figures['shots']}-shot, {name}",
        )
        files[f"{RESULTS}/{task}.yaml"] = yaml.safe_dump(
            eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True
        )
    return files
