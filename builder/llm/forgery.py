"""Whether a text could become a control token of a vocabulary, found without tokenising it."""

from collections.abc import Iterable
from typing import Any


class Suspicion:
    """Finds the texts that hold a control token or might make one with what stands beside them.

    A tokenizer looks for its added tokens before anything else, in the text as it stands, unless the token asks for
    normalised text. So a text without any of them, and with no part of one at its ends, cannot become one. Where the
    tokenizer normalises, every text is suspicious.

    Args:
        tokenizer: A fast tokenizer.
        control: Ids of the control tokens.
    """

    def __init__(self, tokenizer: Any, control: Iterable[int]) -> None:
        added = tokenizer.added_tokens_decoder
        tokens = [added[number] for number in control if number in added]
        backend = getattr(tokenizer, "backend_tokenizer", None)
        plain = backend is not None and (backend.normalizer is None or not any(token.normalized for token in tokens))
        self._everything = not plain or len(tokens) != len(set(control))
        self._tokens = sorted({str(token.content) for token in tokens})
        self._beginnings = tuple(sorted({token[:at] for token in self._tokens for at in range(1, len(token))}))
        self._ends = tuple(sorted({token[at:] for token in self._tokens for at in range(1, len(token))}))

    def of(self, text: str) -> bool:
        """Whether the text must be tokenised to know."""
        return (
            self._everything
            or not text.strip()  # a template may leave out the turn
            or any(token in text for token in self._tokens)
            or text.lstrip().startswith(self._ends)
            or text.rstrip().endswith(self._beginnings)
        )
