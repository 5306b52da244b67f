"""What is handed over to other programs: files and exact commands for `alpaca_eval` and `lm-eval`; their results."""

import csv
import json
import random
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from builder.data.records import Row, row_seed
from builder.data.storage import read_json, read_rows, write_json, write_text
from builder.errors import RecipeError
from builder.evaluate.plan import PairJudge
from builder.llm.prompts import render

JUDGE = "judge"
"""The folder of alpaca_eval's configuration, and the name under which the judge is served."""
TASKS = ("social_iqa", "piqa", "arc_easy", "arc_challenge", "openbookqa", "mmlu", "ifeval")
"""Tasks of lm-eval that the paper's tables have, and one more."""
OWN_TASK = "humpback_continues"
CHOICES = 4
SHOWN = 400
"""Characters of a text that a multiple-choice question shows."""
PORT = 8017


@dataclass(frozen=True)
class Served:
    """A model as a server is to have it.

    Attributes:
        name: Of the model in tables.
        folder: Where it lies.
    """

    name: str
    folder: str


def write_alpaca_eval(folder: Path, judge: PairJudge, judge_folder: str, models: Sequence[str], reference: str) -> str:
    """Write what alpaca_eval needs to judge with the same prompt, and the commands, both orders of each model.

    alpaca_eval draws the order of each pair by a seed of its own; the second run exchanges the outputs, and so has the
    other order of each.

    Args:
        folder: Has `outputs-<name>.json` of every model and of the reference.
        judge: The judge of the plan.
        judge_folder: Where its model lies.
        models: Names of the models.
        reference: Name of the reference.

    Returns:
        The commands.
    """
    first, second = judge.tokens
    prompt = render(judge.template, instruction="{instruction}", first="{output_1}", second="{output_2}")
    chatml = (
        f"<|im_start|>system\n{judge.system}\n<|im_end|>\n<|im_start|>user\n{prompt}\n<|im_end|>\n"
    )
    write_text(folder / JUDGE / "prompt.txt", chatml)
    write_text(
        folder / "client.yaml",
        yaml.safe_dump({"default": [{"api_key": "none", "base_url": f"http://127.0.0.1:{PORT}/v1"}]}),
    )
    config = {
        "local_judge": {
            "prompt_template": f"{JUDGE}/prompt.txt",
            "fn_completions": "openai_completions",
            "completions_kwargs": {
                "model_name": JUDGE,
                "max_tokens": 1,
                "temperature": 1,
                "logprobs": True,
                "top_logprobs": 5,
                "requires_chatml": True,
                # Without it the program ends with an error where neither name is among the likeliest five.
                "extra_body": {"structured_outputs": {"choice": [first, second]}},
            },
            "fn_completion_parser": "logprob_parser",
            "completion_parser_kwargs": {
                "numerator_token": first,
                "denominator_tokens": [first, second],
                "is_binarize": False,
            },
            "completion_key": "completions_all",
            "batch_size": 1,
        }
    }
    write_text(folder / JUDGE / "configs.yaml", yaml.safe_dump(config, sort_keys=False))
    lines = [
        "# In one terminal; on a CPU add --no-enable-chunked-prefill --max-num-batched-tokens 8192:",
        shlex.join(["vllm", "serve", judge_folder, "--served-model-name", JUDGE, "--port", str(PORT)]),
        "",
        "# In another one, in this folder, with alpaca_eval 0.6 (humpback-builder[alpaca]):",
        "export OPENAI_CLIENT_CONFIG_PATH=client.yaml HF_HUB_OFFLINE=1",
    ]
    for name in models:
        for order, (one, other) in enumerate(((name, reference), (reference, name)), 1):
            lines += ["", f"mkdir -p results/{name}-{order}", _alpaca_command(one, other, f"results/{name}-{order}")]
    lines += [
        "",
        "# Length-controlled win rates need the Hub, all 805 prompts in their order, and scikit-learn below 1.10; leave",
        "# out --fn_metric and --sort_by for them.",
    ]
    return "\n".join(lines) + "\n"


