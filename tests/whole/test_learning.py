"""Does training teach what it should? The quickstart's setting, one iteration, losses on rows no model has seen."""

import json
import os
import subprocess
import sys

import pytest
from support.uncurated import train_uncurated

from builder.cli.init import write_recipe_folder
from builder.cli.project import open_project
from builder.data.storage import read_json, read_rows
from builder.llm.contract import load_contract
from builder.llm.conversations import forward_prompt
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Engine
from builder.sample.report import read_truth

SETTINGS = ("training.held_out=0.1", "curate.test_share=0.2", "iterations=1")

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning") / "project"
    write_recipe_folder(folder)
    settings = [text for setting in SETTINGS for text in ("--set", setting)]
    result = subprocess.run(
        [sys.executable, "-m", "builder", "build", str(folder), *settings],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return open_project(folder, overrides=SETTINGS)


def held_out(artifact):
    return read_json(artifact.path / "logs" / "metrics.json")["held_out"]


@pytest.mark.parametrize("stage", ["model-backward", "model-0"])
def test_the_loss_on_held_out_seed_rows_falls_by_a_fifth_at_least(project, stage):
    loss = held_out(project.look_at_build().artifacts[stage])["seed"]
    sys.stdout.write(f"{stage} {loss}\n")
    assert loss["after"] <= 0.8 * loss["before"]


def losses(model, pairs):
    """Mean loss per token of output and end token, with the tag S_w."""
    tokenizer = load_tokenizer(model)
    renderer = Renderer(load_contract(model), tokenizer)
    rows = [
        renderer.answered(forward_prompt(renderer.contract, "web", pair["instruction"]), pair["output"])
        for pair in pairs
    ]
    engine = TransformersEngine(model, Engine(kind="transformers", dtype="float32"))
    found = engine.token_logprobs([ids for ids, _ in rows], [start for _, start in rows])
    return -sum(map(sum, found)) / sum(map(len, found))


def test_on_clean_withheld_curated_rows_m_1_is_better_than_m_0_and_than_one_without_curation(project):
    build = project.look_at_build()
    artifacts = {**build.artifacts, "model-uncurated": train_uncurated(project, build)}
    truth = read_truth(project.folder / "truth.jsonl")
    withheld = [row for row in read_rows(artifacts["curate-1"].data) if row["split"] == "test"]
    clean = [row for row in withheld if truth.get((row["page_id"], row["header"]), {}).get("kind") == "clean"]
    pages = {row["page_id"] for row in withheld}
    candidates = [
        row
        for row in read_rows(artifacts["augment"].data)
        if row["page_id"] in pages and truth.get((row["page_id"], row["header"]), {}).get("kind") == "clean"
    ]
    assert len(clean) >= 20
    figures = {
        name: (losses(artifacts[name].model, clean), losses(artifacts[name].model, candidates))
        for name in ("model-0", "model-1", "model-uncurated")
    }
    sizes = {"clean": len(clean), "candidates": len(candidates), "withheld": len(withheld)}
    sys.stdout.write(f"{json.dumps(sizes | figures)}\n")
    trained = {row["page_id"] for row in read_rows(artifacts["curate-1"].data) if row["split"] == "train"}
    assert not trained & pages
    assert figures["model-1"][0] < figures["model-0"][0]
    assert figures["model-1"][0] < figures["model-uncurated"][0]
