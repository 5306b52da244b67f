"""A rank of a training that needs no model: steps that are written one by one, and gone on with."""

import os
import sys
from pathlib import Path

import yaml

from builder.data.storage import write_text
from builder.method.train.sft import main_of_a_rank
from support.light_build import start_stray, wait_for_turn


def train(arguments: list[str]) -> None:
    recipe = Path(arguments[arguments.index("--config") + 1])
    start_stray()
    for step in range(yaml.safe_load(recipe.read_text())["turns"]):
        wait_for_turn(step)
        path = recipe.parent / "training" / f"step-{step:05d}"
        if os.environ["RANK"] == "0" and not path.exists():
            write_text(path, f"{step}\n")


if __name__ == "__main__":
    sys.exit(main_of_a_rank(train))
