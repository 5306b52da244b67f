"""The domain that somebody has registered, found in a URL."""

import re
from functools import lru_cache
from typing import Any

_UP_TO_PATH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+")


def registered_domain(url: str) -> str:
    """The part of a host that someone has registered (`a.b.co.uk` -> `b.co.uk`), or the host itself where it has none.

    A site below a hosting domain (`jane.blogspot.com`) counts as registered. Empty for an address without a host.
    """
    site = _UP_TO_PATH.match(url)
    return _registered(site[0] if site else url)


@lru_cache(maxsize=1 << 16)
def _registered(url: str) -> str:
    host = _extractor()(url)
    return str(host.top_domain_under_public_suffix or host.fqdn or host.domain).lower()


@lru_cache(maxsize=1)
def _extractor() -> Any:
    """The extractor with the list that comes with it; it would otherwise fetch a newer one, or try to."""
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
