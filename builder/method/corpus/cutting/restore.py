"""The text of a segment from its page again, by the numbers of the blocks it was made of: no extractor is asked.

It takes lxml, our walk over the page's DOM and the masks of the build, so the same walk gives the same text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.markup.source import TooDeepError, has_too_many_attributes, parse_html, refuse
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.rules.pii import mask
from builder.text.control_tokens import escape_control_tokens
from builder.text.unseen import plain

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.reading.crawl import Page


@dataclass(frozen=True)
class Masks:
    """What a build did to the texts of a page: all of it changes nothing where there is nothing to mask.

    Attributes:
        pii: Whether addresses were masked.
        escape: Whether control tokens were made harmless.
        unseen: Whether unseen characters were left in, as builds before version 6 of the segments did.
    """

    pii: bool
    escape: bool
    unseen: bool = False

    def __call__(self, text: str) -> str:
        """The text as the build would publish it."""
        text = text if self.unseen else plain(text).text
        text = mask(text).text if self.pii else text
        return escape_control_tokens(text) if self.escape else text


@dataclass(frozen=True)
class Restored:
    """The header and the text of a segment."""

    header: str
    text: str


def page_blocks(page: "Page") -> "list[Block] | None":
    """The blocks of a page, or None if it cannot be read as the build read it."""
    from lxml.etree import ParserError

    if refuse(page.html) or has_too_many_attributes(page.html):
        return None
    try:
        return walk(parse_html(page.html))
    except (ParserError, TooDeepError):
        return None


def restore(blocks: "list[Block]", position: int, kept: list[int], masks: Masks) -> Iterator[Restored]:
    """A segment of a page as builds publish it, then as builds did that left unseen characters in, if that differs.

    Nothing comes if the page has no such blocks.

    Args:
        blocks: The page, as `page_blocks` gives it.
        position: Ordinal of the segment's heading among all headings of the page.
        kept: Numbers of the blocks that make up its text.
        masks: What the build did to the text.
    """
    heading = next((block for block in blocks if block.kind == "heading" and block.ordinal == position), None)
    if heading is None or not kept or max(kept) >= len(blocks):
        return
    header, text = heading.text, render([blocks[number] for number in kept])
    yield Restored(masks(header), masks(text))
    if plain(header).taken or plain(text).taken:
        earlier = replace(masks, unseen=True)
        yield Restored(earlier(header), earlier(text))
