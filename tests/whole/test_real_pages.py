"""Real pages and real conversation trees through the whole build, where the machine has them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TRAINING = {
    "learning_rate": 1e-3,
    "max_steps": 80,
    "per_device_train_batch_size": 4,
    "max_length": 1536,
    "dtype": "float32",
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "disable_tqdm": True,
}


def write_recipe(folder, corpus, seed):
    """The paper's lengths and boundary, the tiny base, every judge, one iteration."""
    (folder / "sft.yaml").write_text(yaml.safe_dump(TRAINING))
    source = {
        "name": "oasst",
        "path": str(seed / "oasst_en_100.trees.jsonl"),
        "format": "oasst",
        "license": "apache-2.0",
    }
    recipe = {
        "name": "real-pages",
        "base": {"path": str(ROOT / "builder/sample/base"), "license": "apache-2.0"},
        "seed": {"sources": [source]},
        "segments": {"sources": [{"path": str(corpus), "format": "warc"}], "tasks": 4},
        "engine": {"dtype": "float32", "max_model_len": 2048},
        "augment": {"max_tokens": 96},
        "score": [{"judge": "likelihood"}, {"judge": "expected"}],
        "curate": {"judge": "likelihood", "share": 0.2},
        "training": {"forward": "sft.yaml", "backward": "sft.yaml"},
        "iterations": 1,
        "release": {"title": "Real pages", "license": "other"},
    }
    (folder / "build.yaml").write_text(yaml.safe_dump(recipe))
    return folder / "build.yaml"


def run(*arguments):
    command = [sys.executable, "-m", "builder", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.full
def test_real_pages_go_through_to_a_release(real_corpus, real_seed, tmp_path):
    from datasets import load_dataset

    recipe = write_recipe(tmp_path, real_corpus, real_seed)
    run("build", recipe)
    run("release", recipe, "--version", "1.0.0")
    counts = json.loads(run("show", recipe, "--json").stdout)
    assert counts["seed"]["pairs"]["kept"] == 99
    assert counts["segments"]["segments"]["kept"] > 1_000
    release = tmp_path / "releases" / "1.0.0" / "dataset"
    loaded = load_dataset(str(release), "augmented", cache_dir=str(tmp_path / "cache"), split="train")
    assert loaded.num_rows == counts["augment"]["pairs"]["kept"] > 500
    assert {"score_1_likelihood", "score_1_expected"} <= set(loaded.column_names)
