"""From a page to its segments: guards, language, main content, cutting. Runs in a child that can be killed."""

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.around.tails import Furniture, trim
from builder.method.corpus.cutting.around.threads import is_front_page, posts
from builder.method.corpus.cutting.cleaning import clean_heading
from builder.method.corpus.cutting.content.extractors import main_blocks
from builder.method.corpus.cutting.declared import declared
from builder.method.corpus.cutting.language import by_vote, decide, declared_language, longest
from builder.method.corpus.cutting.markup.source import TooDeepError, parse_html, refuse
from builder.method.corpus.cutting.segmenter import Segment, cut
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.rules.header import navigation_headers
from builder.method.corpus.rules.phrases import load_phrases
from builder.method.corpus.rules.site import sells, site_name
from builder.text.language import detect
from builder.text.scripts import size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lxml.html import HtmlElement

    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.reading.readers import Page
    from builder.recipe.sections.corpus import Segments


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
    with _no_garbage():
        return _cut_page(page, config)


@contextmanager
def _no_garbage() -> "Iterator[None]":
    """Do not look for garbage meanwhile: a page makes many small objects, but no cycles of them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _cut_page(page: "Page", config: "Segments") -> CutPage | str:
    from lxml.etree import ParserError

    if reason := refuse(page.html):
        return reason
    try:
        tree = parse_html(page.html)
    except ParserError:
        return "empty"
    except TooDeepError:
        return "too_deep"
    blocks = walk(tree)
    if not any(block.kind == "heading" for block in blocks):
        return "no_headings"
    language = page_language(page, blocks, config.languages)
    if language and language not in config.languages:
        return "language"
    title = _title(tree)
    kept = main_blocks(page.html, tree, blocks, config.mode)
    segments = cut_blocks(blocks, kept, page.url, config, truncated=page.truncated)
    if says := declared(page.html):
        segments = [replace(segment, declared=says) for segment in segments]
    return CutPage(title, language, segments) if segments else "no_main_content"


def cut_blocks(
    blocks: "list[Block]", kept: "Collection[int]", url: str, config: "Segments", *, truncated: bool = False
) -> list[Segment]:
    """The segments of a page: cut at its headings, furniture at their ends taken away, posts of a forum marked."""
    site = site_name(url)
    length = size if config.weigh_scripts else len
    cut_at_headings = partial(
        cut,
        boundary=config.boundary,
        min_chars=config.min_chars,
        max_chars=config.max_chars,
        length=length,
        truncated=truncated,
    )
    if not config.trim_tails:
        segments = cut_at_headings(blocks, kept)
    else:
        furniture = Furniture(load_phrases(config.phrases), navigation_headers(config.navigation_headers), site)
        trim_furniture = partial(trim, furniture=furniture, min_chars=config.min_chars, length=length)
        segments = cut_at_headings(blocks, kept, trim=trim_furniture)
    posted, front, selling = posts(blocks, url), is_front_page(url), sells(url)
    if not (posted or front or site or selling):
        return segments
    return [
        replace(segment, post=segment.position in posted, front=front, site=site, sells=selling) for segment in segments
    ]


def page_language(page: "Page", blocks: "list[Block]", allowed: list[str]) -> str:
    """The language of a page, as `language.decide` takes it; empty if there is no sign of any.

    Where a quick detector and the page agree on the longest texts, the better one, which takes a tenth of a page's
    whole time, is spared. Where the longest texts speak against a page, all of it is heard: they may be a quotation,
    names, or one line over and over.
    """
    from resiliparse.parse.lang import detect_fast

    text = longest(block.text for block in blocks)
    declared = declared_language(page.html, page.language_hint)
    if declared in allowed and detect_fast(text)[0] == declared:
        return declared
    detected, confidence = detect(text)
    found = decide(declared, detected, confidence, sum(map(str.isalpha, text)), allowed)
    if not found or found in allowed:
        return found
    detected, confidence, letters = by_vote((block.text for block in blocks), detect)
    return decide(declared, detected, confidence, letters, allowed) if detected else found


def _title(tree: "HtmlElement") -> str:
    head = tree.find("head")
    element = head.find("title") if head is not None else None
    return clean_heading("".join(element.itertext())) if element is not None else ""
