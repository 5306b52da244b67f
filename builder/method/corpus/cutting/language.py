"""Which language a page is in: what it declares is a hint, a detector on its text decides."""

import re

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
