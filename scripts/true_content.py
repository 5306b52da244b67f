"""Which blocks of a page are in its true main content, and what is cut from it with any choice of blocks."""

import re
import unicodedata
from collections.abc import Collection
from typing import Any

SHORTEST = 20
"""Characters of the shortest segments that are given to a scoring program."""
RUN = 5
"""Words of a run."""
_WORD = re.compile(r"\w+")


def known_content(blocks: list[Any], text: str) -> list[bool]:
    """Whether half of the five-word runs of each block are in the truth; of fewer words, whether they all follow."""
    true = words_of(text)
    runs, whole = set(zip(*(true[start:] for start in range(RUN)), strict=False)), f" {' '.join(true)} "
    found = []
    for block in blocks:
        words = words_of(block.text)
        own = set(zip(*(words[start:] for start in range(RUN)), strict=False))
        found.append(2 * len(own & runs) >= len(own) if own else bool(words) and f" {' '.join(words)} " in whole)
    return found


def words_of(text: str) -> list[str]:
    """Words as truths are compared by."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def truth_text(truth: dict[str, Any]) -> str:
    """All text of a row of a truth."""
    return "\n".join(f"{part['header']}\n{part['text']}" for part in truth.get("segments", ()))


def segments_of(url: str, blocks: list[Any], kept: Collection[int], min_chars: int) -> list[dict[str, str]]:
    """What is cut from a page if some of its blocks are kept, as a scoring program reads it."""
    from builder.method.corpus.cutting.segmenter import cut

    segments = cut(blocks, kept, boundary="any", max_chars=10**9, min_chars=min_chars)
    enough = [segment for segment in segments if len(segment.text) >= SHORTEST]
    return [{"url": url, "header": segment.header, "text": segment.text} for segment in enough]
