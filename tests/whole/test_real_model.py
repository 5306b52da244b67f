"""A build on twelve real segments with a real model of 135 million weights, as `scripts/small_model.sh` makes it."""

import math
from pathlib import Path
from typing import Any

import pytest
from support.small_project import assert_nothing_lost, change_yaml, humpback, stage_folder

from builder.cli.init import write_recipe_folder
from builder.data.storage import count_rows, read_rows

pytestmark = pytest.mark.full

JUDGES: list[dict[str, Any]] = [
    {"judge": "likelihood", "prior_weight": [1.0, 0.5]},
    {"judge": "reverse"},
    {"judge": "expected", "min_mass": 0.0},
    {"judge": "reasoned", "max_tokens": 48, "min_mass": 0.0},
    {"judge": "verdict", "max_tokens": 48},
]
LORA = {"use_peft": True, "lora_r": 8, "lora_target_modules": "all-linear"}


def write_project(folder: Path, model: Path, corpus: Path, seed: Path, **training: Any) -> Path:
    """The recipe for this model, with what is at hand, twelve segments and four steps."""
    write_recipe_folder(folder, "smollm2-135m")
    change_yaml(
        folder / "build.yaml",
        base={"path": str(model), "license": "apache-2.0"},
        seed={
            "sources": [
                {"name": "oasst", "path": str(seed / "oasst_en_100.trees.jsonl"), "license": "apache-2.0"},
                {"name": "tasks", "path": str(seed / "self_instruct_seed_175.jsonl"), "license": "apache-2.0"},
            ]
        },
        segments={"sources": [{"path": str(corpus / "en0001-00.warc.gz"), "format": "warc"}], "languages": ["en"]},
        dedup={"sample": 12},
        augment={"max_tokens": 96},
        score=JUDGES,
        curate={"judge": "likelihood", "share": 0.5},
        iterations=1,
        release={"title": "Twelve", "license": "other", "license_name": "x", "license_link": "x", "models": ["final"]}
        | {"merge_adapters": bool(training)},
        runtime={"chunk_rows": 16, "kv_cache_mb": 128},
    )
    for name in ("sft_backward.yaml", "sft_forward.yaml"):
        small = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_length": 1024}
        steps = {"max_steps": 4, "num_train_epochs": None, "warmup_steps": 0, "gradient_checkpointing": False}
        change_yaml(folder / name, use_cpu=True, **small, **steps, **training)
    return folder


@pytest.fixture(scope="module", params=["whole weights", "adapters"])
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, real_model: Path, real_corpus: Path,
    real_seed: Path,
) -> Path:  # fmt: skip
    training = LORA if request.param == "adapters" else {}
    folder = tmp_path_factory.mktemp("real") / "project"
    write_project(folder, real_model, real_corpus, real_seed, **training)
    result = humpback("build", folder, "--set", "runtime.max_too_long=0.2")
    assert result.returncode == 0, result.stderr
    return folder


def test_every_row_is_accounted_for(project: Path) -> None:
    assert_nothing_lost(project / "work")
    candidates = stage_folder(project, "augment")
    assert count_rows(candidates / "data") + count_rows(candidates / "rejected") == 12
    assert count_rows(candidates / "data") >= 2


def test_every_judge_gives_finite_scores(project: Path) -> None:
    pairs = count_rows(stage_folder(project, "augment") / "data")
    for judge in JUDGES:
        stage = "score-reverse" if judge["judge"] == "reverse" else f"score-1-{judge['judge']}"
        rows = list(read_rows(stage_folder(project, stage) / "data", ["score", "reason"]))
        assert len(rows) == pairs
        # A model as small as this one hardly ever comes to a verdict in words; all else has a score.
        scored = [row["score"] for row in rows if row["reason"] is None or judge["judge"] != "verdict"]
        assert all(math.isfinite(score) for score in scored), stage


def test_the_release_loads_with_the_libraries_that_are_pinned(project: Path, tmp_path: Path) -> None:
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    result = humpback("release", project, "--version", "1.0.0", "--accept-warnings")
    assert result.returncode == 0, result.stderr
    release = project / "releases" / "1.0.0"
    curated = load_dataset(str(release / "dataset"), "curated", cache_dir=str(tmp_path))
    assert sum(map(len, curated.values())) == count_rows(stage_folder(project, "curate-1") / "data")
    final = release / "models" / "final"
    tokenizer = AutoTokenizer.from_pretrained(final)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "What is a comet?"}], add_generation_prompt=True)
    assert AutoModelForCausalLM.from_pretrained(final).num_parameters() == 134_515_008


def test_the_engines_agree_on_real_pairs(project: Path) -> None:
    import gc

    from vllm.distributed import cleanup_dist_env_and_memory

    from builder.llm.contract import load_contract
    from builder.llm.conversations import forward_prompt
    from builder.llm.engines.start import start_engine
    from builder.llm.engines.transformers_engine import TransformersEngine
    from builder.llm.renderer import Renderer
    from builder.llm.tokenizer import load_tokenizer
    from builder.recipe.sections.models import Engine
    from builder.recipe.sections.runtime import Runtime

    model = stage_folder(project, "model-0") / "model"
    renderer = Renderer(load_contract(model), load_tokenizer(model))
    pairs = list(read_rows(stage_folder(project, "augment") / "data", ["instruction", "output"]))[:4]
    prompts = [forward_prompt(renderer.contract, "web", pair["instruction"]) for pair in pairs]
    rows = [renderer.answered(ask, pair["output"]) for ask, pair in zip(prompts, pairs, strict=True)]
    asked = [ids for ids, _ in rows], [start for _, start in rows]
    plain = TransformersEngine(model, Engine(kind="transformers", dtype="float32"))
    ours = plain.token_logprobs(*asked)
    engine = start_engine(model, Engine(dtype="float32", max_model_len=2048), Runtime(kv_cache_mb=256))
    theirs = engine.token_logprobs(*asked)
    del engine
    gc.collect()
    cleanup_dist_env_and_memory()
    assert [len(row) for row in theirs] == [len(row) for row in ours]
    for mine, other in zip(ours, theirs, strict=True):
        assert other == pytest.approx(mine, abs=1e-3)
