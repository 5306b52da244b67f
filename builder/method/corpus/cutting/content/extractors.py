"""Ask Resiliparse and trafilatura which text of a page is main content, as often as a mode allows."""

from typing import TYPE_CHECKING, Literal

from builder.method.corpus.cutting.content.mask import Evidence
from builder.method.corpus.cutting.markup.source import with_fallback

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from builder.method.corpus.cutting.blocks import Block

Mode = Literal["cascade", "overlay", "fast"]
DOUBT = 0.08
"""Share of a page's text on which the evidence must be close to even before `cascade` asks trafilatura."""
MOST_BLOCKS = 20_000
"""trafilatura takes a tenth of a millisecond a block; on pages with more than this it would pass the time limit."""

_CONVERSATION = "DiscussionForumPosting"
"""What schema.org calls a thread of a forum. Under a question with answers, comments are remarks, not the answers."""


def main_blocks(html: str, tree: "HtmlElement", blocks: "list[Block]", mode: Mode) -> frozenset[int]:
    """Numbers of the blocks of a page that are main content.

    Args:
        html: The page.
        tree: The same, as `source.parse` gives it.
        blocks: The same, as `walk.walk` gives it.
        mode: `overlay` asks both extractors, `fast` Resiliparse alone, which is many times faster; `cascade` asks
            trafilatura where what is known without it leaves doubt. No mode asks it on a page of `MOST_BLOCKS`.
    """
    evidence = Evidence(blocks, resiliparse_text(html), conversation=_CONVERSATION in html)
    if mode != "overlay" or len(blocks) > MOST_BLOCKS:
        content = evidence.main_content()
        if mode == "fast" or content.doubt <= DOUBT or len(blocks) > MOST_BLOCKS:
            return content.kept
    return evidence.main_content(trafilatura_text(tree)).kept


def resiliparse_text(html: str) -> str:
    """The main content in Resiliparse's judgement, a block a line."""
    from resiliparse.extract.html2text import extract_plain_text

    def extract(sound: str) -> str:
        return str(extract_plain_text(sound, main_content=True, alt_texts=False, list_bullets=False))

    source = with_fallback(html)
    try:
        return extract(source)
    except TypeError:  # half of a surrogate pair
        return extract(source.encode("utf-8", "replace").decode())


def trafilatura_text(tree: "HtmlElement") -> str:
    """The main content in trafilatura's judgement, a block a line; empty if it finds none."""
    from trafilatura import bare_extraction

    # Recall saves a second attempt; what is too much is for the other evidence to say.
    content = bare_extraction(tree, fast=True, favor_recall=True, include_comments=False, with_metadata=False)
    return "" if content is None else "\n".join(content.body.itertext())
