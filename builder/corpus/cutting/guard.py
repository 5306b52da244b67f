"""What must not be parsed at all: pages on which parsers hang, and pages without a heading, which give nothing."""

import re

MAX_TAGS = 100_000
_BLOCK_TAG = re.compile(
    r"<(?:p|div|li|t[dr]|br|h[1-6]|section|article|dd|dt|ul|ol|dl|table|blockquote)\b", re.IGNORECASE
)
_HEADING_TAG = re.compile(r"<h[1-6]\b", re.IGNORECASE)


def refuse(html: str) -> str:
    """Why a page must not be parsed, or an empty string.

    How deep its elements are nested is not asked here: libxml2 stops at a depth of 256 without harm, and `walk.parse`
    then refuses the page before any other parser sees it.
    """
    if not _HEADING_TAG.search(html):
        return "no_headings"
    many = html.count("<") > MAX_TAGS  # counting by pattern takes longer than parsing
    return "too_many_tags" if many and len(_BLOCK_TAG.findall(html)) > MAX_TAGS else ""
