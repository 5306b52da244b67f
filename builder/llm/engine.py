"""What a stage asks of a language model, in token ids, and how an engine for it is started."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from builder.data.resources import INSTALL
from builder.errors import StageError

if TYPE_CHECKING:
    from builder.recipe import Engine as EngineConfig
    from builder.recipe.runtime import Runtime


@dataclass(frozen=True)
class Sampling:
    """How answers are sampled; temperature 0 is greedy."""

    temperature: float
    top_p: float
    max_tokens: int


Tick = Callable[[], None]
"""Called whenever a request is done: the sign that an engine is alive."""


class Completion(NamedTuple):
    """A sampled answer: its token ids, log p of it under the model (temperature 1), and whether it ended by itself.

    An answer has ended when its last token is the tokenizer's end token, which is counted in `logprob`; that is None
    where a server gives no log-probabilities.
    """

    ids: list[int]
    logprob: float | None
    ended: bool


class Failed(NamedTuple):
    """What stands for the answer to a row that the engine could not do.

    Attributes:
        reason: Begins with `engine_`; counted.
        message: What the engine or the server said.
    """

    reason: str
    message: str


class Engine(Protocol):
    """A loaded model. All implementations give the same log-probabilities within rounding."""

    def forget(self) -> None:
        """Forget what earlier calls have computed, so that the next results do not depend on them in the last digit."""

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]
    ) -> Sequence[Completion | Failed]:
        """One answer to each prompt; an answer depends on its prompt and seed alone."""

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> Sequence[list[float] | Failed]:
        """Log p of the tokens of each sequence from its start on, each given all before it."""

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> Sequence[list[float] | Failed]:
        """Log p of each of `choices` (at most 128 token ids) as the next token of each prompt."""


def start_engine(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick = lambda: None) -> Engine:
    """Load a model folder into the engine that the recipe names.

    Args:
        model: A folder with weights and tokenizer.
        config: Engine section of the recipe.
        runtime: Sizes that change no result.
        tick: Called whenever a request is done.

    Returns:
        An engine that gives `Failed` for a row it cannot do, and does the others.

    Raises:
        StageError: If the engine is not installed, or a server does not answer or does not serve the model.
    """
    if importlib.util.find_spec(config.kind) is None:
        raise StageError(f"engine.kind is {config.kind!r}, but {config.kind} is not installed: {INSTALL[config.kind]}")
    return STARTERS[config.kind](model, config, runtime, tick)


def _start_openai(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick) -> Engine:
    from builder.llm.openai_engine import OpenaiEngine

    return OpenaiEngine(model, config, runtime, tick)


def _start_vllm(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick) -> Engine:
    from builder.llm.attempts import Steady
    from builder.llm.vllm_engine import VllmEngine

    return Steady(VllmEngine(model, config, runtime, tick))


def _start_transformers(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick) -> Engine:
    from builder.llm.attempts import Steady
    from builder.llm.transformers_engine import TransformersEngine

    return Steady(TransformersEngine(model, config, tick))


STARTERS: dict[str, Callable[[Path, "EngineConfig", "Runtime", Tick], Engine]] = {
    "openai": _start_openai,
    "transformers": _start_transformers,
    "vllm": _start_vllm,
}
"""How an engine of each kind is started; the one place that every part of the build starts its engine from."""
