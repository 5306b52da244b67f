"""From a page to its segments: guards, language, cutting. Runs in a child process that can be killed."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.corpus.language import page_language
from builder.corpus.segmenter import Segment, cut, main_content
from builder.corpus.text import clean_heading
from builder.corpus.walk import TooDeepError, parse, walk

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from builder.corpus.readers import Page
    from builder.recipe_segments import Segments

MAX_TAGS = 100_000
MAX_DEPTH = 250
_NESTING = (
    "div|section|article|main|aside|header|footer|nav|ul|ol|dl|table|blockquote|form|fieldset|center|figure|details|"
    "span|font|b|i|u|em|strong|small|big|sub|sup|tt|code|label|button"
)
_TAG = re.compile(rf"<(?:(!--|script\b|style\b)|(/?)(?:{_NESTING})\b[^<>]*>)", re.IGNORECASE)
_CLOSING = {
    "!--": re.compile("-->"),
    "script": re.compile("</script", re.IGNORECASE),
    "style": re.compile("</style", re.IGNORECASE),
}
_BLOCK_TAG = re.compile(
    r"<(?:p|div|li|t[dr]|br|h[1-6]|section|article|dd|dt|ul|ol|dl|table|blockquote)\b", re.IGNORECASE
)
_HEADING_TAG = re.compile(r"<h[1-6]\b", re.IGNORECASE)


@dataclass(frozen=True)
class CutPage:
    """A page's title, its language, and at least one segment."""

    title: str
    language: str
    segments: list[Segment]


def cut_page(page: "Page", config: "Segments") -> CutPage | str:
    """Cut one page, or say in one word why it gives nothing.

    The cheap checks come first: what would hang a parser, what has no heading, what is in another language.
    """
    from lxml.etree import ParserError

    reason = refuse(page.html)
    if reason:
        return reason
    language = page_language(page.html, page.language_hint, config.languages)
    if language and language not in config.languages:
        return "language"
    try:
        tree = parse(page.html)
    except ParserError:
        return "empty"
    title = _title(tree)
    try:
        blocks = walk(tree)
    except TooDeepError:
        return "too_deep"
    if not any(block.kind == "heading" for block in blocks):
        return "no_headings"
    segments = cut(blocks, main_content(tree), boundary=config.boundary, max_chars=config.max_chars)
    return CutPage(title, language, segments) if segments else "no_main_content"


def refuse(html: str) -> str:
    """Why a page must not be parsed, or an empty string; parsers hang on such pages or lose text without a word."""
    if not _HEADING_TAG.search(html):
        return "no_headings"
    if len(_BLOCK_TAG.findall(html)) > MAX_TAGS:
        return "too_many_tags"
    return "too_deep" if _depth(html) > MAX_DEPTH else ""


def _depth(html: str) -> int:
    """How deep elements are nested, estimated from their tags; scripts, styles and comments are jumped over."""
    depth = deepest = position = 0
    while tag := _TAG.search(html, position):
        position = tag.end()
        if opening := tag.group(1):
            closing = _CLOSING[opening.lower()].search(html, position)
            position = closing.end() if closing else len(html)
        elif tag.group(2):
            depth = max(0, depth - 1)
        elif html[position - 2] != "/":
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _title(tree: "HtmlElement") -> str:
    element = tree.find(".//title")
    return clean_heading("".join(element.itertext())) if element is not None else ""
