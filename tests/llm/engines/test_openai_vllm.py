"""vLLM's own server held against vLLM in process; the server takes a minute to start."""

import gc
import shutil
from pathlib import Path

import pytest
from support.vllm_server import vllm_server

from builder.errors import StageError
from builder.llm.contract import make_contract
from builder.llm.engines.engine import Sampling
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime

pytestmark = pytest.mark.full
BASE = Path(__file__).parents[3] / "builder" / "sample" / "base"
ROOM = 1_024


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model-0-") / "model"
    shutil.copytree(BASE, folder)
    return folder


@pytest.fixture(scope="module")
def runtime(model, tmp_path_factory):
    """The address of a server of the model."""
    log = tmp_path_factory.mktemp("server") / "log"
    with vllm_server(model, model.parent.name, room=ROOM, log=log) as address:
        yield address


@pytest.fixture(scope="module")
def served(runtime, model):
    return start_engine(model, Engine(kind="openai", dtype="float32", max_model_len=ROOM), runtime)


@pytest.fixture(scope="module")
def inside(model):
    engine = start_engine(model, Engine(kind="vllm", dtype="float32", max_model_len=ROOM), Runtime(kv_cache_mb=128))
    yield engine
    del engine
    from vllm.distributed import cleanup_dist_env_and_memory

    gc.collect()
    cleanup_dist_env_and_memory()


@pytest.fixture(scope="module")
def renderer():
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)


@pytest.fixture(scope="module")
def prompts(renderer):
    return [renderer.prompt([{"role": "user", "content": f"How should I store {n} apples?"}]) for n in range(24)]


@pytest.mark.parametrize("sampling", [Sampling(0.0, 1.0, 24), Sampling(0.7, 0.9, 24)], ids=["greedy", "sampled"])
def test_the_server_and_the_library_write_the_same(served, inside, prompts, sampling):
    seeds = list(range(len(prompts)))
    theirs, ours = served.generate(prompts, sampling, seeds), inside.generate(prompts, sampling, seeds)
    for one, other in zip(theirs, ours, strict=True):
        assert (one.ids, one.ended) == (other.ids, other.ended)
        assert one.logprob == pytest.approx(other.logprob, abs=1e-3)


def test_the_server_watches_tokens_and_stops_at_given_ones_as_the_library_does(served, inside, prompts):
    free = inside.generate(prompts, Sampling(0.0, 1.0, 12), range(len(prompts)))
    sampling = Sampling(0.0, 1.0, 12, (free[0].ids[3],), (5, 17, 300))
    theirs, ours = (engine.generate(prompts, sampling, range(len(prompts))) for engine in (served, inside))
    for one, other in zip(theirs, ours, strict=True):
        assert (one.ids, one.ended) == (other.ids, other.ended)
        for read, expected in zip(one.watched, other.watched, strict=True):
            assert read == pytest.approx(expected, abs=1e-3)
    assert ours[0].ended
    assert len(ours[0].ids) <= 4


def test_the_servers_answers_depend_on_prompt_and_seed_and_not_on_the_order(served, prompts):
    sampling, seeds = Sampling(0.7, 0.9, 24), list(range(len(prompts)))
    whole = served.generate(prompts, sampling, seeds)
    assert served.generate(prompts[::-1], sampling, seeds[::-1])[::-1] == whole
    assert served.generate(prompts, sampling, [seed + 1 for seed in seeds]) != whole


def test_the_server_and_the_library_give_the_same_log_probabilities(served, inside, renderer, prompts):
    pairs = [renderer.answered([{"role": "user", "content": "?"}], "Keep it cool. " * count) for count in range(1, 9)]
    sequences, starts = [ids for ids, _ in pairs], [start for _, start in pairs]
    for one, other in zip(
        served.token_logprobs(sequences, starts), inside.token_logprobs(sequences, starts), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-3)
    choices = [5, 17, 300, 1999, 2]
    for one, other in zip(served.next_logprobs(prompts, choices), inside.next_logprobs(prompts, choices), strict=True):
        assert one == pytest.approx(other, abs=1e-3)


def test_a_row_that_the_server_cannot_take_fails_alone(served, prompts):
    found = served.generate([prompts[0], [1] * (ROOM + 1), prompts[1]], Sampling(0.0, 1.0, 4), [1, 2, 3])
    assert [getattr(answer, "reason", None) for answer in found] == [None, "engine_rejected", None]


def test_a_recipe_that_needs_more_context_is_told_how_to_serve_it(runtime, model):
    with pytest.raises(StageError, match=r"context of 1,024 tokens.* vllm serve .*--max-model-len 2048"):
        start_engine(model, Engine(kind="openai", max_model_len=2_048), runtime)
