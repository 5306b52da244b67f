"""Texts that stand in the way of a page, and places in it that nobody has filled."""

import re
from typing import TYPE_CHECKING

from builder.method.corpus.rules.phrases import words_of

if TYPE_CHECKING:
    from builder.method.corpus.cutting.segmenter import Segment
    from builder.method.corpus.rules.phrases import Phrases
    from builder.recipe.sections.corpus import Segments

    Found = dict[str, list[str]]

CONSENT_PHRASES = 3
"""A text with so many phrases of a consent wall, one of which speaks for a site, is one."""
_MARKED = re.compile(r"- |\d{1,4}\. ")


def wall_fault(segment: "Segment", found: "Found", phrases: "Phrases", config: "Segments") -> str | None:
    """Why a text is a wall or holds a placeholder, or None.

    Args:
        segment: The segment.
        found: The phrases in its text, by section.
        phrases: The phrases of the recipe.
        config: What is asked.
    """
    if config.drop_walls:
        if is_consent_wall(found):
            return "consent_wall"
        if found.get("wall"):
            return "access_wall"
    if config.drop_placeholders:
        if has_unfilled_fields(segment, phrases):
            return "template_braces"
        if has_ad_line(segment.text, phrases):
            return "ad_placeholder"
    return None


def is_consent_wall(found: "Found") -> bool:
    """Whether a text asks its reader to consent to cookies, in the name of a site."""
    return len(set(found.get("consent", ()))) >= CONSENT_PHRASES and "consent voice" in found


def has_unfilled_fields(segment: "Segment", phrases: "Phrases") -> bool:
    """Whether a text, or its header, holds fields of a template such as `{{ item.title }}`.

    Those in code are none, nor those of a text that has such code, or is about templates by its words.
    """
    from builder.method.corpus.cutting.composition import unfilled, without_fields

    headers = (segment.header, *segment.path)
    if segment.made_of.code_braces or not (segment.made_of.braces or any(map(unfilled, headers))):
        return False
    parts = (segment.text, *headers)
    return not any("templates" in phrases.words.found(words_of(without_fields(part))) for part in parts)


def has_ad_line(text: str, phrases: "Phrases") -> bool:
    """Whether a line of a text says no more than that an advertisement stands there."""
    ad = phrases.lines["ad"]
    lines = (line for line in text.splitlines() if len(line) <= 80 and not _MARKED.match(line) and " | " not in line)
    return any(ad.match(words_of(line)) for line in lines)
