"""Tokens per second and peak memory of `train.sft` beside TRL's own script: the same rows, settings and base.

Both run as processes of their own, in turns, and the order changes every round, so that what else the machine does
falls on both. The rows are the sample's seed pairs, the settings the quickstart's. Also printed is the time on the
processor, which a busy machine disturbs less.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import yaml

from builder.cli.init import write_recipe_folder
from builder.method.seed.stage import select_seed
from builder.method.train.stage import ForwardStage, train_forward
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.runtime import Runtime

ENVIRONMENT = dict(os.environ)
"""As it is before a training in this process changes it."""
SCRIPTS = {"builder.method.train.sft": "builder.method.train.sft", "trl": "trl.scripts.sft"}


class Run(NamedTuple):
    """What one training took."""

    tokens_per_second: float
    processor_seconds: float
    peak_mb: float


def prepare(folder: Path, steps: int) -> Path:
    """A stage folder as a build leaves it for `builder.method.train.sft`, with `steps` in its recipe."""
    write_recipe_folder(folder / "project")
    recipe = load_recipe(folder / "project")
    select_seed(folder / "seed", recipe.seed, runtime=recipe.runtime)
    options = yaml.safe_load(recipe.training.forward.read_text())
    (folder / "sft.yaml").write_text(yaml.safe_dump(options | {"max_steps": 1}))
    stage = ForwardStage(base=recipe.base.origin, chat=recipe.chat, recipe=folder / "sft.yaml")
    train_forward(folder / "stage", stage, folder / "seed", runtime=Runtime())
    shutil.rmtree(folder / "stage" / "model")
    resolved = yaml.safe_load((folder / "stage" / "sft.yaml").read_text())
    (folder / "stage" / "sft.yaml").write_text(yaml.safe_dump(resolved | {"max_steps": steps}))
    return folder / "stage"


class Started(NamedTuple):
    """A training that runs, and where it says what it does."""

    name: str
    process: subprocess.Popen[bytes]
    said: Path


def start(name: str, stage: Path, scratch: Path) -> Started:
    """Start one script on a fresh copy of the stage."""
    copy = scratch / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(stage, copy)
    config, said = copy / "sft.yaml", copy / "said.txt"
    config.write_text(config.read_text().replace(str(stage), str(copy)))
    environment = ENVIRONMENT | {"HF_DATASETS_CACHE": str(copy / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", SCRIPTS[name], "--config", str(config)]
    with said.open("w") as file:
        return Started(name, subprocess.Popen(command, stdout=file, stderr=file, env=environment), said)


def finish(started: Started) -> Run:
    """Wait for a training and read what it took."""
    _, status, usage = os.wait4(started.process.pid, 0)
    text = started.said.read_text(errors="replace")
    if status:
        raise SystemExit(f"{started.name} failed:\n{text[-3000:]}")
    seconds = float(re.findall(r"'train_runtime': '?([\d.e+]+)", text)[-1])
    tokens = float(re.findall(r"(?<!eval_)num_tokens': '?([\d.e+]+)", text)[-1])
    return Run(tokens / seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure both in turns and print each round, the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument(
        "--together", action="store_true", help="both at once, so that both lose alike to a busy machine"
    )
    options = parser.parse_args()
    runs: dict[str, list[Run]] = {name: [] for name in SCRIPTS}
    with tempfile.TemporaryDirectory() as scratch:
        stage = prepare(Path(scratch), options.steps)
        for number in range(options.rounds):
            order = sorted(SCRIPTS, reverse=bool(number % 2))
            for names in [order] if options.together else [[name] for name in order]:
                for started in [start(name, stage, Path(scratch)) for name in names]:
                    runs[started.name].append(finish(started))
            for name, of_script in runs.items():
                speed, processor, memory = of_script[-1]
                figures = f"{speed:>9,.0f} tokens/s {processor:>7.1f} s {memory:>7,.0f} MB"
                print(f"round {number + 1}  {name:<12} {figures}", flush=True)
    print(f"\n{'median of ' + str(options.rounds):<22}{'builder.method.train.sft':>12}{'trl':>10}{'ratio':>8}")
    for at, (quantity, form) in enumerate(
        (("tokens/s", ",.0f"), ("processor seconds", ".1f"), ("peak memory, MB", ",.0f"))
    ):
        ours, theirs = (statistics.median(run[at] for run in runs[name]) for name in SCRIPTS)
        print(f"{quantity:<22}{ours:>12{form}}{theirs:>10{form}}{ours / theirs:>8.3f}")
    pairs = [a.tokens_per_second / b.tokens_per_second for a, b in zip(*runs.values(), strict=True)]
    print(f"tokens/s, round by round: {', '.join(format(pair, '.3f') for pair in pairs)}")


if __name__ == "__main__":
    main()
