"""What a page declares itself to be, for search engines and for those who share it: an article, goods, or a site."""

import re
from typing import Literal

Declared = Literal["article", "goods", "site", ""]

_LD = "ld+json"
MAX_SCRIPTS = 40
"""More declarations of a page are not read."""
MAX_CHARS = 200_000
"""Nor are longer ones read to their end."""
_TYPE = re.compile(r'"@type"\s{0,9}:\s{0,9}\[?\s{0,9}"([A-Za-z]{1,40})"')
_OPEN_GRAPH = re.compile(
    r"og:type[\"'][^<>]{0,80}?content=[\"']?([\w.:]{1,40})|content=[\"']?([\w.:]{1,40})[\"']?[^<>]{0,80}?og:type"
)
_ARTICLES = re.compile(
    r"(?:\w{0,20}Article|Blog|BlogPosting|LiveBlogPosting|Report|HowTo|Recipe|Review|Chapter|Book|QAPage|DefinedTerm|APIReference)"
)
_GOODS = frozenset(
    {
        "Product",
        "ProductGroup",
        "ProductModel",
        "IndividualProduct",
        "Offer",
        "AggregateOffer",
        "MerchantReturnPolicy",
        "Vehicle",
        "Car",
        "Hotel",
        "RealEstateListing",
        "SoftwareApplication",
        "MobileApplication",
        "WebApplication",
    }
)


def declared(html: str) -> Declared:
    """What a page declares itself to be in its structured data and its Open Graph type; empty where it is silent.

    An article about goods declares both, and is an article. A page that says no more than "website" is a site: shops,
    services and front pages do, and documentation among them.
    """
    types = _types(html)
    if any(_ARTICLES.fullmatch(name) for name in types):
        return "article"
    graph = _open_graph(html)
    if types & _GOODS or graph.startswith("product"):
        return "goods"
    if graph == "article":
        return "article"
    return "site" if graph else ""


def _types(html: str) -> set[str]:
    types: set[str] = set()
    at = html.find(_LD)
    for _ in range(MAX_SCRIPTS):
        if at < 0:
            break
        end = html.find("</script", at)
        end = len(html) if end < 0 else end
        types.update(_TYPE.findall(html, at, min(end, at + MAX_CHARS)))
        at = html.find(_LD, end)
    return types


def _open_graph(html: str) -> str:
    at = html.find("og:type")
    if at < 0:
        return ""
    match = _OPEN_GRAPH.search(html, max(0, at - 150), at + 200)
    return (match[1] or match[2] or "").lower() if match else ""
