"""Scripts: which put no spaces between words, which characters are marks of letters, and how long a text is.

The classes are the inside of a class of a regular expression.
"""

import re

UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u103f\u1050-\u108f\u109a-\u109d\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f"  # Burmese, Shan
    "\u1780-\u17d3\u17d7\u17dc\u17dd\u1950-\u19c9\u1a20-\u1a7c\uaa80-\uaac2"  # Khmer, Tai
    "\u1b00-\u1b4c\ua980-\ua9c0"  # Balinese, Javanese
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"  # Han, kana
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Letters and marks of scripts that put no spaces between words; their digits and punctuation are not among them."""
UNSPACED_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u105e-\u1060"
    "\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d3\u17dd\u1a55-\u1a7c"
    "\u1b00-\u1b04\u1b34-\u1b44\u302a-\u302f\u3099\u309a\ua980-\ua983\ua9b3-\ua9c0\ua9e5\uaa7b-\uaa7d\uaab0-\uaabf"
    "\ufe00-\ufe0f\uff9e\uff9f\U000e0100-\U000e01ef"
)
"""Those of them that belong to the letter before."""
MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711-\u07f3\u07fd\u0816-\u082d\u0859-\u085b\u0898-\u08e1\u08e3-\u0963"
    "\u0981-\u09e3\u09fe-\u0a75\u0a81-\u0ae3\u0afa-\u0b63\u0b82-\u0bd7\u0c00-\u0c63\u0c81-\u0c83\u0cbc-\u0d4d"
    "\u0d57-\u0d63\u0d81-\u0df3\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u135d-\u135f"
    "\u1712-\u1734\u1752-\u1773\u1885-\u193b\u1a17-\u1a1b\u1ab0-\u1aff\u1b6b-\u1b73\u1b80-\u1bf3\u1c24-\u1c37"
    "\u1cd0-\u1cd2\u1cd4-\u1dff\u20d0-\u20dc\u20e1\u20e5-\u20f0\u2cef-\u2cf1\u2d7f-\u2dff\ua66f-\ua672\ua674-\ua67d"
    "\ua69e-\ua6f1\ua802-\ua827\ua82c\ua880-\ua8c5\ua8e0-\ua8f1\ua8ff-\ua92d\ua947-\ua953\uaa29-\uaa4d\uaaeb-\uaaef"
    "\uaaf5\uaaf6\uabe3-\uabea\uabec\uabed\ufb1e\ufe20-\ufe2f\U00011100-\U00011134\U0001e944-\U0001e94a"
)
"""Vowel signs, accents and points of the other scripts, which `\\w` leaves out; letters may be among them."""
HAN, KANA, HANGUL = 3.5, 1.7, 2.3
"""How many characters of English one of these says as much as.

Measured on parallel text. Han and kana: 512 and 505 paragraphs of the Debian FAQ 11.1 with their translations
(105,000 characters of English are 40,400 of Chinese and 100,600 are 56,500 of Japanese; what is neither Han nor kana
counts as one). Hangul: 300 messages of Django 5.2, Wagtail 8.0 and Sphinx 9.0 with more than 40 characters, which gave
3.6 and 1.6 for Han and kana. In Thai, Khmer, Burmese, Arabic, Hebrew, Hindi, Russian, Greek, Turkish, German and
French they are 0.8 to 1.35 times as long as in English: a character of these counts as one.
"""
_DENSE = (
    (HAN - 1, re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
    (KANA - 1, re.compile("[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d]")),
    (HANGUL - 1, re.compile("[\uac00-\ud7a3]")),
)
_DENSE_LEADS = bytes((*range(0xE3, 0xEE), 0xEF, 0xF0))
"""Bytes with which Han, kana and Hangul begin in UTF-8; no letter of an alphabet does, so few texts are searched."""
_OTHER_LEADS = bytes((*range(0xCC, 0xE2), *range(0xE3, 0xF5)))
"""Bytes with which letters of other scripts than Latin, their marks and their punctuation begin in UTF-8."""


def is_latin(text: str) -> bool:
    """Whether a text has no letter of another script than Latin; asked in a tenth of the time of a search."""
    return text.isascii() or not _holds(text, _OTHER_LEADS)


def size(text: str) -> int:
    """How long a text is: its characters, those of dense scripts counted as the English that says as much.

    Of texts without Han, kana and Hangul it is `len`, and takes next to no time. Whether a text is composed changes
    nothing that counts: syllables of Hangul that are not composed are longer by themselves.
    """
    if text.isascii() or not _holds(text, _DENSE_LEADS):
        return len(text)
    return len(text) + round(sum(more * len(dense.findall(text)) for more, dense in _DENSE))


def _holds(text: str, leads: bytes) -> bool:
    """Whether a text has a character that begins with one of some bytes in UTF-8."""
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded.translate(None, leads)) < len(encoded)
