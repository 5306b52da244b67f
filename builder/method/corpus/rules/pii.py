"""Mask e-mail and IP addresses of people's machines by fixed stand-ins, so that equal pages give equal text.

Departure: the paper does not mask anything; the data are meant to be published. datatrove's formatter draws its
stand-ins in turn, which would make the text of a segment, and so its id, depend on what was masked before it.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

from builder.text.scripts import MARKS, UNSPACED

EMAIL, IPV4, IPV6 = "email@example.com", "192.0.2.1", "2001:db8::1"
"""Stand-ins from the ranges reserved for documentation (RFC 2606, 5737, 3849); they are never masked again."""
_LATIN = (
    "0-9A-Za-z_\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff"
    "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
)
_OTHER = rf"(?:(?![{_LATIN}{UNSPACED}])[\w{MARKS}\u200c\u200d])"
"""A letter or mark of another script that parts its words."""
_SIGNS = ".%+\\-"
_TLDS = (
    "中国", "中國", "公司", "网络", "網絡", "网址", "网站", "在线", "中文网", "商城", "集团", "公益", "政务",
    "香港", "台湾", "台灣", "新加坡", "澳門", "手机", "移动", "信息", "机构", "商店", "广告", "游戏", "我爱你",
    "コム", "みんな", "ストア", "クラウド", "セール", "ポイント", "ไทย", "คอม", "ລາວ",
)  # fmt: skip
"""Top-level domains in scripts without spaces, which alone say where an address ends there."""
_ASCII_TLD = rf"[a-zａ-ｚ]{{2,24}}(?![{_LATIN}-])"
_DOMAIN = (
    rf"[@＠](?:(?:(?:(?!_)[{_LATIN}-]){{1,63}}[.．]){{1,8}}{_ASCII_TLD}"
    rf"|(?:(?:(?!_)[\w{MARKS}\u200c\u200d-]){{1,63}}[.．。]){{1,8}}?"
    rf"(?:{_ASCII_TLD}|{'|'.join(_TLDS)}|{_OTHER}{{2,24}}(?![\w-])))"
)
# Every quantifier has a bound, so that no page can make a search take quadratic time. An address is in one script, so
# that it begins where words of another one end. Where words have no spaces, nobody can tell where the part before the
# "@" begins, and only what is behind it is replaced.
_EMAIL = re.compile(
    rf"(?<![{_LATIN}{_SIGNS}])[{_LATIN}{_SIGNS}]{{1,64}}{_DOMAIN}"
    rf"|(?<![\w{MARKS}{_SIGNS}])(?:{_OTHER}|[0-9_{_SIGNS}]){{1,64}}{_DOMAIN}"
    rf"|(?<=[{UNSPACED}]){_DOMAIN}",
    re.IGNORECASE,
)
_IPV4 = re.compile(rf"(?<![{_LATIN}.])(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}(?![{_LATIN}]|\.[{_LATIN}])")
_IPV6 = re.compile(
    rf"(?<![{_LATIN}:.])[23][0-9a-f]{{3}}:[0-9a-f:]{{2,34}}(?![{_LATIN}:]|\.[{_LATIN}])", re.IGNORECASE | re.ASCII
)
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
    if "@" in text or "＠" in text:
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
        # A hyphen or a point in front belongs to what stands before, as in Hebrew.
        found = address.group()
        return found[: len(found) - len(found.lstrip("-."))] + stand_in

    return pattern.sub(replacement, text), count
