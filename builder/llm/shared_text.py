"""Token ids of texts that begin alike: the rubric before every pair is tokenised once, not for each pair."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

FEWEST_TEXTS, SHORTEST = 8, 400
"""With fewer texts, or a shorter common beginning (characters), nothing is gained."""
MARGIN = 100
"""Characters of the common beginning that are tokenised with each text, so that all are cut amid the same text."""


def encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, without special tokens of the tokenizer's own.

    Tokenizers that split a text before they merge bytes or characters look no further than the word they are at. So a
    text may be cut at the beginning of a line, where the same text goes on for `MARGIN` characters, if one of the texts
    shows that the tokenizer takes the part behind the cut as it takes it in place. Else they are tokenised whole.

    Args:
        tokenizer: A fast tokenizer.
        texts: With markers and all, as a template has rendered them.
    """
    cut = _cut(texts) if _splits(tokenizer) else 0
    if cut == 0:
        return _whole(tokenizer, texts)
    beginning, first = _whole(tokenizer, [texts[0][:cut], texts[0]])
    rests = _whole(tokenizer, [text[cut:] for text in texts])
    if beginning + rests[0] != first:
        return _whole(tokenizer, texts)
    return [beginning + rest for rest in rests]


def _whole(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return [list(ids) for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]] if texts else []


def _cut(texts: Sequence[str]) -> int:
    """Where all texts may be cut; 0 if nowhere."""
    if len(texts) < FEWEST_TEXTS:
        return 0
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False)))
    return min(texts).rfind("\n", 0, common - MARGIN) + 1 if common >= SHORTEST else 0


def _splits(tokenizer: Any) -> bool:
    """Whether the tokenizer splits texts into words first; one that does not may look at the whole text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and backend.pre_tokenizer is not None and type(backend.model).__name__ == "BPE"
