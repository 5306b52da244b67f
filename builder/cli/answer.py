"""What a command answers: a value, and how that value reads as text; whoever prints it chooses one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """The answer of a command.

    Attributes:
        value: Plain JSON values.
        text: Says the same to a reader; called only if that is wanted.
    """

    value: Any
    text: Callable[[], str]
