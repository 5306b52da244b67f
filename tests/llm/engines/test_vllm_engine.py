"""What becomes of vLLM itself after an error; its numbers are compared in test_llm_engines.py."""

import pytest

from builder.llm.engines.engine import Sampling
from builder.llm.engines.vllm_engine import VllmEngine
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE


def test_an_engine_that_fails_in_the_middle_leaves_nothing_to_the_next_call(monkeypatch):
    prompts = [load_tokenizer(BASE)(text)["input_ids"] for text in ("Apples are", "Drums are old", "How do I")]
    engine = VllmEngine(BASE, Engine(kind="vllm", dtype="float32", max_model_len=512), Runtime(kv_cache_mb=64))
    from vllm.v1.engine.llm_engine import LLMEngine  # only after ours has said how vLLM is to run

    sampling = Sampling(0.7, 0.9, 6)
    answers = engine.generate(prompts, sampling, [1, 2, 3])
    steps = iter([LLMEngine.step])

    def fails_at_its_second_step(core):
        return next(steps)(core)

    with monkeypatch.context() as patched:
        patched.setattr(LLMEngine, "step", fails_at_its_second_step)
        with pytest.raises(StopIteration):
            engine.generate(prompts[:2], sampling, [1, 2])
    assert engine.generate(prompts[1:], sampling, [2, 3]) == answers[1:]
    starts = [1, 1, 1]
    assert engine.token_logprobs(prompts, starts) == engine.token_logprobs(prompts, starts)
