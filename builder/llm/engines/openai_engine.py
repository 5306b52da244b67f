"""An OpenAI-compatible server as an engine in token ids, which is what vLLM's server offers beyond that interface.

It serves each model of the build under the name of its stage folder. The name holds the stage's fingerprint, so that a
server with another model is never asked by mistake.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import StageError
from builder.llm.adapters import read_adapter
from builder.llm.engines.endpoint import Body, Endpoint
from builder.llm.engines.engine import NO_LOGPROBS, Completion, Failed, Sampling, Tick
from builder.llm.engines.request_failures import Pace
from builder.llm.engines.server.replies import (
    ROUNDING,
    check_prompt,
    number,
    numbers_of_one_place,
    one_choice,
    sum_of_numbers,
    token_ids,
)
from builder.llm.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from builder.recipe.sections.models import Engine as EngineConfig
    from builder.recipe.sections.runtime import Runtime

NEUTRAL: Body = {
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""Where a request is silent, vLLM's server takes these from generation_config.json; in process it does not."""
FEW_LOGPROBS = 20
"""How many of the most probable tokens a server gives that cannot be asked for certain ones."""


class OpenaiEngine:
    """A model of the build behind a server.

    Args:
        model: Its folder, whose tokenizer is used here.
        config: Engine section of the recipe.
        runtime: Address, concurrency and patience.
        tick: Called after every try of a request.
        pace: How to wait.

    Raises:
        StageError: If the server does not answer, does not serve the model, or with too short a context.
    """

    def __init__(
        self,
        model: Path,
        config: "EngineConfig",
        runtime: "Runtime",
        tick: Tick = lambda: None,
        pace: Pace | None = None,
    ) -> None:
        self.name = served_name(model)
        self._endpoint = Endpoint(runtime, tick, pace)
        tokenizer = load_tokenizer(model)
        self._end_id, self._vocabulary = int(tokenizer.eos_token_id), len(tokenizer)
        served = self._endpoint.served()
        if self.name not in served:
            raise StageError(
                f"{self._endpoint.address}: serves {self._endpoint.names(served)}, but {self.name} is needed; serve it "
                f"with: {serve_command(model, config)}"
            )
        room = served[self.name].get("max_model_len")
        if type(room) is int and room < config.max_model_len:
            raise StageError(
                f"{self._endpoint.address}: serves {self.name} with a context of {max(room, 0):,} tokens, but "
                f"engine.max_model_len is {config.max_model_len:,}; serve it with: {serve_command(model, config)}"
            )

    def forget(self) -> None:
        """See `Engine.forget`; a server keeps what it likes."""

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Completion | Failed]:
        """See `Engine.generate`."""
        watched = _certain(sampling.watched) if sampling.watched else {"logprobs": 0}
        bodies = [
            self._body(
                ids,
                max_tokens=sampling.max_tokens,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                stop_token_ids=list(sampling.stop_ids),
                seed=seed,
                return_token_ids=True,
                **watched,
            )
            for ids, seed in zip(prompts, seeds, strict=True)
        ]
        return self._endpoint.ask(
            "/completions", bodies, lambda at, reply: self._completion(reply, prompts[at], sampling)
        )

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[list[float] | Failed]:
        """See `Engine.token_logprobs`."""

        def read(at: int, reply: Any) -> list[float] | Failed:
            ids = sequences[at]
            logprobs = self._choice(reply, ids).get("prompt_logprobs")
            if logprobs is None:
                return Failed(NO_LOGPROBS, "the server gives no log-probabilities of a prompt; vLLM's does")
            if not isinstance(logprobs, list) or len(logprobs) != len(ids):
                raise ValueError(f"other log-probabilities than those of {len(ids)} tokens")
            return [number(logprobs[place][str(ids[place])]["logprob"]) for place in range(starts[at], len(ids))]

        bodies = [self._body(ids, max_tokens=1, temperature=0, prompt_logprobs=0) for ids in sequences]
        return self._endpoint.ask("/completions", bodies, read)

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float] | Failed]:
        """See `Engine.next_logprobs`."""

        def read(at: int, reply: Any) -> list[float] | Failed:
            top = (self._choice(reply, prompts[at]).get("logprobs") or {}).get("top_logprobs") or [None]
            logprobs = {f"token_id:{choice}": (top[0] or {}).get(f"token_id:{choice}") for choice in choices}
            missing = [token for token, value in logprobs.items() if value is None]
            if missing:
                return Failed(NO_LOGPROBS, f"the server gives no log-probability of {', '.join(missing)}")
            return numbers_of_one_place(list(logprobs.values()))

        bodies = [self._body(ids, max_tokens=1, temperature=0, **_certain(choices)) for ids in prompts]
        return self._endpoint.ask("/completions", bodies, read)

    def _body(self, prompt: list[int], **options: Any) -> Body:
        return {"model": self.name, "prompt": prompt, "skip_special_tokens": False, **NEUTRAL, **options}

    def _choice(self, reply: Any, prompt: Sequence[int]) -> dict[str, Any]:
        choice = one_choice(reply)
        if reply["model"] != self.name:
            other = self._endpoint.names([str(reply["model"])])
            raise StageError(f"{self._endpoint.address}: answers as {other}, not as {self.name}")
        check_prompt(choice, prompt)
        return choice

    def _completion(self, reply: Any, prompt: Sequence[int], sampling: Sampling) -> Completion | Failed:
        choice = self._choice(reply, prompt)
        if choice.get("token_ids") is None:
            return Failed("engine_no_token_ids", "the server gives no token ids; vLLM's does (return_token_ids)")
        ends = frozenset([self._end_id, *sampling.stop_ids])
        ids = token_ids(choice["token_ids"], vocabulary=self._vocabulary, most=sampling.max_tokens, ends=ends)
        logprobs = choice.get("logprobs") or {}
        written = logprobs.get("token_logprobs")
        logprob = sum_of_numbers(written, len(ids))
        watched = _watched(logprobs.get("top_logprobs"), sampling.watched, ids, None if logprob is None else written)
        return Completion(ids, logprob, ids[-1] in ends, watched)


