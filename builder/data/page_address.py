"""Addresses of pages: which ones a reader elsewhere can follow, and those of files below an address."""

from functools import lru_cache
from urllib.parse import quote, urlsplit

_SCHEMES = ("http", "https")
_HERE = ("localhost", "::1", "0.0.0.0")
_KEPT = "/~!$&'()*+,;=:@"
"""Marks that stand for themselves in the path of an address."""


def web_address(url: str | None) -> str | None:
    """An address of the web as it is; None for what is none: empty, a path, a `file:` of some machine, its own host."""
    # What follows the third slash says nothing of it, and many pages share a site.
    return url if _is_web("/".join((url or "").split("/", 3)[:3])) else None


@lru_cache(maxsize=1 << 16)
def _is_web(site: str) -> bool:
    try:
        parts = urlsplit(site)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme.lower() not in _SCHEMES or not host:
        return False
    return not (host in _HERE or host.startswith("127.") or host.endswith(".localhost"))


def base_address(address: str) -> str:
    """An address below which files stand, with the slash at its end.

    Raises:
        ValueError: If it is no address of the web, or one with a login, a query or a fragment.
    """
    if web_address(address) is None:
        raise ValueError(f"is {address!r}, which is no address of the web; write it as https://example.org/docs/")
    parts = urlsplit(address)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("has a login, a query or a fragment; only scheme, host and path may stand in it")
    return address if address.endswith("/") else f"{address}/"


def address_below(base: str, name: str) -> str:
    """The address of a file.

    Args:
        base: What `base_address` gives.
        name: Path of the file, with slashes.
    """
    return base + quote(name.encode("utf-8", "replace"), safe=_KEPT)
