"""vLLM itself, on this machine, held against plain transformers."""

import gc
from pathlib import Path

import pytest
from support.told import Told, told

from builder.errors import StageError
from builder.llm.contract import make_contract
from builder.llm.conversations import forward_prompt
from builder.llm.engines.engine import Sampling
from builder.llm.engines.start import start_engine
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.curate.scoring.judges import judge_rows
from builder.recipe.sections.judges import Reasoned
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime

BASE = Path(__file__).parents[3] / "builder" / "sample" / "base"
RUNTIME = Runtime(kv_cache_mb=128)
TEXTS = [
    ("How should I store apples?", "Keep apples in a cool room. Damp rooms are bad for apples in autumn."),
    ("What is the history of drums?", "Drums are old."),
    ("", "Some text without any instruction, as the prior of the likelihood judge sees it."),
    ("Write a poem", "x" * 300),
]


def release_engines():
    from vllm.distributed import cleanup_dist_env_and_memory

    gc.collect()
    cleanup_dist_env_and_memory()


@pytest.fixture(scope="module")
def renderer():
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)


@pytest.fixture(scope="module")
def sequences(renderer):
    pairs = [
        renderer.answered(forward_prompt(renderer.contract, "seed", question), answer) for question, answer in TEXTS
    ]
    return [ids for ids, _ in pairs], [start for _, start in pairs]


@pytest.fixture(scope="module")
def plain():
    return TransformersEngine(BASE, Engine(kind="transformers", dtype="float32"))


@pytest.fixture(scope="module")
def vllm():
    engine = start_engine(BASE, Engine(kind="vllm", dtype="float32", max_model_len=1024), RUNTIME)
    yield engine
    del engine
    release_engines()


def test_both_engines_give_the_same_log_probabilities(plain, vllm, sequences):
    for ours, theirs in zip(plain.token_logprobs(*sequences), vllm.token_logprobs(*sequences), strict=True):
        assert theirs == pytest.approx(ours, abs=1e-3)


def test_both_engines_read_the_same_next_tokens(plain, vllm, sequences):
    choices = [5, 17, 300, 1999, 2]
    for ours, theirs in zip(
        plain.next_logprobs(sequences[0], choices), vllm.next_logprobs(sequences[0], choices), strict=True
    ):
        assert theirs == pytest.approx(ours, abs=1e-3)


def prompts(renderer, count=12):
    return [renderer.prompt([{"role": "user", "content": f"How should I store {n} apples?"}]) for n in range(count)]


def test_vllms_answers_depend_on_prompt_and_seed_and_not_on_the_batch(vllm, renderer):
    sampling, asked = Sampling(0.7, 0.9, 16), prompts(renderer)
    seeds = list(range(100, 100 + len(asked)))
    whole = vllm.generate(asked, sampling, seeds)
    assert vllm.generate(asked[::-1], sampling, seeds[::-1])[::-1] == whole
    assert [vllm.generate([ids], sampling, [seed])[0] for ids, seed in zip(asked, seeds, strict=True)] == whole
    other = vllm.generate(asked, sampling, [seed + 1 for seed in seeds])
    assert [answer.ids for answer in other] != [answer.ids for answer in whole]


@pytest.mark.parametrize("name", ["plain", "vllm"])
def test_an_answers_logprob_is_that_of_its_tokens_at_temperature_1(request, renderer, plain, name):
    engine, asked = request.getfixturevalue(name), prompts(renderer, 3)
    for ids, answer in zip(asked, engine.generate(asked, Sampling(0.7, 0.9, 12), [1, 2, 3]), strict=True):
        whole = plain.token_logprobs([ids + answer.ids], [len(ids)])[0]
        assert answer.logprob == pytest.approx(sum(whole), abs=5e-3)
        assert answer.ended == (answer.ids[-1] == renderer.end_id)


@pytest.mark.parametrize("name", ["plain", "vllm"])
def test_an_answer_ends_at_each_of_the_given_tokens(request, renderer, name):
    engine, asked = request.getfixturevalue(name), prompts(renderer, 3)
    for free in engine.generate(asked, Sampling(0.0, 1.0, 8), [1, 2, 3]):
        third = free.ids[2]
        stopping = Sampling(0.0, 1.0, 8, stop_ids=(third, 7))
        stopped = next(answer for answer in engine.generate(asked, stopping, [1, 2, 3]) if third in answer.ids)
        assert stopped.ended
        assert stopped.ids[-1] == third
        assert third not in stopped.ids[:-1]


