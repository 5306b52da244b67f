"""Mask e-mail and IP addresses of people's machines by fixed stand-ins, so that equal pages give equal text.

Departure: the paper does not mask anything; the data are meant to be published. datatrove's formatter draws its
stand-ins in turn, which would make the text of a segment, and so its id, depend on what was masked before it.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

EMAIL, IPV4, IPV6 = "email@example.com", "192.0.2.1", "2001:db8::1"
"""Stand-ins from the ranges reserved for documentation (RFC 2606, 5737, 3849); they are never masked again."""
# Every quantifier has a bound, so that no page can make a search take quadratic time.
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9a-f]{3}:[0-9a-f:]{2,34}(?![\w:]|\.\w)", re.IGNORECASE)
_RESERVED = re.compile(r"(?:^git@)|[@.]example(?:\.(?:com|net|org))?$|\.(?:invalid|test|localhost)$", re.IGNORECASE)
"""Addresses of nobody: reserved names, and the account of git servers, which is part of commands."""
_MIN_DIGITS = 8
"""IPv4 addresses with fewer digits are rare, section and version numbers (9.7.3.2) are not."""


class Masked(NamedTuple):
    """A text without addresses, and how many were replaced."""

    text: str
    emails: int
    ips: int


def mask(text: str) -> Masked:
    """Replace e-mail addresses and public IP addresses; masking twice changes nothing more."""
    emails = ips = 0
    if "@" in text:
        text, emails = _replace(_EMAIL, text, EMAIL, lambda address: not _RESERVED.search(address))
    if text.count(".") > 2:
        text, ips = _replace(_IPV4, text, IPV4, lambda address: len(address) >= _MIN_DIGITS + 3 and _is_public(address))
    if ":" in text:
        text, more = _replace(_IPV6, text, IPV6, _is_public)
        ips += more
    return Masked(text, emails, ips)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:  # a version number, a time
        return False


def _replace(pattern: re.Pattern[str], text: str, stand_in: str, is_real: Callable[[str], bool]) -> tuple[str, int]:
    count = 0

    def replacement(address: re.Match[str]) -> str:
        nonlocal count
        if not is_real(address.group()):
            return address.group()
        count += 1
        return stand_in

    return pattern.sub(replacement, text), count
