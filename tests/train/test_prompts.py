"""A model trained here, asked through vLLM: the prompt is, token for token, the one it was trained on."""

import pytest
from support.training_pairs import BASE, train_here, write_pairs

from builder.data.storage import read_rows
from builder.llm.contract import load_contract
from builder.llm.engines.vllm_engine import VllmEngine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime

LORA = {"use_peft": True, "lora_r": 4, "lora_target_modules": ["q_proj", "v_proj"]}


FULL = [pytest.param(kind, marks=pytest.mark.full) for kind in ("adapter", "real model", "real model, adapter")]


@pytest.mark.parametrize("kind", ["base without a template", "instruction model with its own", *FULL])
def test_vllm_asks_with_the_tokens_of_the_training(kind, request, tmp_path, monkeypatch):
    import trl
    import vllm
    from vllm.distributed import cleanup_dist_env_and_memory

    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    trained = []

    class Watched(trl.SFTTrainer):
        def training_step(self, model, inputs, *rest, **options):
            for ids, labels in zip(inputs["input_ids"].tolist(), inputs["labels"].tolist(), strict=True):
                start = next(at for at, label in enumerate(labels) if label != -100)
                end = len(labels) - next(at for at, label in enumerate(reversed(labels)) if label != -100)
                trained.append((ids[:start], ids[start:end]))
            return super().training_step(model, inputs, *rest, **options)

    monkeypatch.setattr(trl, "SFTTrainer", Watched)
    own, real = kind.startswith("instruction"), kind.startswith("real")
    chat = Chat(template="tokenizer") if own else Chat(template="chatml") if real else Chat()
    base = request.getfixturevalue("instruction_model" if own else "real_model") if own or real else BASE
    options = LORA if kind.endswith("adapter") else {}
    train_here(write_pairs(tmp_path / "pairs"), tmp_path / "out", base=base, chat=chat, max_steps=4, **options)
    model = tmp_path / "out" / "model"
    rows = [row for path in sorted((tmp_path / "out" / "rows").iterdir()) for row in read_rows(path)]
    loaded = []

    class Remembered(vllm.LLM):
        def __init__(self, **options):
            super().__init__(**options)
            loaded.append(self)

    monkeypatch.setattr(vllm, "LLM", Remembered)
    engine = VllmEngine(model, Engine(dtype="float32", max_model_len=512), Runtime(kv_cache_mb=64))
    (llm,) = loaded
    sampling = vllm.SamplingParams(max_tokens=1, temperature=0)
    asked = [list(output.prompt_token_ids) for output in llm.chat([row["prompt"] for row in rows], sampling)]
    loaded.clear()
    del llm, engine
    cleanup_dist_env_and_memory()
    assert len(rows) == len(trained) == 15
    assert sorted(asked) == sorted(prompt for prompt, _ in trained)
    renderer = Renderer(load_contract(model), load_tokenizer(model))
    assert [renderer.prompt(row["prompt"]) for row in rows] == asked
    assert {answer[-1] for _, answer in trained} == {renderer.end_id}
    shown = renderer.tokenizer.decode(asked[0])
    assert ("<|im_start|>ASSISTANT:" if own else "<|im_start|>assistant\n") in shown
