"""LoRA adapters in both engines, held against the same adapter merged into its base."""

import json
import shutil

import pytest

from builder.errors import StageError
from builder.llm.adapters import read_adapter, refuse_other_class
from builder.llm.engines.engine import Sampling
from builder.llm.engines.start import start_engine
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.engines.vllm_engine import VllmEngine
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE

TEXTS = ["Keep apples in a cool room. Damp rooms are bad for apples in autumn.", "Drums are old.", "x" * 200]
RUNTIME = Runtime(kv_cache_mb=128)
PLAIN, VLLM = Engine(kind="transformers", dtype="float32"), Engine(kind="vllm", dtype="float32", max_model_len=512)
GREEDY = Sampling(0.0, 1.0, 12)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """An adapter of rank 5 with weights that change the answers, and the model it becomes when merged."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("models")
    loaded = AutoModelForCausalLM.from_pretrained(str(BASE), dtype="float32")
    config = LoraConfig(r=5, lora_alpha=9, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(loaded, config)
    torch.manual_seed(0)
    for name, weights in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weights, std=0.15)
    model.save_pretrained(folder / "adapter")
    model.merge_and_unload().save_pretrained(folder / "merged")
    for name in ("adapter", "merged"):
        load_tokenizer(BASE).save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="module")
def prompts():
    tokenizer = load_tokenizer(BASE)
    return [tokenizer(text)["input_ids"] for text in TEXTS]


@pytest.fixture(scope="module")
def merged(models):
    return TransformersEngine(models / "merged", PLAIN)


@pytest.fixture(scope="module")
def vllm(models):
    engine = start_engine(models / "adapter", VLLM, RUNTIME)
    yield engine
    from vllm.distributed import cleanup_dist_env_and_memory

    del engine
    cleanup_dist_env_and_memory()


@pytest.fixture(params=["transformers", "vllm"])
def adapted(request, models):
    if request.param == "vllm":
        return request.getfixturevalue("vllm")
    return start_engine(models / "adapter", PLAIN, RUNTIME)


def test_an_adapter_gives_the_log_probabilities_of_the_merged_model(adapted, merged, prompts):
    starts = [3] * len(prompts)
    for ours, theirs in zip(
        adapted.token_logprobs(prompts, starts), merged.token_logprobs(prompts, starts), strict=True
    ):
        assert ours == pytest.approx(theirs, abs=1e-3)
    choices = [5, 17, 300, 1999]
    for ours, theirs in zip(
        adapted.next_logprobs(prompts, choices), merged.next_logprobs(prompts, choices), strict=True
    ):
        assert ours == pytest.approx(theirs, abs=1e-3)


def test_an_adapter_writes_what_the_merged_model_writes_and_not_what_its_base_does(adapted, merged, prompts):
    ours, theirs = (engine.generate(prompts, GREEDY, [1, 2, 3]) for engine in (adapted, merged))
    assert [answer.ids for answer in ours] == [answer.ids for answer in theirs]
    assert [answer.logprob for answer in ours] == pytest.approx([answer.logprob for answer in theirs], abs=5e-3)
    of_base = TransformersEngine(BASE, PLAIN).generate(prompts, GREEDY, [1, 2, 3])
    assert not [pair for pair in zip(ours, of_base, strict=True) if pair[0].ids == pair[1].ids]


@pytest.fixture
def changed(models, tmp_path):
    """The adapter with other values in its configuration."""

    def change(**values):
        shutil.copytree(models / "adapter", tmp_path / "adapter", dirs_exist_ok=True)
        path = tmp_path / "adapter" / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
        return tmp_path / "adapter"

    return change


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"base_model_name_or_path": "/nowhere/base"},
            r"its base, /nowhere/base, is not there; put it back, or correct",
        ),
        (
            {"base_model_name_or_path": None},
            r"must have peft_type LORA and a base_model_name_or_path, not 'LORA' and None",
        ),
        ({"base_model_name_or_path": "some/base"}, r"names the base some/base without a commit"),
        ({"base_model_name_or_path": "some/base", "revision": "0" * 40}, r"its base cannot be loaded"),
        ({"peft_type": "PREFIX_TUNING"}, r"must have peft_type LORA"),
    ],
)
def test_an_adapter_that_cannot_be_used_says_why(changed, values, said):
    with pytest.raises(StageError, match=said):
        read_adapter(changed(**values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"modules_to_save": ["lm_head"]}, "has modules_to_save, which vLLM cannot use; merge it into its base"),
        ({"trainable_token_indices": [7]}, "has trainable_token_indices, which vLLM cannot use; merge it"),
        ({"rank_pattern": {"q_proj": 600}}, "its rank is 600; vLLM takes at most 512; merge it"),
    ],
)
def test_an_adapter_that_vllm_cannot_use_is_to_be_merged(changed, values, said):
    with pytest.raises(StageError, match=said):
        VllmEngine(changed(**values), VLLM, RUNTIME)


def test_what_vllm_itself_refuses_is_no_failure_of_rows(changed):
    with pytest.raises(StageError, match=r"vLLM cannot use this adapter \(.*DoRA.*\); merge it into its base"):
        VllmEngine(changed(use_dora=True), VLLM, RUNTIME)


def test_tokens_without_embeddings_are_refused(changed):
    folder = changed()
    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens(["<extra>"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(StageError, match=r"its tokenizer has 2,049 tokens, its base, .*, embeddings for 2,048"):
        read_adapter(folder)


def test_a_model_with_its_own_weights_is_no_adapter(models, changed):
    assert read_adapter(models / "merged") is None
    folder = changed()
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(StageError, match=r"has adapter_config.json but no adapter_model.safetensors; train it again"):
        read_adapter(folder)


def test_an_adapter_without_peft_names_what_to_install(models, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "peft" else found(name, *rest))
    with pytest.raises(StageError, match=r"is an adapter, but peft is not installed: pip install"):
        TransformersEngine(models / "adapter", PLAIN)


def test_a_base_that_adapters_would_be_loaded_onto_otherwise_is_refused(tmp_path):
    refuse_other_class(str(BASE), None)
    config = json.loads((BASE / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"architectures": ["LlamaForSequenceClassification"]}))
    with pytest.raises(
        StageError, match=r"is a LlamaForSequenceClassification, .* loaded onto LlamaForCausalLM; train"
    ):
        refuse_other_class(str(tmp_path), None)
