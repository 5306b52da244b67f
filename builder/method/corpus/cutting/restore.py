"""The text of a segment from its page again, by the numbers of the blocks it was made of: no extractor is asked.

It takes lxml, our walk over the page's DOM and the masks of the build, so the same walk gives the same text.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.source import TooDeepError, parse_html, refuse
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.rules.pii import mask
from builder.text.control_tokens import escape_control_tokens

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.reading.crawl import Page


@dataclass(frozen=True)
class Masks:
    """What a build did to the texts of a page: both change nothing where there is nothing to mask."""

    pii: bool
    escape: bool

    def __call__(self, text: str) -> str:
        """The text as the build would publish it."""
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

    if refuse(page.html):
        return None
    try:
        return walk(parse_html(page.html))
    except (ParserError, TooDeepError):
        return None


def restore(blocks: "list[Block]", position: int, kept: list[int], masks: Masks) -> Restored | None:
    """A segment of a page, or None if the page has no such blocks.

    Args:
        blocks: The page, as `page_blocks` gives it.
        position: Ordinal of the segment's heading among all headings of the page.
        kept: Numbers of the blocks that make up its text.
        masks: What the build did to the text.
    """
    heading = next((block for block in blocks if block.kind == "heading" and block.ordinal == position), None)
    if heading is None or not kept or max(kept) >= len(blocks):
        return None
    return Restored(masks(heading.text), masks(render([blocks[number] for number in kept])))
