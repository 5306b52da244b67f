"""Which language a page is in: what it declares is a hint, a detector on its text decides."""

import re
from collections.abc import Callable, Iterable

LANGUAGE_CHARS = 1_000
"""How much text the language detector is shown at once."""
_PIECE = 600
SENTENCE_CHARS = 40
"""Shorter texts are names and labels, which are in no language."""
VOTERS = 40
"""How many texts of a page are heard, spread evenly over it."""
SURE = 0.7
"""Confidence from which the detector overrules what the page declares."""
SHORT_LETTERS = 200
"""Below this many letters the detector is not trusted against a declaration, however sure it is."""
_HTML_LANGUAGE = re.compile(r"<html\b[^>]{0,1000}?\blang\s*=\s*[\"']?([A-Za-z]{2,3})\b", re.IGNORECASE)
_META_LANGUAGE = re.compile(
    r"<meta\b[^>]{0,200}content-language[^>]{0,200}?content\s*=\s*[\"']?([A-Za-z]{2,3})\b", re.IGNORECASE
)


def declared_language(html: str, hint: str) -> str:
    """Two- or three-letter code that the crawl (`hint`) or the page declares; empty if neither does."""
    if code := re.match(r"[A-Za-z]{2,3}(?![A-Za-z])", hint):  # "zh_chs" is zh, ClueWeb22's "other" says nothing
        return code.group().lower()
    declared = _HTML_LANGUAGE.search(html, 0, 10_000) or _META_LANGUAGE.search(html, 0, 10_000)
    return declared.group(1).lower() if declared else ""


def longest(texts: Iterable[str]) -> str:
    """The longest texts of a page, as much of them as the detector is shown."""
    pieces, chars = [], 0
    for text in sorted(texts, key=len, reverse=True):
        pieces.append(text[:_PIECE])
        chars += len(pieces[-1])
        if chars >= LANGUAGE_CHARS:
            break
    return "\n".join(pieces)[:LANGUAGE_CHARS]


def by_vote(texts: Iterable[str], detect: Callable[[str], tuple[str, float]]) -> tuple[str, float, int]:
    """The language of most text of a page, each text heard by itself and once.

    Args:
        texts: All texts of the page.
        detect: Says the language of a text and how sure that is.

    Returns:
        The language, empty if no text could be heard; its share of the votes, 0 to 1; how many letters were heard.
    """
    heard = [text for text in dict.fromkeys(texts) if len(text) >= SENTENCE_CHARS and _says_something(text[:_PIECE])]
    votes: dict[str, float] = {}
    letters = 0
    for text in heard[:: 1 + len(heard) // VOTERS]:
        language, confidence = detect(text[:_PIECE])
        weight = sum(map(str.isalpha, text[:_PIECE]))
        votes[language] = votes.get(language, 0.0) + weight * confidence
        letters += weight
    total = sum(votes.values())
    if not total:
        return "", 0.0, 0
    language, most = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return language, most / total, letters


def _says_something(text: str) -> bool:
    """Whether a text is more than the same few words over and over, as moving banners are."""
    words = text.split()
    return 4 * len(set(words)) > len(words)


def decide(declared: str, detected: str, confidence: float, letters: int, allowed: list[str]) -> str:
    """The language a page is taken to be in.

    The detector is believed where it is sure and has seen enough text. Where it is not, the declaration counts:
    odd words (constructed text, code, lists of names) must not cost a page its place.

    Args:
        declared: What the page or the crawl says; may be empty.
        detected: The detector's language; empty if there was no text.
        confidence: The detector's confidence, 0 to 1.
        letters: How many letters the detector saw.
        allowed: The languages asked for.
    """
    if not declared or detected == declared:
        return detected or declared
    unsure = confidence < SURE or letters < SHORT_LETTERS
    if detected in allowed and declared not in allowed:
        # Templates often declare a language that their author never looked at.
        return detected if confidence >= SURE else declared
    return declared if unsure else detected
