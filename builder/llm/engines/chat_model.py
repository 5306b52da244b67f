"""A model that is not of the build, such as a hosted one: it is asked in conversations and answers in text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.errors import StageError
from builder.llm.conversations import Message
from builder.llm.engines.endpoint import Body, Endpoint, number
from builder.llm.engines.engine import Failed, Sampling, Tick
from builder.llm.engines.request_failures import Pace

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime


class Reply(NamedTuple):
    """What a model wrote.

    Attributes:
        text: Without special tokens.
        ended: Whether it ended by itself.
        tokens: Its length, as the server counts it; None if it does not.
        logprob: Log p of it as sampled; None if log-probabilities were not asked for, or the server gives none.
        positions: For each token the log p of the most probable ones, by their text; None as above.
    """

    text: str
    ended: bool
    tokens: int | None
    logprob: float | None
    positions: list[dict[str, float]] | None


class ChatModel:
    """A model behind `/chat/completions`; what it answers is not reproducible where its server takes no seed.

    Args:
        name: As the server calls it.
        runtime: Address, concurrency and patience.
        tick: Called after every try of a request.
        pace: How to wait.

    Raises:
        StageError: If the server does not answer or does not serve the model.
    """

    def __init__(self, name: str, runtime: "Runtime", tick: Tick = lambda: None, pace: Pace | None = None) -> None:
        self.name = name
        self._endpoint = Endpoint(runtime, tick, pace)
        served = self._endpoint.served()
        if name not in served:
            names = ", ".join(sorted(served)) or "no model"
            raise StageError(f"{self._endpoint.address}: serves {names}, but the recipe names {name}; use one of those")

    def reply(
        self,
        conversations: Sequence[list[Message]],
        sampling: Sampling,
        seeds: Sequence[int],
        *,
        top_logprobs: int = 0,
    ) -> list[Reply | Failed]:
        """One reply to each conversation, in order.

        Args:
            conversations: Each ends with a turn of the user.
            sampling: How to sample.
            seeds: One for each conversation.
            top_logprobs: Of how many tokens at each position log p is asked for; 0 asks for none.

        Raises:
            StageError: If the server is down, out of order, or refuses key or model.
        """
        logprobs: Body = {"logprobs": True, "top_logprobs": top_logprobs} if top_logprobs else {}
        bodies = [
            {
                "model": self.name,
                "messages": messages,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_tokens": sampling.max_tokens,
                "seed": seed,
                **logprobs,
            }
            for messages, seed in zip(conversations, seeds, strict=True)
        ]
        return self._endpoint.ask("/chat/completions", bodies, lambda _, reply: _reply(reply))


def _reply(reply: Any) -> Reply:
    choice = reply["choices"][0]
    text, tokens = choice["message"].get("content"), (reply.get("usage") or {}).get("completion_tokens")
    if not isinstance(text, str | None):
        raise TypeError("a reply that is no text")
    steps = (choice.get("logprobs") or {}).get("content")
    return Reply(
        text or "",
        choice["finish_reason"] == "stop",
        tokens if isinstance(tokens, int) else None,
        None if steps is None else sum((number(step["logprob"]) for step in steps), 0.0),
        None if steps is None else [_top(step) for step in steps],
    )


def _top(step: Any) -> dict[str, float]:
    """Log p by text; of two tokens with the same text the more probable one, which comes first."""
    found: dict[str, float] = {}
    for item in step.get("top_logprobs") or []:
        found.setdefault(str(item["token"]), number(item["logprob"]))
    return found
