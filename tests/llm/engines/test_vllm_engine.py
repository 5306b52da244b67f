"""What becomes of vLLM itself after an error; its numbers are compared in test_llm_engines.py."""

import gc

import pytest
from support.told import Told, told

from builder.llm.engines.engine import Sampling
from builder.llm.engines.vllm_engine import Steps, VllmEngine
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


def test_of_an_answer_no_object_of_vllms_stays_while_the_others_are_written():
    alive, progress, answers = [], Told(), []

    def count():
        answers.append(progress.answers)
        alive.append(sum(isinstance(one, kept) for one in gc.get_objects()))

    runtime = Runtime(kv_cache_mb=64, max_num_seqs=2)
    engine = VllmEngine(BASE, Engine(kind="vllm", dtype="float32", max_model_len=512), runtime, tick=count)
    from vllm.logprobs import FlatLogprobs
    from vllm.outputs import RequestOutput

    kept = (RequestOutput, FlatLogprobs)
    with told(progress):
        engine.token_logprobs([[1, 5 + n, 9, 7] for n in range(16)], [1] * 16)
        engine.generate([[1, 5 + n] for n in range(16)], Sampling(0.7, 0.9, 3, (), (5, 17)), range(16))
    assert len(alive) == 32
    assert (progress.requests, answers) == ([16, 16], list(range(32)))  # each is told as soon as it is there
    assert max(alive) <= 3 * 3 * runtime.max_num_seqs  # three of each at most: in hand, done, and about to begin


def test_watched_steps_are_lists_of_numbers_to_whoever_looks():
    steps = Steps([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0], 3, first=1)
    assert (len(steps), steps[0], steps[-1], steps[:1]) == (2, [-2.0, -3.0], [-5.0, -6.0], [[-2.0, -3.0]])
    assert list(steps) == [[-2.0, -3.0], [-5.0, -6.0]]
    assert steps == Steps([0.0, -2.0, -3.0, 0.0, -5.0, -6.0], 3, first=1)
    assert steps != Steps([-1.0, -2.0, -3.0, -4.0, -5.0, -7.0], 3, first=1)
    with pytest.raises(IndexError):
        steps[2]
