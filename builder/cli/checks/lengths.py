"""Rows that are longer than a training or a model takes, found in some pairs and segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.data.sampled import spread
from builder.llm.token_counts import TokenCounter, context_length, token_counter
from builder.method.train.before.lengths import least_tokens, limits
from builder.method.train.rows import are_too_many
from builder.recipe.recipe import Recipe

_PAIRS = 500
"""So many pairs are counted."""
_MARKS, _STEP = 64, 128
"""Tokens that a chat template is taken to add, and of which a limit is named as a multiple."""
_SHORTER = {"pairs": "or shorten those pairs", "segments": "or lower segments.max_chars"}


@dataclass
class Lengths:
    """How long answers are.

    Attributes:
        longest: Tokens of the longest answer looked at, of a pair or a segment.
        notes: What is too long.
    """

    longest: int = 0
    notes: list[str] = field(default_factory=list)


def look_at_lengths(
    recipe: Recipe, pairs: list[dict[str, str]], segments: Sequence[Mapping[str, Any]]
) -> Lengths | None:
    """Count the tokens of pairs and segments; None where the tokenizer of the base is not here.

    A segment has no instruction yet; its header stands for that.
    """
    count = token_counter(recipe.base)
    if count is None:
        return None
    sections = [{"instruction": str(row["header"]), "output": str(row["text"])} for row in segments]
    groups = {"pairs": spread(pairs, _PAIRS), "segments": sections}
    answers = [row["output"] for rows in groups.values() for row in rows]
    found = Lengths(longest=max((count(answer) for answer in answers), default=0))
    context = context_length(recipe.base)
    for limit in limits(recipe):
        if context is not None and limit.tokens > context:
            found.notes.append(
                f"{limit.file}: max_length is {limit.tokens:,}, and the base takes {context:,} tokens; "
                f"set it to {context} or less there, or take a base with a longer context"
            )
        of = groups if limit.direction == "forward" else {"pairs": groups["pairs"]}
        for what, rows in of.items():
            tokens = [least_tokens(count, recipe.chat, limit.direction, row) for row in rows]
            long = sum(number > limit.tokens for number in tokens)
            if long:
                stops = _stops(recipe, what, long, len(rows))
                found.notes.append(
                    f"{long:,} of {len(rows):,} {what} looked at are longer than max_length: {limit.tokens:,} of "
                    f"{limit.file} and would not be trained on{stops}; raise max_length there to some "
                    f"{_rounded(max(tokens)):,}, {_SHORTER[what]}"
                )
    found.notes += _beyond_context(recipe, count, context, sections)
    return found


def _rounded(tokens: int) -> int:
    """A limit that a row of so many tokens fits, with the marks of a chat template."""
    return -(-(tokens + _MARKS) // _STEP) * _STEP


def _stops(recipe: Recipe, what: str, long: int, rows: int) -> str:
    """Whether so many would end a build, as far as the rows that were looked at tell."""
    share = recipe.runtime.max_too_long * (2 if what == "segments" else 1)
    allowed = not are_too_many(long, rows, share)
    return "" if allowed else ", so many that a build stops before its first training (runtime.max_too_long)"


def _beyond_context(
    recipe: Recipe, count: TokenCounter, context: int | None, sections: list[dict[str, str]]
) -> list[str]:
    """How many segments leave no room for their instruction."""
    room = recipe.engine.max_model_len if context is None else min(recipe.engine.max_model_len, context)
    notes = []
    if context is not None and recipe.engine.max_model_len > context:
        notes.append(
            f"engine.max_model_len is {recipe.engine.max_model_len:,}, and the base takes {context:,} tokens; "
            f"set it to {context} or less"
        )
    most = room - recipe.augment.max_tokens
    long = sum(count(recipe.chat.system_backward, row["output"]) > most for row in sections)
    if long:
        notes.append(
            f"{long:,} of {len(sections):,} segments looked at leave no room for augment.max_tokens in a context of "
            f"{room:,} tokens (engine.max_model_len); no instruction would be written for them; raise "
            "that, or lower segments.max_chars or augment.max_tokens"
        )
    return notes
