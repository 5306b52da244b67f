"""Ask Resiliparse and trafilatura which text of a page is main content, as often as a mode allows."""

from typing import TYPE_CHECKING, Literal

from builder.method.corpus.cutting.content import learned
from builder.method.corpus.cutting.content.features import facts
from builder.method.corpus.cutting.content.mask import Evidence

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from builder.method.corpus.cutting.blocks import Block

Mode = Literal["learned", "cascade", "overlay", "fast"]
DOUBT = 0.08
"""Share of a page's text on which the evidence must be close to even before `cascade` asks trafilatura."""
LEARNED_DOUBT = 0.015
"""The same before `learned` asks its model, which costs less: found on the folds of the 527 pages."""
MOST_BLOCKS = 20_000
"""trafilatura takes a tenth of a millisecond a block; on pages with more than this it would pass the time limit. The
facts of the learned mask would take as much memory as the page itself."""

_CONVERSATION = "DiscussionForumPosting"
"""What schema.org calls a thread of a forum. Under a question with answers, comments are remarks, not the answers."""


def main_blocks(html: str, tree: "HtmlElement", blocks: "list[Block]", mode: Mode) -> frozenset[int]:
    """Numbers of the blocks of a page that are main content.

    Args:
        html: The page.
        tree: The same, as `source.parse_html` gives it.
        blocks: The same, as `walk.walk` gives it.
        mode: All add up points by rules. `fast` asks Resiliparse alone, `overlay` trafilatura as well. Where the rules
            leave doubt, `learned` asks a model of pages with known main content in their place, and `cascade` asks
            trafilatura. On a page of more than `MOST_BLOCKS`, all are `fast`.
    """
    evidence, few = evidence_of(html, tree, blocks), len(blocks) <= MOST_BLOCKS
    if mode == "overlay" and few:
        return evidence.main_content(trafilatura_text(tree)).kept
    rules = evidence.main_content()
    if few and mode == "learned" and rules.doubt > LEARNED_DOUBT:
        model, rows = learned.load(), learned.judged(blocks)
        points = model.points(*facts(evidence, rules, html, model.words, rows), rows, len(blocks))
        return learned.main_content(blocks, points, model.needed)
    if few and mode == "cascade" and rules.doubt > DOUBT:
        return evidence.main_content(trafilatura_text(tree)).kept
    return rules.kept


def evidence_of(html: str, tree: "HtmlElement", blocks: "list[Block]") -> Evidence:
    """What is known about a page without trafilatura."""
    return Evidence(blocks, resiliparse_text(tree), conversation=_CONVERSATION in html)


def resiliparse_text(tree: "HtmlElement") -> str:
    """The main content in Resiliparse's judgement, a block a line.

    It is given the tree that the blocks were read from, written out: what was taken out or written another way there
    would else keep its text from being found. Without scripts that is also the quicker way.
    """
    from lxml import etree
    from resiliparse.extract.html2text import extract_plain_text

    source = etree.tostring(tree, encoding="unicode", method="html")
    return str(extract_plain_text(source, main_content=True, alt_texts=False, list_bullets=False))


def trafilatura_text(tree: "HtmlElement") -> str:
    """The main content in trafilatura's judgement, a block a line; empty if it finds none."""
    from trafilatura import bare_extraction

    # Recall saves a second attempt; what is too much is for the other evidence to say.
    content = bare_extraction(tree, fast=True, favor_recall=True, include_comments=False, with_metadata=False)
    return "" if content is None else "\n".join(content.body.itertext())