def served_name(model: Path) -> str:
    """The name a model folder is served under: of its stage's folder, or its own if no stage has made it."""
    return model.parent.name if model.name == "model" else model.name


def serve_command(model: Path, config: "EngineConfig") -> str:
    """The command that serves a model of the build as the build asks for it; an adapter goes beside its base."""
    adapter = read_adapter(model)
    arguments = [str(model), "--served-model-name", served_name(model)]
    if adapter:
        revision = [] if adapter.revision is None else ["--revision", adapter.revision]
        rank = ["--max-lora-rank", str(adapter.options["max_lora_rank"])]
        modules = ["--lora-modules", f"{served_name(model)}={model}"]
        arguments = [adapter.base, *revision, "--tokenizer", str(model), "--enable-lora", *rank, *modules]
    dtype = [] if config.dtype == "auto" else ["--dtype", config.dtype]
    return shlex.join(["vllm", "serve", *arguments, "--max-model-len", str(config.max_model_len), *dtype])


def _certain(tokens: Sequence[int]) -> dict[str, Any]:
    """What asks for the log-probabilities of certain tokens."""
    return {"logprob_token_ids": list(tokens), "logprobs": FEW_LOGPROBS, "return_tokens_as_token_ids": True}


def _watched(
    steps: Any, tokens: Sequence[int], ids: Sequence[int], logprobs: Sequence[float] | None
) -> list[list[float]] | None:
    """Log p of certain tokens at each place of an answer; None where the server gives it not for all."""
    names = [f"token_id:{token}" for token in tokens]
    if not names or not isinstance(steps, list) or len(steps) != len(ids):
        return None
    if any((step or {}).get(name) is None for step in steps for name in names):
        return None
    for step, written, logprob in zip(steps, ids, logprobs or (), strict=False):
        if abs(number(step.get(f"token_id:{written}", logprob)) - logprob) > ROUNDING:
            raise ValueError("two log-probabilities of one token")
    return [numbers_of_one_place([step[name] for name in names]) for step in steps]
