"""Which texts advertise: a site that speaks of itself by its own name, or sells by its address.

Departure: the paper leaves this to its scores.
"""

from typing import TYPE_CHECKING

from builder.method.corpus.rules.site import mentions
from builder.text.scripts import size

if TYPE_CHECKING:
    from builder.method.corpus.cutting.segmenter import Segment

    Found = dict[str, list[str]]

SELLING = 0.5
"""Of `max_marketing`, how often a page with the address of a shop or a service may say "we" and "our"."""
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
    if segment.sells and voice >= SELLING * allowed:
        return True
    said = voice + len(praise)
    if not segment.made_of.code and said + len(found.get("marketing", ())) >= NAMED * allowed:
        if mentions(segment.header, segment.site):
            return True
        if voice and len(praise) >= OWN * allowed and (own := mentions(segment.text, segment.site)):
            return own + voice >= OWN * allowed
    return len(praise) >= PRAISING * allowed and len(set(praise)) >= DIFFERENT
