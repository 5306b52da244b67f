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
from builder.llm.engines.endpoint import Body, Endpoint, number
from builder.llm.engines.engine import NO_LOGPROBS, Completion, Failed, Sampling, Tick
from builder.llm.engines.request_failures import Pace
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
        self._end_id = int(load_tokenizer(model).eos_token_id)
        served = self._endpoint.served()
        if self.name not in served:
            names = ", ".join(sorted(served)) or "no model"
            raise StageError(
                f"{self._endpoint.address}: serves {names}, but {self.name} is needed; serve it with: "
                f"{serve_command(model, config)}"
            )
        room = served[self.name].get("max_model_len")
        if isinstance(room, int) and room < config.max_model_len:
            raise StageError(
                f"{self._endpoint.address}: serves {self.name} with a context of {room:,} tokens, but "
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
        return self._endpoint.ask("/completions", bodies, lambda _, reply: self._completion(reply, sampling))

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[list[float] | Failed]:
        """See `Engine.token_logprobs`."""

        def read(at: int, reply: Any) -> list[float] | Failed:
            logprobs, ids = self._choice(reply).get("prompt_logprobs"), sequences[at]
            if logprobs is None:
                return Failed(NO_LOGPROBS, "the server gives no log-probabilities of a prompt; vLLM's does")
            if len(logprobs) != len(ids):
                raise ValueError(f"{len(logprobs)} log-probabilities of {len(ids)} tokens")
            return [number(logprobs[place][str(ids[place])]["logprob"]) for place in range(starts[at], len(ids))]

        bodies = [self._body(ids, max_tokens=1, temperature=0, prompt_logprobs=0) for ids in sequences]
        return self._endpoint.ask("/completions", bodies, read)

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float] | Failed]:
        """See `Engine.next_logprobs`."""

        def read(_: int, reply: Any) -> list[float] | Failed:
            top = (self._choice(reply).get("logprobs") or {}).get("top_logprobs") or [None]
            logprobs = {f"token_id:{choice}": (top[0] or {}).get(f"token_id:{choice}") for choice in choices}
            missing = [token for token, value in logprobs.items() if value is None]
            if missing:
                return Failed(NO_LOGPROBS, f"the server gives no log-probability of {', '.join(missing)}")
            return [number(value) for value in logprobs.values()]

        bodies = [self._body(ids, max_tokens=1, temperature=0, **_certain(choices)) for ids in prompts]
        return self._endpoint.ask("/completions", bodies, read)

    def _body(self, prompt: list[int], **options: Any) -> Body:
        return {"model": self.name, "prompt": prompt, "skip_special_tokens": False, **NEUTRAL, **options}

    def _choice(self, reply: Any) -> Any:
        if reply["model"] != self.name:
            raise StageError(f"{self._endpoint.address}: answers as {reply['model']}, not as {self.name}")
        return reply["choices"][0]

    def _completion(self, reply: Any, sampling: Sampling) -> Completion | Failed:
        choice = self._choice(reply)
        ids = choice.get("token_ids")
        if ids is None:
            return Failed("engine_no_token_ids", "the server gives no token ids; vLLM's does (return_token_ids)")
        if not all(type(token) is int for token in ids):
            raise TypeError("token ids that are no integers")
        logprobs = choice.get("logprobs") or {}
        ended = ids[-1:] == [self._end_id] or (bool(ids) and ids[-1] in sampling.stop_ids)
        watched = _watched(logprobs.get("top_logprobs"), sampling.watched, len(ids))
        return Completion(ids, _sum(logprobs.get("token_logprobs"), len(ids)), ended, watched)


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


def _watched(steps: Any, tokens: Sequence[int], size: int) -> list[list[float]] | None:
    """Log p of certain tokens at each place of an answer; None where the server gives it not for all."""
    names = [f"token_id:{token}" for token in tokens]
    if not names or not isinstance(steps, list) or len(steps) != size:
        return None
    if any((step or {}).get(name) is None for step in steps for name in names):
        return None
    return [[number(step[name]) for name in names] for step in steps]


def _sum(logprobs: Any, tokens: int) -> float | None:
    """Log p of an answer; None where the server gives none."""
    if logprobs is None or any(value is None for value in logprobs):
        return None
    if len(logprobs) != tokens:
        raise ValueError(f"{len(logprobs)} log-probabilities of {tokens} tokens")
    return sum((number(value) for value in logprobs), 0.0)
