"""Which texts advertise: a site that speaks of itself by its own name, or sells by its address.

Departure: the paper leaves this to its scores.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.text.scripts import size

if TYPE_CHECKING:
    from builder.method.corpus.cutting.segmenter import Segment

    Found = dict[str, list[str]]

SHORTEST_NAME = 3
SELLING = 0.5
"""Of `max_marketing`, how often a page with the address of a shop or a service may say "we" and "our"."""
NAMED = 0.4
"""How often a text may say "we", "our" and words of praise under a header with the name of its site."""
OWN = 0.75
"""Both how often a text with the name of its site in it may say that name, "we" and "our", and its words of praise."""
PRAISING = 2.0
"""How often any text may say words of praise, of which `DIFFERENT` are different."""
DIFFERENT = 5
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "gov", "edu"})
_PLAIN = re.compile(r"[^a-z0-9]+")
_MARKS = re.compile(r"[\W_]+")
_SELLS = re.compile(
    r"/(?:[a-z]{1,20}-){0,4}(?:services?|solutions?|shop|store|browse|collections?|products?|category|categories|c"
    r"|courses?|classes|programs?|coupons|rooms|tours|packages|pricing|plans|hire)(?:[/?#.]|$)",
    re.IGNORECASE,
)
_NO_SHOP = re.compile(
    r"//(?:docs?|developers?|api|wiki|help|support|man|legacy)\.|/(?:docs?|documentation|manuals?|reference|api|wiki)\b"
    r"|//[^/]{1,100}\.(?:gov|edu|mil)(?:\.[a-z]{2})?(?:[/:?#]|$)",
    re.IGNORECASE,
)


def site_name(url: str) -> str:
    """The name of a site by its address, "millers" of "https://www.millers.co.uk/"; empty for manuals and offices.

    They speak of what they are named after on every page, and sell nothing.
    """
    if _NO_SHOP.search(url):
        return ""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").split(".")
    except ValueError:  # brackets that hold no address
        return ""
    if len(host) < 2:
        return ""
    national = len(host) > 2 and host[-2] in _SECOND_LEVEL and len(host[-1]) == 2
    name = _PLAIN.sub("", host[-3 if national else -2])
    return name if len(name) >= SHORTEST_NAME else ""


def sells(url: str) -> bool:
    """Whether an address names a shop, a service or a course."""
    return _SELLS.search(url, url.find("//") + 2) is not None and not _NO_SHOP.search(url)


def mentions(text: str, site: str) -> int:
    """How often a text has the name of a site in it, in one word or in several, with a capital or a digit first."""
    if not site:
        return 0
    plain = _MARKS.sub("", text)
    small = plain.lower()
    if len(small) != len(plain):  # a letter that grows when it is made small: places would not agree
        return small.count(site)
    found, at = 0, small.find(site)
    while at >= 0:
        found += not plain[at].islower()
        at = small.find(site, at + len(site))
    return found


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
