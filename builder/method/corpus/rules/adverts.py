"""Which texts advertise: a site that speaks of itself by its own name, or sells by its address.

Departure: the paper leaves this to its scores.
"""

from typing import TYPE_CHECKING

from builder.method.corpus.rules.site import abridges, mentions
from builder.text.scripts import size

if TYPE_CHECKING:
    from builder.method.corpus.cutting.segmenter import Segment

    Found = dict[str, list[str]]

SELLING = 0.5
"""Of `max_marketing`, how often a page with the address of a shop may say "we", "our" and words of praise."""
SPEAKING, PROUD = 1.0, 0.35
"""How often any text may say "we" and "our", and beside them words of praise."""
SPEAKING_WORDS, PROUD_WORDS = 3, 2
"""A text with fewer is no advert for these."""
NAMED = 0.4
"""How often a text may say "we", "our" and words of praise under a header with the name of its site."""
OWN = 0.75
"""Both how often a text with the name of its site in it may say that name, "we" and "our", and its words of praise."""
PRAISING = 2.0
"""How often any text may say words of praise, of which `DIFFERENT` are different."""
DIFFERENT = 5


def advertises(segment: "Segment", found: "Found", limit: float) -> bool:
    """Whether a text advertises.

    Args:
        segment: The segment.
        found: The phrases in its text, by section.
        limit: What is allowed of the plainest phrases in 1,000 characters; the other limits are parts of it.
    """
    allowed = limit * max(size(segment.text), 500) / 1_000
    voice, praise = len(found.get("voice", ())), found.get("boast", ())
    said = voice + len(praise)
    if segment.sells and voice and said >= SELLING * allowed:
        return True
    proud = len(set(praise)) >= PROUD_WORDS and len(praise) >= PROUD * allowed
    if proud and voice >= max(SPEAKING_WORDS, SPEAKING * allowed):
        return True
    if segment.sells and mentions(segment.text, segment.site) >= max(1, OWN * allowed):
        return True
    if not segment.made_of.code and _names_itself(segment, voice, len(praise), found.get("marketing", []), allowed):
        return True
    return len(praise) >= PRAISING * allowed and len(set(praise)) >= DIFFERENT


def _names_itself(segment: "Segment", voice: int, praise: int, phrases: list[str], allowed: float) -> bool:
    """Whether a text, or its header, has the name of its site among what an advert says."""
    called = voice + praise + len(phrases)
    if called < NAMED * allowed:
        return False
    if mentions(segment.header, segment.site):
        return True
    if called < OWN * allowed:
        return False
    if abridges(segment.header, segment.site):
        return True
    if not voice or not (own := mentions(segment.text, segment.site)):
        return False
    return len(set(phrases)) > 1 or (praise >= OWN * allowed and own + voice >= OWN * allowed)
