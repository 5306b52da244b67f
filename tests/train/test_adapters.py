"""LoRA by TRL's keys: adapters that are trained, continued, resumed, served and released."""

import json
import shutil
from types import SimpleNamespace

import pytest
from support.training_pairs import BASE, train_here, write_pairs

from builder.data.storage import read_json
from builder.errors import ReleaseError, StageError
from builder.llm.adapters import merge_adapter, read_adapter
from builder.llm.contract import check_contract
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat, Engine

LORA = {"use_peft": True, "lora_r": 4, "lora_alpha": 8, "lora_target_modules": ["v_proj", "q_proj", "down_proj"]}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def first(pairs, tmp_path_factory):
    """A model stage whose model is an adapter."""
    out = tmp_path_factory.mktemp("first")
    train_here(pairs, out, max_steps=6, learning_rate=2e-2, **LORA)
    return out


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model" / "adapter_model.safetensors")


def answers_as_the_paper(model):
    config = read_json(model / "generation_config.json")
    assert (config["do_sample"], config["temperature"], config["top_p"], config["top_k"]) == (True, 0.7, 0.9, 0)
    assert config["eos_token_id"] == load_tokenizer(model).eos_token_id
    assert "repetition_penalty" not in config


def test_an_adapter_is_saved_with_base_tokenizer_and_contract(first):
    assert {path.name for path in (first / "model").iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "chat_contract.json", "chat_template.jinja",
        "generation_config.json", "tokenizer.json", "tokenizer_config.json", "training.json",
    }  # fmt: skip
    config = read_json(first / "model" / "adapter_config.json")
    assert (config["base_model_name_or_path"], config["revision"]) == (str(BASE), None)
    assert config["target_modules"] == ["down_proj", "q_proj", "v_proj"]
    check_contract(first / "model", load_tokenizer(first / "model"), Chat(), "forward")
    adapter = read_adapter(first / "model")
    assert (adapter.rank, adapter.refused) == (4, None)
    answers_as_the_paper(first / "model")


class Rows(list):
    """Rows that a trainer has trained on; here none."""

    column_names = ("input_ids",)


def test_a_base_of_the_hub_is_named_with_its_commit(first, tmp_path):
    from builder.method.train.output import save_model

    nothing = SimpleNamespace(save_pretrained=lambda folder: None, eos_token_id=2)
    trainer = SimpleNamespace(
        is_world_process_zero=lambda: True, processing_class=nothing, train_dataset=Rows(),
        model=SimpleNamespace(generation_config=nothing), state=SimpleNamespace(log_history=[], epoch=1.0),
        save_model=lambda folder: shutil.copytree(first / "model", folder),
        args=SimpleNamespace(
            model_init_kwargs={}, train_batch_size=1, gradient_accumulation_steps=1, world_size=1
        ),
    )  # fmt: skip
    outcome = SimpleNamespace(global_step=1, metrics={"train_runtime": 1.0})
    base = SimpleNamespace(model_name_or_path="some/base", model_revision="0" * 40)
    save_model(trainer, outcome, base, tmp_path / "training" / "final", resumed_from=None)
    config = read_json(tmp_path / "training" / "final" / "adapter_config.json")
    assert {"base_model_name_or_path": "some/base", "revision": "0" * 40}.items() <= config.items()


def test_the_next_model_may_train_the_adapter_further(pairs, first, tmp_path):
    stats = train_here(pairs, tmp_path / "next", previous=first, **LORA)
    before, after = weights(first), weights(tmp_path / "next")
    assert before.keys() == after.keys()
    assert any((before[name] != after[name]).any() for name in before)
    assert all((before[name] - after[name]).abs().max() < 0.05 for name in before)
    assert read_json(tmp_path / "next" / "model" / "adapter_config.json")["base_model_name_or_path"] == str(BASE)
    ended = read_json(first / "model" / "training.json")["held_out"]["curated"]["after"]
    assert stats.details["held_out"]["curated"]["before"] == pytest.approx(ended, abs=1e-5)
    with pytest.raises(StageError, match="is an adapter, and this TRL recipe trains whole weights; set use_peft in bo"):
        train_here(pairs, tmp_path / "whole", previous=first)


def test_a_stopped_training_of_an_adapter_ends_with_the_same_weights(pairs, tmp_path, monkeypatch):
    from builder.workspace.progress import Progress

    options = {"max_steps": 4, "save_steps": 2, **LORA}
    train_here(pairs, tmp_path / "undisturbed", **options)
    advance = Progress.advance

    def stopped(self, rows=1):
        if self.unit == "steps" and self.done + rows == 3:
            raise StageError("stopped")
        advance(self, rows)

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "advance", stopped)
        with pytest.raises(StageError, match="stopped"):
            train_here(pairs, tmp_path / "stopped", **options)
    train_here(pairs, tmp_path / "stopped", **options)
    assert read_json(tmp_path / "stopped" / "logs" / "metrics.json")["resumed_from"] == "checkpoint-2"
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        plain, resumed = ((tmp_path / run / "model" / name).read_bytes() for run in ("undisturbed", "stopped"))
        assert plain == resumed


def test_a_merged_adapter_gives_the_same_log_probabilities_and_ends_its_answers(first, tmp_path):
    from builder.llm.engines.transformers_engine import TransformersEngine

    merge_adapter(first / "model", tmp_path / "merged")
    load_tokenizer(first / "model").save_pretrained(tmp_path / "merged")
    assert read_adapter(tmp_path / "merged") is None
    ids = load_tokenizer(BASE)("Keep apples number 3 in a cool room.")["input_ids"]
    plain = Engine(kind="transformers", dtype="float32")
    ours, theirs, base = (
        TransformersEngine(folder, plain).token_logprobs([ids], [1])[0]
        for folder in (first / "model", tmp_path / "merged", BASE)
    )
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert ours != pytest.approx(base, abs=1e-2)
    answers_as_the_paper(tmp_path / "merged")
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert config["eos_token_id"] == load_tokenizer(first / "model").eos_token_id


def release_of(model, target, *, merge):
    from builder.results.release.models import write_weights

    write_weights(model, target, merge=merge)
    return {path.name for path in target.iterdir()}


def test_an_adapter_is_released_merged_where_its_base_is_a_folder_and_as_it_is_where_it_is_on_the_hub(first, tmp_path):
    from builder.results.release.checks.files import check_weights

    names = release_of(first / "model", tmp_path / "merged", merge=True)
    assert {"model.safetensors", "config.json", "chat_contract.json", "chat_template.jinja", "tokenizer.json"} <= names
    assert not [name for name in names if name.startswith("adapter")]
    assert list(check_weights(tmp_path / "merged")) == []
    check_contract(tmp_path / "merged", load_tokenizer(tmp_path / "merged"), Chat(), "forward")
    with pytest.raises(
        ReleaseError,
        match=r"is an adapter of a base that is a folder here, which nobody else has; set release.merge_adapters",
    ):
        release_of(first / "model", tmp_path / "as-it-is", merge=False)
    shutil.copytree(first / "model", tmp_path / "of-hub")
    config = tmp_path / "of-hub" / "adapter_config.json"
    config.write_text(json.dumps(read_json(config) | {"base_model_name_or_path": "some/base", "revision": "0" * 40}))
    names = release_of(tmp_path / "of-hub", tmp_path / "released", merge=False)
    assert {"adapter_model.safetensors", "adapter_config.json", "chat_contract.json"} <= names
    assert "training.json" not in names
    assert list(check_weights(tmp_path / "released")) == []
