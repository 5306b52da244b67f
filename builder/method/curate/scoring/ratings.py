"""A rating from 1 to 5 as the model's own probabilities of the five digits, read where the score stands."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from builder.data.records import Row
from builder.data.resources import template_path
from builder.errors import StageError
from builder.llm.conversations import forward_prompt
from builder.llm.engines.engine import Failed
from builder.llm.prompts import render
from builder.llm.renderer import Renderer

FORCED = "Score: "
ANCHOR = "a"
"""Stands for a reasoning where the tokens of what follows one are looked up."""


class ScorePosition(NamedTuple):
    """Token ids that put the model where its rating stands.

    Attributes:
        start: "Score: " at the beginning of a reply.
        line: The same on a new line after a reasoning.
        digits: The five tokens of 1 to 5 that may follow.
    """

    start: list[int]
    line: list[int]
    digits: list[int]


def check_rubric(rubric: str | Path) -> None:
    """Render a rubric with stand-ins for the pair.

    Raises:
        StageError: If it cannot be rendered, or does not show both the instruction and the output.
    """
    stand_ins = {"instruction": "the words of the instruction", "output": "the words of the output"}
    texts = [render(rubric, **stand_ins, reasons=reasons) for reasons in (True, False)]
    missing = [f"{{{{ {name} }}}}" for name, words in stand_ins.items() if any(words not in text for text in texts)]
    if missing:
        raise StageError(f"{template_path(rubric)}: the rubric does not show {' and '.join(missing)} to the judge")


@functools.lru_cache(maxsize=4)
def score_position(renderer: Renderer) -> ScorePosition:
    """Look up the tokens of the score position in a rendered conversation.

    Raises:
        StageError: If the tokenizer has no such position.
    """
    anchor = _reply_ids(renderer, ANCHOR)
    starts = [_reply_ids(renderer, f"{FORCED}{digit}") for digit in "12345"]
    lines = [_reply_ids(renderer, f"{ANCHOR}\n{FORCED}{digit}") for digit in "12345"]
    digits = [ids[-1] for ids in starts]
    one_start = all(ids[:-1] == starts[0][:-1] for ids in starts)
    one_line = all(ids[:-1] == lines[0][:-1] and ids[: len(anchor)] == anchor for ids in lines)
    if not (one_start and one_line and len(set(digits)) == 5 and [ids[-1] for ids in lines] == digits):
        raise StageError(
            "the tokenizer does not give the digits 1 to 5 a token each after 'Score: '; use judge verdict"
        )
    return ScorePosition(starts[0][:-1], lines[0][len(anchor) : -1], digits)


def _reply_ids(renderer: Renderer, reply: str) -> list[int]:
    ids, start = renderer.answered(forward_prompt(renderer.contract, "seed", "?"), reply)
    return ids[start:-1]


def rated(readings: Sequence[Sequence[float]], min_mass: float) -> Row | None:
    """Score and spread of one or several readings of the same pair; None if the digits are too improbable in all.

    Each reading weighs as much as its digits are probable together: one at which the model would rather have written
    something else says little of the rating.

    Args:
        readings: Log p of the digits 1 to 5, one reading for each reasoning.
        min_mass: The probability of the digits together below which a reading is left out; one of 0 always is.
    """
    weights = [[math.exp(value) for value in reading] for reading in readings]
    masses = [math.fsum(digits) for digits in weights]
    readable = [at for at, mass in enumerate(masses) if 0 < mass < math.inf and mass >= min_mass]
    if not readable:
        return None
    total = math.fsum(masses[at] for at in readable)
    probabilities = [math.fsum(weights[at][digit] for at in readable) / total for digit in range(5)]
    mean = math.fsum(n * p for n, p in enumerate(probabilities, 1))
    variance = math.fsum(p * (n - mean) ** 2 for n, p in enumerate(probabilities, 1))
    return {
        "score": mean,
        "probabilities": probabilities,
        "spread": math.sqrt(variance),
        "mass": total / len(readable),
        "fallback": False,
    }


def unscored(row: Row, why: str | Failed = "longer_than_context") -> Row:
    """The score row of a pair without a score, with what the engine or the server said of it."""
    reason, message = (why, None) if isinstance(why, str) else why
    return {"id": row["id"], "score": None, "reason": reason, "message": message}
