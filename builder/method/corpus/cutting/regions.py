"""The containers of a page and what their tags, roles, classes and ids say about the text in them.

Marks are facts about the markup; what they are worth as evidence is decided in `mask`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

(
    NAV, HEADER, FOOTER, ASIDE, DIALOG, FORM, BUTTON, FIGURE, MAIN, ARTICLE, HIDDEN,
    NAV_NAME, FOOT_NAME, SIDE_NAME, SHARE_NAME, COMMENT_NAME, RELATED_NAME, PROMO_NAME, POPUP_NAME, META_NAME,
    REVIEW_NAME, HEAD_NAME, USER_NAME, TAGS_NAME, LEGAL_NAME, PRAISE_NAME,
) = (1 << shift for shift in range(26))  # fmt: skip
CONTENT = MAIN | ARTICLE
CERTAIN = CONTENT | NAV | FOOTER | DIALOG
"""What a container is by its tag or role, however much of the page's text it holds."""
_TAGS = {
    "nav": NAV, "header": HEADER, "footer": FOOTER, "aside": ASIDE, "dialog": DIALOG, "form": FORM, "button": BUTTON,
    "label": BUTTON, "figure": FIGURE, "figcaption": FIGURE, "main": MAIN, "article": ARTICLE,
}  # fmt: skip
_ROLES = {
    "navigation": NAV, "menu": NAV, "menubar": NAV, "tablist": NAV, "banner": HEADER, "contentinfo": FOOTER,
    "complementary": ASIDE, "dialog": DIALOG, "alertdialog": DIALOG, "alert": DIALOG, "search": FORM, "main": MAIN,
    "article": ARTICLE,
}  # fmt: skip
# Beginnings of the words in class and id, the same ones that page builders have used for decades.
_NAMES = (
    (NAV_NAME, "nav menu breadcrumb paginat pager paging toc tabs toolbar topbar skip sitemap"),
    (FOOT_NAME, "foot copyright colophon"),
    (SIDE_NAME, "side aside rail widget rightcol leftcol"),
    (SHARE_NAME, "share sharing social follow addtoany addthis"),
    (COMMENT_NAME, "comment disqus respond"),
    (RELATED_NAME, "relat recommend recirc popular trending more also similar suggest upsell crosssell latest recent "
                   "readnext next youmay"),
    (PROMO_NAME, "promo advert sponsor banner subscri newsletter signup cta campaign donat optin"),
    (POPUP_NAME, "modal popup overlay dialog cookie consent gdpr drawer flyout dropdown mega tooltip lightbox toast "
                 "onetrust"),
    (META_NAME, "meta byline author date bio timestamp publish posted"),
    (TAGS_NAME, "tag categor keyword label"),
    (REVIEW_NAME, "review rating"),
    (PRAISE_NAME, "testimonial"),
    (LEGAL_NAME, "disclaim legal"),
    (HEAD_NAME, "masthead header logo brand hero"),
    (USER_NAME, "user login account profile signin register search filter facet sort form cart basket checkout "
                "minicart wishlist"),
)  # fmt: skip
_WHOLE_NAMES = {"ad": PROMO_NAME, "ads": PROMO_NAME, "adv": PROMO_NAME}
_BY_START: dict[str, list[tuple[str, int]]] = {}
"""The beginnings and their marks by their first three letters: none is shorter."""
for _mark, _words in _NAMES:
    for _beginning in _words.split():
        _BY_START.setdefault(_beginning[:3], []).append((_beginning, _mark))
_TELLING = frozenset({"class", "id", "role", "hidden", "aria-hidden", "style", "aria-modal", "itemprop"})
NAME_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
"""A word in a class or id: "mainNav" has two."""
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
WRAPPER_SHARE = 0.5
"""A container with more of the page's text than this is its frame: its class and id say nothing about its text."""


@dataclass(slots=True, eq=False)
class Region:
    """A block-level container of the page.

    Attributes:
        parent: The container around it; None for the outermost.
        own: Marks of its own.
        tag: Its element's.
        name: Its class, as the page has it.
        chars: Characters of text in it.
        marks: Its own marks and those around it, once `settle` has left out those of wrappers.
    """

    parent: "Region | None"
    own: int = 0
    tag: str = ""
    name: str = ""
    chars: int = 0
    marks: int = -1


def marks_of(element: "HtmlElement", tag: str) -> int:
    """What a container says about itself."""
    marks = _TAGS.get(tag, 0)
    for name, value in element.items():
        if name not in _TELLING:  # most attributes
            continue
        if name == "class" or name == "id":
            marks |= _names(value)
        elif name == "role":
            marks |= _ROLES.get(value, 0)
        elif name == "hidden" or (name == "aria-hidden" and value == "true"):
            marks |= HIDDEN
        elif name == "style":
            marks |= HIDDEN if _UNSEEN.search(value) else 0
        elif name == "aria-modal":
            marks |= DIALOG
        elif name == "itemprop" and value == "articleBody":
            marks |= ARTICLE
    return marks


@lru_cache(maxsize=20_000)
def _names(value: str) -> int:
    marks = 0
    for word in NAME_WORD.findall(value):
        marks |= _name(word)
    return marks & ~LEGAL_NAME if marks & TAGS_NAME else marks  # "category-legal" says what a text is about


@lru_cache(maxsize=20_000)
def _name(word: str) -> int:
    small = word.lower()
    marks = _WHOLE_NAMES.get(small, 0)
    for beginning, mark in _BY_START.get(small[:3], ()):
        if small.startswith(beginning):
            marks |= mark
    return marks


def settle(region: Region, total: int) -> int:
    """Marks that hold for the text of a region; worked out once for every container around it.

    Args:
        region: Where the text is.
        total: Characters of the whole page.
    """
    chain = []
    at: Region | None = region
    while at is not None and at.marks < 0:
        chain.append(at)
        at = at.parent
    marks = at.marks if at is not None else 0
    for inner in reversed(chain):
        marks |= inner.own & CERTAIN if inner.chars > WRAPPER_SHARE * total else inner.own
        inner.marks = marks
    return marks
