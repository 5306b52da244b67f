"""The name of a site by its address, where a text has it, and which addresses sell."""

import re
from urllib.parse import urlsplit

SHORTEST_NAME, SHORTEST_BEGINNING = 3, 5
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "gov", "edu"})
_PLAIN = re.compile(r"[^a-z0-9]+")
_MARKS = re.compile(r"[\W_]+")
_SELLS = re.compile(
    r"/(?:[a-z]{1,20}-){0,2}(?:services?|solutions?|shop|store|browse|collections?|products?|category|categories|c"
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


def abridges(text: str, site: str) -> bool:
    """Whether a text has the beginning of a site's name as a word of its own: "Millers" of "millersflour"."""
    words = (word for word in _MARKS.split(text) if len(word) >= SHORTEST_BEGINNING and word[0].isupper())
    return any(len(word) < len(site) and site.startswith(word.lower()) for word in words)


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
