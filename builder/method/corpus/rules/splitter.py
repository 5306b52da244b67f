"""Words and sentences for datatrove, which would otherwise ask spaCy."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_SENTENCE = re.compile(r"\S.*?(?:[.!?…][\"'”’)\]]*(?=\s|$)|$)", re.DOTALL)


@lru_cache(maxsize=1)
def splitter() -> Any:
    """A tokenizer that datatrove's blocks take in place of a language; words are what white space parts."""
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Splitter(WordTokenizer):  # type: ignore[misc]
        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return [sentence.group() for sentence in _SENTENCE.finditer(text)]

        def span_tokenize(self, text: str) -> Iterator[tuple[int, int]]:
            return (sentence.span() for sentence in _SENTENCE.finditer(text))

    return Splitter("en")
