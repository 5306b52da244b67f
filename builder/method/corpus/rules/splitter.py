"""Words and sentences for datatrove, which would otherwise ask spaCy."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from builder.text.sentences import sentence_spans
from builder.text.words import parted


@lru_cache(maxsize=4)
def splitter(ngrams: int = 1) -> Any:
    """A tokenizer that datatrove's blocks take in place of a language; words are what white space parts.

    In scripts without spaces they are letters, put together so that runs of words say as much (`words.widened`).

    Args:
        ngrams: How many words the block puts into a run.
    """
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Splitter(WordTokenizer):  # type: ignore[misc]
        def word_tokenize(self, text: str) -> list[str]:
            return parted(text, ngrams)

        def sent_tokenize(self, text: str) -> list[str]:
            return [text[start:end] for start, end in sentence_spans(text)]

        def span_tokenize(self, text: str) -> Iterator[tuple[int, int]]:
            return sentence_spans(text)

    return Splitter("en")
