"""Read the replies of servers: every byte is a stranger's, and none is believed before it is checked.

A reply that is not what was asked for is a ValueError, and so a failed try of its row: what is asked for once more may
be right. Nothing is put right here, as by taking the first of two choices.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from builder.data.strict_json import strict_json

TOKEN_BYTES = 1_024
"""Bytes that a reply may have for a token: its text, escaped, its id and its log-probability."""
ENTRY_BYTES = 256
"""Bytes for each other token whose log-probability is given in its place."""
FEW_BYTES = 256 << 10
"""Bytes for all that is about no token."""
FREE_TOKENS = 16_384
"""Tokens of an answer whose length the server is not told."""
MODELS, MODELS_BYTES = 10_000, 4 << 20
"""Models, and bytes, of a list of models."""
ROUNDING = 0.01
"""What a log-probability may be above 0 by, and several together above 1."""
LOWEST = -100_000.0
"""What a log-probability may be; servers write -9999 for none at all."""


def most_bytes(body: Mapping[str, Any]) -> int:
    """How many bytes the reply to a request may have: it follows from what was asked for, not from the server."""
    prompt, tokens = body.get("prompt"), int(body.get("max_tokens") or FREE_TOKENS)
    entries = int(body.get("logprobs") or 0) + len(body.get("logprob_token_ids") or ())
    most = FEW_BYTES + tokens * (TOKEN_BYTES + entries * ENTRY_BYTES)
    if body.get("prompt_logprobs") is not None and prompt is not None:
        most += len(prompt) * (TOKEN_BYTES + int(body["prompt_logprobs"]) * ENTRY_BYTES)
    return most + 8 * (len(prompt) if prompt is not None else sum(len(turn["content"]) for turn in body["messages"]))


def parse(body: bytes) -> Any:
    """The JSON of a reply, whatever it calls itself.

    Raises:
        ValueError: If it is no JSON in UTF-8, or such as readers disagree on: NaN, a name twice, without end or bottom.
    """
    return strict_json(body.decode("utf-8"))


def one_choice(reply: Any) -> dict[str, Any]:
    """The only choice of a reply, for a request has one answer.

    Raises:
        ValueError: If there is none, another number of them, or one of another place.
    """
    choices = _object(reply, "the reply").get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        found = f"{len(choices)} choices" if isinstance(choices, list) else f"choices of {type(choices).__name__}"
        raise ValueError(f"{found}, not one")
    choice = _object(choices[0], "the choice")
    index = choice.get("index", 0)
    if isinstance(index, bool) or index != 0:
        raise ValueError("the choice has another index than 0")
    return choice


def check_prompt(choice: Mapping[str, Any], prompt: Sequence[int]) -> None:
    """Raise a ValueError if a reply says that it is to another prompt."""
    if choice.get("prompt_token_ids") not in (None, prompt):
        raise ValueError("it is a reply to another prompt")


def token_ids(value: Any, *, vocabulary: int, most: int, ends: frozenset[int]) -> list[int]:
    """The tokens of an answer.

    Args:
        value: From JSON.
        vocabulary: How many tokens there are.
        most: How many may be written.
        ends: Those that end an answer.

    Raises:
        ValueError: If it is anything that the model cannot have written.
    """
    if not isinstance(value, list) or not all(type(token) is int for token in value):
        raise ValueError("token ids that are no integers")
    if not 1 <= len(value) <= most:
        raise ValueError(f"{len(value):,} tokens, where 1 to {most:,} were asked for")
    if not all(0 <= token < vocabulary for token in value):
        raise ValueError("token ids that the model does not have")
    if not ends.isdisjoint(value[:-1]):
        raise ValueError("an answer that goes on after its end")
    return value


def number(value: Any) -> float:
    """A log-probability from JSON.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not one: NaN, infinite, below any that a model gives, or above 0 by more than rounding.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a log-probability that is {type(value).__name__}")
    if not LOWEST <= value <= ROUNDING:
        raise ValueError(f"a log-probability of {value:.5g}" if isinstance(value, float) else "a huge log-probability")
    return float(value)


def numbers_of_one_place(values: Sequence[Any]) -> list[float]:
    """Log-probabilities of different tokens in the same place.

    Raises:
        ValueError: If one is none, or all together are more probable than anything can be.
    """
    found = [number(value) for value in values]
    if sum(map(math.exp, found)) > 1 + ROUNDING * max(1, len(found)):
        raise ValueError("tokens that are together more probable than 1")
    return found


def sum_of_numbers(values: Any, tokens: int) -> float | None:
    """Log p of an answer of so many tokens; None where the server gives it not for all."""
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != tokens:
        raise ValueError(f"other log-probabilities than those of {tokens} tokens")
    return None if None in values else sum((number(value) for value in values), 0.0)


def text_of(message: Any) -> str:
    """What the assistant wrote; nothing where it refused, or called a tool.

    Raises:
        ValueError: If it is no text, or none that a file can hold.
    """
    content = _object(message, "the message").get("content")
    if content is None:
        return ""
    if not isinstance(content, str):
        raise ValueError("content that is no text")
    content.encode("utf-8")  # halves of surrogate pairs have no form in it
    return content


def count_of(reply: Mapping[str, Any], most: int) -> int | None:
    """How many tokens the server says that it wrote; None where it does not, or says what cannot be."""
    usage = reply.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return tokens if type(tokens) is int and 0 <= tokens <= most else None


def models_of(reply: Any) -> dict[str, dict[str, Any]]:
    """The models of a list, by name.

    Raises:
        ValueError: If it is no such list.
    """
    models = _object(reply, "the reply").get("data")
    if not isinstance(models, list) or len(models) > MODELS:
        raise ValueError(f"no list of at most {MODELS:,} models")
    if not all(isinstance(_object(model, "a model").get("id"), str) for model in models):
        raise ValueError("a model without a name")
    return {model["id"]: model for model in models}


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value
