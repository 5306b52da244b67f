"""What is written for the planting and stands on no page: lines around a text, and rules that change its register."""

import re

from builder.data.records import row_seed

APPENDED = (
    "Home | About us | Services | Blog | Contact",
    "Previous article: Our ten favourites of the year\nNext article: What readers asked us last month",
    "Related posts\n- The complete beginner's guide\n- Seven mistakes to avoid\n- Frequently asked questions",
    "Sign up for our free newsletter today and never miss an offer again! Enter your e-mail address below.",
    "Call us now for a free quote. Our friendly team is looking forward to hearing from you!",
    "Did you like this article? Share it with your friends on Facebook, Twitter and Pinterest, and leave a comment.",
    "Order today and save 20 percent with the code WELCOME. Free shipping on all orders. Add to cart",
    "Posted in: General. Tags: tips, guide, how-to. 3 comments. Read more",
)
"""Navigation and promotion."""
_END = re.compile(r"[.!](?=\s|$)")
_SLANG = {
    "you": "u", "are": "r", "your": "ur", "because": "cuz", "people": "ppl", "please": "pls", "with": "w/",
    "before": "b4", "really": "rly", "though": "tho", "going to": "gonna", "want to": "wanna", "and": "n",
    "for": "4", "to": "2", "very": "super", "the": "teh", "this": "dis", "that": "dat", "about": "abt",
}  # fmt: skip
_SLANG_WORD = re.compile(rf"\b({'|'.join(_SLANG)})\b")
_DROPPED = re.compile(
    r"\b(?:a|an|the|is|are|was|were|be|been|has|have|had|will|would|can|of|to|that|which|it|its|this|these|and|in) ",
    re.IGNORECASE,
)


def appended(text: str, key: str) -> str:
    """The text with a line or a few of navigation or promotion below it; which, the key says."""
    return f"{text}\n\n{APPENDED[row_seed(0, 'appended', key) % len(APPENDED)]}"


def shouted(text: str) -> str:
    """All in capitals, and each sentence with three exclamation marks."""
    return _END.sub("!!!", text.upper())


def slang(text: str) -> str:
    """As on a forum: small letters, short forms, dots, an opening and an end."""
    short = _SLANG_WORD.sub(lambda found: _SLANG[found[1]], text.lower())
    return f"ok so {_END.sub('...', short)} hope that helps lol"


def telegram(text: str) -> str:
    """As in a telegram: small words left out, and STOP for a full stop."""
    return _END.sub(" STOP", _DROPPED.sub("", text))


REGISTERS = (shouted, slang, telegram)


def other_register(text: str, key: str) -> str:
    """The text in one of the registers; which, the key says."""
    return REGISTERS[row_seed(0, "register", key) % len(REGISTERS)](text)
