"""`alpaca_eval` with the same prompt and a local judge: its files, its commands, its leaderboard read back."""

import csv
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from builder.data.storage import write_json, write_text
from builder.errors import RecipeError
from builder.llm.prompts import render
from builder.results.evaluate.comparison.plan import PairJudge

JUDGE = "judge"
"""The folder of alpaca_eval's configuration, and the name under which the judge is served."""
PORT = 8017


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
    chatml = f"<|im_start|>system\n{judge.system}\n<|im_end|>\n<|im_start|>user\n{prompt}\n<|im_end|>\n"
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
        "# Length-controlled win rates need the Hub, all 805 prompts in their order, and scikit-learn below 1.10;",
        "# leave out --fn_metric and --sort_by for them.",
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
