"""With the programs installed: alpaca_eval and lm-eval take what is handed over, and agree with us."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.release_build import FakeBuild
from support.vllm_server import vllm_server

from builder.build import Build
from builder.data.storage import read_json, read_rows, write_rows
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.results.evaluate.comparison.annotations import prompt_key
from builder.results.evaluate.comparison.answers import answer_schema, model_outputs
from builder.results.evaluate.comparison.pairwise import CompareStage, compare
from builder.results.evaluate.comparison.plan import PairJudge
from builder.results.evaluate.handover.alpaca_eval import JUDGE, write_alpaca_eval, write_outputs
from builder.results.evaluate.handover.lm_eval import OWN_TASK, Served, read_lm_eval, write_lm_eval

pytestmark = pytest.mark.full
ROOM = 1_024
TOPICS = ("apples", "kites", "boats", "lamps", "drums", "maps", "bees", "coins", "ropes", "tents")


def program(variable: str, module: str) -> str:
    """A Python with a program: the one that a variable names, or this one if it has it."""
    python = os.environ.get(variable, sys.executable)
    found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"{variable} names no Python with {module}")
    return python


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return FakeBuild(tmp_path_factory.mktemp("build")).build


def answers(folder: Path, style: str) -> Path:
    rows = [
        {"id": prompt_key(f"How should I store {topic}?"), "instruction": f"How should I store {topic}?",
         "source": "mine", "output": f"{style} keep the {topic} in a cool room." if at else f"The same for {topic}."}
        for at, topic in enumerate(TOPICS)
    ]  # fmt: skip
    write_rows(folder / "data" / "a.parquet", rows, answer_schema())
    return folder


@pytest.fixture(scope="module")
def runtime(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    model = build.models[2].model
    log = tmp_path_factory.mktemp("server") / "log"
    with vllm_server(model, model.parent.name, JUDGE, room=ROOM, log=log) as address:
        yield address


def test_the_pairwise_judge_agrees_with_alpaca_eval_on_the_same_prompt(
    tmp_path: Path, build: Build, runtime: Runtime
) -> None:
    python = program("HUMPBACK_ALPACA_EVAL", "alpaca_eval")
    ours, theirs = answers(tmp_path / "final", "Always"), answers(tmp_path / "seed", "Never")
    judge = PairJudge(build=2)
    stage = CompareStage(judge=judge, engine=Engine(kind="openai", dtype="float32", max_model_len=ROOM), chat=Chat())
    compare(tmp_path / "judged", stage, ours, theirs, build.models[2].path, runtime=runtime)
    p: dict[str, list[float]] = {}
    for row in read_rows(tmp_path / "judged" / "data"):
        p.setdefault(row["prompt_id"], []).append(row["p"])
    folder = tmp_path / "handover"
    for name, place in (("final", ours), ("seed", theirs)):
        write_outputs(folder, name, model_outputs(place, name))
    text = write_alpaca_eval(folder, judge, str(build.models[2].model), ["final"], "seed")
    (folder / "client.yaml").write_text(f"default: [{{api_key: none, base_url: '{runtime.endpoint}'}}]\n")
    environment = os.environ | {
        "OPENAI_CLIENT_CONFIG_PATH": "client.yaml",
        "HF_HUB_OFFLINE": "1",
        "NO_PROXY": "127.0.0.1",
    }
    found: dict[str, list[float]] = {}
    for order, line in enumerate(line for line in text.splitlines() if line.startswith("alpaca_eval")):
        words = shlex.split(line)
        (folder / words[words.index("--output_path") + 1]).mkdir(parents=True)
        command = [python, "-c", "from alpaca_eval.main import main; main()", *words[1:]]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3_000:]
        for row in _annotations(folder / words[words.index("--output_path") + 1]):
            score = row["preference"] - 1
            found.setdefault(prompt_key(row["instruction"]), []).append(1 - score if order else score)
    assert found.keys() == p.keys()
    for key, values in p.items():
        assert sorted(found[key]) == pytest.approx(sorted(values), abs=1e-6)


def _annotations(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.rglob("annotations.json")
    return list(json.loads(file.read_text()))


def test_lm_eval_runs_the_task_of_the_release_and_its_result_is_read_back(tmp_path: Path, build: Build) -> None:
    python = program("HUMPBACK_LM_EVAL", "lm_eval")
    rows = [
        {"id": str(at), "instruction": f"How should I store {topic}?", "output": f"Keep {topic} in a cool room."}
        for at, topic in enumerate(TOPICS)
    ]
    text = write_lm_eval(tmp_path, [Served("final", str(build.models[2].model))], rows)
    (line,) = (line for line in text.splitlines() if OWN_TASK in line and "lm_eval" in line)
    words = [word for word in shlex.split(line) if "=" not in word or word.startswith("pretrained")]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    command = [python, "-m", "lm_eval", *words[1:], "--device", "cpu"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    found = read_lm_eval(tmp_path / "results")["final"][OWN_TASK]
    assert 0 <= found["acc"] <= 1
    assert found["n"] == len(TOPICS)
    assert read_json(next((tmp_path / "results").rglob("results_*.json")))["results"]
