"""A model that is not of the build, such as a hosted one: it is asked in conversations and answers in text."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from builder.errors import StageError
from builder.llm.conversations import Message
from builder.llm.engines.endpoint import Endpoint
from builder.llm.engines.engine import Failed, Generation, Sampling, Tick
from builder.llm.engines.reply_log import ReplyLog
from builder.llm.engines.request_failures import Pace
from builder.llm.engines.server.replies import FREE_TOKENS, count_of, one_choice, sum_of_numbers, text_of

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Runtime


class ChatModel:
    """A model behind `/chat/completions`; what it answers is not reproducible where its server takes no seed.

    Args:
        name: As the server calls it.
        runtime: Address, concurrency and patience.
        tick: Called after every try of a request.
        pace: How to wait.
        leave_out: Parameters that it is not sent, since it does not take them.
        log: Knows what was answered before this process began, and keeps what is answered now.

    Raises:
        StageError: If the server does not answer or does not serve the model.
    """

    def __init__(
        self,
        name: str,
        runtime: "Runtime",
        tick: Tick = lambda: None,
        pace: Pace | None = None,
        leave_out: Collection[str] = (),
        log: ReplyLog | None = None,
    ) -> None:
        self.name, self._leave_out, self._log = name, frozenset(leave_out), log
        self._endpoint = Endpoint(runtime, tick, pace)
        served = self._endpoint.served()
        if name not in served:
            raise StageError(
                f"{self._endpoint.address}: serves {self._endpoint.names(served)}, but the recipe names {name}; use "
                "one of those"
            )

    def generate(
        self, conversations: Sequence[list[Message]], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Generation | Failed]:
        """One answer to each conversation, in order.

        Args:
            conversations: Each ends with a turn of the user.
            sampling: How to sample.
            seeds: One for each conversation.

        Raises:
            StageError: If the server is down, out of order, or refuses key, model, a parameter or every request.
        """
        bodies = []
        for messages, seed in zip(conversations, seeds, strict=True):
            options = {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_tokens": sampling.max_tokens,
                "seed": seed,
            }
            sent = {name: value for name, value in options.items() if name not in self._leave_out}
            bodies.append({"model": self.name, "messages": messages, **sent})
        known = [self._log.of(body) if self._log else None for body in bodies]
        todo = [body for body, reply in zip(bodies, known, strict=True) if reply is None]
        asked = iter(self._endpoint.ask("/chat/completions", todo, lambda at, reply: self._read(reply, todo[at])))
        return [next(asked) if reply is None else reply for reply in known]

    def _read(self, reply: Any, body: Mapping[str, Any]) -> Generation:
        generation = _generation(reply, body)
        if self._log:
            self._log.add(body, generation)
        return generation


def _generation(reply: Any, body: Mapping[str, Any]) -> Generation:
    choice = one_choice(reply)
    steps = (choice.get("logprobs") or {}).get("content")  # not asked for; a server may give them all the same
    return Generation(
        text_of(choice["message"]).strip(),
        choice["finish_reason"] == "stop",
        None if steps is None else sum_of_numbers([step["logprob"] for step in steps], len(steps)),
        count_of(reply, int(body.get("max_tokens", FREE_TOKENS))),
    )