def _alpaca_command(model: str, reference: str, out: str) -> str:
    words = ["alpaca_eval", "--model_outputs", f"outputs-{model}.json", "--reference_outputs"]
    words += [f"outputs-{reference}.json", "--annotators_config", JUDGE, "--base_dir", ".", "--output_path", out]
    words += ["--precomputed_leaderboard", "None", "--is_cache_leaderboard", "False"]
    words += ["--caching_path", f"{out}/cache.json", "--fn_metric", "get_winrate", "--sort_by", "win_rate"]
    return shlex.join(words)


def read_leaderboard(path: Path) -> list[dict[str, Any]]:
    """The rows of alpaca_eval's `leaderboard.csv`: `name`, and its figures as numbers.

    Raises:
        RecipeError: If it is no such file.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{key or "name": value for key, value in row.items()} for row in csv.DictReader(file)]
        return [
            {key: value if key == "name" or not _is_number(value) else float(value) for key, value in row.items()}
            for row in rows
            if row["win_rate"]
        ]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error, TypeError) as error:
        raise RecipeError(f"{path}: is no leaderboard of alpaca_eval ({error!r})") from error


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


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
        raise RecipeError(f"curated/test has {len(rows)} rows; a task of {CHOICES} choices needs more (curate.test_rows)")
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
    return offline + shlex.join([*words, "--output_path", f"results/lm-eval/{model.name}"])


def read_lm_eval(folder: Path) -> dict[str, dict[str, Any]]:
    """Results of lm-eval below a folder: by task its figures with `n`, `version` and the file they are from.

    Of a task that was run twice the later file counts.

    Raises:
        RecipeError: If there is no result.
    """
    files = sorted(folder.rglob("results_*.json"), key=lambda path: path.name)
    found: dict[str, dict[str, Any]] = {}
    for path in files:
        try:
            result = read_json(path)
            for task, figures in result["results"].items():
                numbers = {
                    name.partition(",")[0]: value
                    for name, value in figures.items()
                    if isinstance(value, int | float) and not isinstance(value, bool)
                }
                found[task] = {
                    **numbers,
                    "n": result.get("n-samples", {}).get(task, {}).get("effective"),
                    "version": result.get("versions", {}).get(task),
                    "chat_template": bool(result.get("chat_template")),
                    "file": str(path.relative_to(folder)),
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecipeError(f"{path}: is no result of lm-eval ({error!r})") from error
    if not found:
        raise RecipeError(f"{folder}: holds no results_*.json of lm-eval")
    return found


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
_FIGURES = ("acc_norm", "acc", "prompt_level_strict_acc")


def eval_results(results: dict[str, dict[str, Any]], day: str) -> dict[str, str]:
    """Results as files of `.eval_results/` in a model repository: name and YAML of each task that has a Hub dataset.

    Args:
        results: From `read_lm_eval`.
        day: When they were made, as 2024-07-26.
    """
    from datetime import date

    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    files = {}
    for task, figures in results.items():
        name = next((key for key in _FIGURES if key in figures), None)
        if task not in DATASETS or name is None:
            continue
        repository, config = DATASETS[task]
        entry = EvalResultEntry(
            dataset_id=repository,
            task_id=config,
            value=round(100 * figures[name], 4),
            date=date.fromisoformat(day).isoformat(),
            notes=f"lm-eval task {task} version {figures['version']}, zero-shot, {name}",
        )
        files[f".eval_results/{task}.yaml"] = yaml.safe_dump(
            eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True
        )
    return files


def test_rows(dataset: Path) -> list[Row]:
    """The rows of `curated/test` of a release's dataset folder; none if it has no such split."""
    files = sorted((dataset / "curated").glob("test-*.parquet"))
    return [row for file in files for row in read_rows(file, ["id", "instruction", "output"])]


def write_outputs(folder: Path, name: str, outputs: list[dict[str, Any]]) -> Path:
    """Write answers as alpaca_eval reads them.

    Args:
        folder: Where.
        name: The model's.
        outputs: From `answers.model_outputs`.
    """
    path = folder / f"outputs-{name}.json"
    write_json(path, outputs)
    return path
