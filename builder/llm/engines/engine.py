"""What a stage asks of a language model, in token ids, and what it gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

NO_LOGPROBS = "engine_no_logprobs"
"""The reason of a row for which an engine gives text, but not the log-probabilities that were asked for."""


@dataclass(frozen=True)
class Sampling:
    """How answers are sampled.

    Attributes:
        temperature: 0 is greedy.
        top_p: Share of the probability that is drawn from.
        max_tokens: The end token counts.
        stop_ids: Token ids that end an answer, beside the tokenizer's eos; a chat template may end turns with another.
        watched: Token ids (at most 128) whose log-probabilities are wanted at each place of the answer.
    """

    temperature: float
    top_p: float
    max_tokens: int
    stop_ids: tuple[int, ...] = ()
    watched: tuple[int, ...] = ()


Tick = Callable[[], None]
"""Called whenever a request is done: the sign that an engine is alive."""


class Completion(NamedTuple):
    """A sampled answer.

    Attributes:
        ids: Its tokens, with the one that ended it.
        logprob: Log p of it under the model (temperature 1), the end token included; None where a server gives none.
        ended: Whether it ended by itself: its last token is the tokenizer's eos or one of `Sampling.stop_ids`.
        watched: For each token of the answer, log p of each of `Sampling.watched` at its place (temperature 1, whole
            vocabulary); None where none is asked for, or a server gives none.
    """

    ids: list[int]
    logprob: float | None
    ended: bool
    watched: Sequence[list[float]] | None = None


class Generation(NamedTuple):
    """What a model wrote.

    Attributes:
        text: Without the end token; other special tokens stay visible.
        ended: Whether it ended by itself.
        logprob: Log p of it under the model (temperature 1), the end token included; None where a server gives none.
        tokens: How many it has; None where a server does not count.
    """

    text: str
    ended: bool
    logprob: float | None
    tokens: int | None


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

    def token_logprobs(
        self, sequences: Sequence[list[int]], starts: Sequence[int]
    ) -> Sequence[Sequence[float] | Failed]:
        """Log p of the tokens of each sequence from its start on, each given all before it."""

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> Sequence[list[float] | Failed]:
        """Log p of each of `choices` (at most 128 token ids) as the next token of each prompt."""
