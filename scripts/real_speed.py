"""Where the time of a build with a real model goes: steps of a training and tokens of an engine, by setting.

    make real-speed BUILD=FOLDER [WRITE=recipes/smollm2-135m/README.md]

Each training is the recipe's M_0 on the seed of a finished build for a few steps, through the build's own stage, with
one thing changed. The engine reads and writes instructions for texts of that build. All of it is kept in `real-speed/`
of the build's folder; figures of a busy machine say little. A machine of two cores takes some twenty minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from children import let_children_find_scripts
from page_block import write_block

from builder.build import Build
from builder.cli.project import open_project
from builder.data.storage import read_json, read_rows, write_text
from builder.llm.contract import load_contract
from builder.llm.conversations import backward_prompt
from builder.llm.engines.engine import Failed, Sampling
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.stage import ForwardStage, train_forward
from builder.workspace import stage_names as names
from builder.workspace.console import Console
from builder.workspace.environment import child_environment
from builder.workspace.layout import METRICS
from builder.workspace.locks import locked
from builder.workspace.workspace import Workspace

FOLDER = "real-speed"
STEPS, TEXTS, WRITTEN = 5, 64, 32
"""Of a training, that an engine reads, and tokens that it writes for each of them."""
SIZE, TIMES = "per_device_train_batch_size", "gradient_accumulation_steps"
TRAININGS: dict[str, dict[str, Any]] = {
    "as the recipe has it": {},
    "1 row at a time": {SIZE: 1, TIMES: 16},
    "4 rows at a time": {SIZE: 4, TIMES: 4},
    "8 rows at a time": {SIZE: 8, TIMES: 2},
    "without `bf16`": {"bf16": False},
    "adapters (`use_peft`, rank 16)": {"use_peft": True, "lora_r": 16, "lora_target_modules": "all-linear"},
}
DTYPES = ("bfloat16", "float32")


def trainings(workspace: Workspace, build: Build, folder: Path) -> Iterator[tuple[str, float, float]]:
    """Of each setting its name, tokens a second, padding left out, and seconds a step."""
    recipe = build.recipe
    given = yaml.safe_load(recipe.training.forward.read_text(encoding="utf-8"))
    few = {"max_steps": STEPS, "num_train_epochs": None, "logging_steps": 1, "warmup_steps": 0}
    for number, (title, changed) in enumerate(TRAININGS.items()):
        options = {key: value for key, value in (given | few | changed).items() if value is not None}
        file = folder / f"sft-{number}.yaml"
        write_text(file, yaml.safe_dump(options, sort_keys=False))
        stage = ForwardStage(base=recipe.base.origin, chat=recipe.chat, recipe=file)
        yield title, *speed(workspace.run(names.model(0), train_forward, stage, build.seed).path)


def speed(trained: Path) -> tuple[float, float]:
    """Tokens a second and seconds a step of a finished training."""
    measured = read_json(trained / METRICS)
    return measured["tokens_per_second"], measured["seconds"] / measured["steps"]


def engine_figures(folder: Path, dtype: str) -> dict[str, float]:
    """Tokens that M_yx of a build reads and writes in a second, and the seconds that its engine takes to start."""
    project = open_project(folder, only_looks=True)
    build, recipe = project.look_at_build(), project.recipe
    model = build.backward.path / "model"
    renderer = Renderer(load_contract(model), load_tokenizer(model))
    texts = [row["text"] for row in islice(read_rows(build.segments.data, ["text"]), TEXTS)]
    prompts = [backward_prompt(recipe.chat, recipe.augment.template, text) for text in texts]
    asked = renderer.prompts(prompts)
    began = time.monotonic()
    engine = start_engine(model, recipe.engine.model_copy(update={"dtype": dtype}), recipe.runtime)
    started = time.monotonic()
    seconds, written = [], 0
    for most in (1, WRITTEN):
        engine.forget()
        begun = time.monotonic()
        answers = engine.generate(asked, Sampling(0.7, 0.9, most), range(len(asked)))
        seconds.append(time.monotonic() - begun)
        written = sum(len(answer.ids) for answer in answers if not isinstance(answer, Failed))
    return {
        "start": started - began,
        "read": sum(map(len, asked)) / seconds[0],
        "write": written / max(seconds[1] - seconds[0], 1e-9),
    }


def report(trained: list[tuple[str, float, float]], asked: Mapping[str, Mapping[str, float]]) -> str:
    """The figures as Markdown."""
    lines = ["| training | tokens a second | seconds a step |", "| --- | ---: | ---: |"]
    lines += [f"| {title} | {speed:.0f} | {step:.1f} |" for title, speed, step in trained]
    lines += ["", "| engine | tokens read a second | tokens written a second | seconds to start |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {of['read']:.0f} | {of['write']:.0f} | {of['start']:.0f} |" for name, of in asked.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the tables, and write them where it was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="folder of a finished build")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables in their place on this page")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.engine:
        print(json.dumps(engine_figures(given.build, given.engine)))
        return
    let_children_find_scripts()
    build = open_project(given.build).look_at_build()
    root = given.build / FOLDER
    with locked(root), Console() as console:
        workspace = Workspace(root, build.recipe.runtime, console)
        trained = list(trainings(workspace, build, root))
    text = report(trained, {dtype: _in_process(given.build, build, dtype) for dtype in DTYPES})
    write_text(root / "table.md", text)
    print(text, end="")
    if given.write is not None:
        write_block(given.write, "make real-speed", text)


def _in_process(folder: Path, build: Build, dtype: str) -> dict[str, float]:
    """An engine keeps what it has; each dtype has a process of its own."""
    command = [sys.executable, __file__, "--engine", dtype, str(folder)]
    environment = os.environ | child_environment(build.recipe.runtime)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