@pytest.mark.parametrize("name", ["plain", "vllm"])
def test_watched_tokens_are_read_at_each_place_of_an_answer(request, renderer, plain, name):
    engine, asked, choices = request.getfixturevalue(name), prompts(renderer, 3), (5, 17, 300)
    for ids, answer in zip(asked, engine.generate(asked, Sampling(0.7, 0.9, 6, (), choices), [1, 2, 3]), strict=True):
        places = [ids + answer.ids[:at] for at in range(len(answer.ids))]
        for read, expected in zip(answer.watched, plain.next_logprobs(places, choices), strict=True):
            assert read == pytest.approx(expected, abs=1e-3)
    assert engine.generate(asked, Sampling(0.7, 0.9, 6), [1, 2, 3])[0].watched is None


@pytest.mark.parametrize("name", ["plain", "vllm"])
def test_greedy_answers_need_no_seed_and_agree(request, renderer, plain, name):
    engine, asked = request.getfixturevalue(name), prompts(renderer, 3)
    greedy = Sampling(0.0, 1.0, 8)
    found = [answer.ids for answer in engine.generate(asked, greedy, [1, 2, 3])]
    assert found == [answer.ids for answer in plain.generate(asked, greedy, [7, 8, 9])]


def test_both_engines_reason_and_rate_alike(plain, vllm, renderer):
    rows = [{"id": str(n), "instruction": question, "output": answer} for n, (question, answer) in enumerate(TEXTS[:3])]
    judge = Reasoned(judge="reasoned", temperature=0.0, top_p=1.0, max_tokens=12)
    ours, theirs = (judge_rows(rows, judge, renderer, lambda engine=engine: engine, 1024) for engine in (plain, vllm))
    for one, other in zip(ours, theirs, strict=True):
        assert one["reasonings"] == other["reasonings"]
        assert one["unfinished"] == other["unfinished"]
        assert other["score"] == pytest.approx(one["score"], abs=1e-3)
        assert other["probabilities"] == pytest.approx(one["probabilities"], abs=1e-3)
    assert len({row["score"] for row in ours}) == 3
    sampled = Reasoned(judge="reasoned", max_tokens=12, samples=2)
    whole = judge_rows(rows, sampled, renderer, lambda: vllm, 1024)
    assert [judge_rows([row], sampled, renderer, lambda: vllm, 1024)[0]["reasonings"] for row in rows] == [
        row["reasonings"] for row in whole
    ]


def test_prompts_longer_than_a_batch_step_do_not_break_seeds(vllm, renderer):
    long = [renderer.prompt([{"role": "user", "content": "apples and pears " * 100}]) for _ in range(40)]
    assert sum(map(len, long)) > 8_192
    answers = vllm.generate(long, Sampling(0.7, 0.9, 4), list(range(40)))
    assert answers[7] == vllm.generate(long[7:8], Sampling(0.7, 0.9, 4), [7])[0]


def test_bfloat16_differs_from_float32_by_rounding_only(plain, sequences):
    rounded = TransformersEngine(BASE, Engine(kind="transformers", dtype="bfloat16"))
    for exact, rough in zip(plain.token_logprobs(*sequences), rounded.token_logprobs(*sequences), strict=True):
        mean = sum(abs(a - b) for a, b in zip(exact, rough, strict=True)) / len(exact)
        assert 0 < mean < 0.05


def test_a_missing_engine_names_what_to_install(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StageError, match=r"vllm is not installed: pip install 'humpback-builder\[vllm\]'"):
        start_engine(BASE, Engine(kind="vllm"), RUNTIME)


def test_plain_transformers_tell_when_they_load_and_when_a_row_is_done(sequences):
    progress, answers = Told(), []
    config = Engine(kind="transformers", dtype="float32")
    with told(progress):
        engine = start_engine(BASE, config, RUNTIME, lambda: answers.append(progress.answers))
        engine.token_logprobs(*sequences)
        engine.next_logprobs(sequences[0], [5, 6])
        engine.generate(sequences[0][:2], Sampling(0, 1, 1), [1, 2])
    assert progress.phases == ["starting the engine", "loading the model", "", ""]
    assert (progress.requests, progress.answers) == ([4, 4, 2], 10)
    assert answers == list(range(10))
