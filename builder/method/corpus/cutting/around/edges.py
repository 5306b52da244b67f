"""What is known by its form at the edges of a text: boxes of amounts, tables of contents, a site on itself."""

import re
from typing import TYPE_CHECKING

from builder.method.corpus.rules.phrases import words_of
from builder.method.corpus.rules.site import mentions
from builder.text.scripts import size as weighed
from builder.text.sentences import ends_with_mark

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.rules.phrases import Phrases

PARAGRAPH_CHARS = 400
"""A longer paragraph is more than a word on the site."""
_SHORT_CHARS = 60
_FIGURE_CHARS, _LABEL_CHARS = 20, 80
_CONTENTS_CHARS, _ENTRIES = 30, 2
_FIGURE = re.compile(r"[^\w\n]{0,3}\d[\d.,\s]*(?:\s?[%+×]|[KMBkmx]\b\+?)?")
_ASKING = ("?", "？", "؟")


def is_figure(block: "Block") -> bool:
    """Whether a line is an amount and no more: the "57 %" of a box of facts."""
    text = block.text
    return block.kind == "text" and block.row < 0 and len(text) <= _FIGURE_CHARS and _FIGURE.fullmatch(text) is not None


def is_label(block: "Block") -> bool:
    """Whether a line may say what an amount above it is of."""
    return (
        block.kind == "text"
        and block.row < 0
        and weighed(block.text) <= _LABEL_CHARS
        and not ends_with_mark(block.text)
    )


def is_of_box(blocks: "list[Block]") -> bool:
    """Whether the last line is an amount by itself, or a line of a box of such amounts."""
    last, before = blocks[-1], blocks[-2]
    if is_figure(last):
        return before.kind == "text" and not before.text.endswith((":", "=", *_ASKING))
    return last.glued and is_label(last) and any(map(is_figure, blocks[-4:]))


def promotes_site(block: "Block", before: "Block", phrases: "Phrases", site: str) -> bool:
    """Whether a last paragraph says by the name of its site what the site is good for."""
    text = block.text
    if block.kind not in ("text", "item") or block.row >= 0 or len(text) > PARAGRAPH_CHARS:
        return False
    if block.glued and not (ends_with_mark(text) and ends_with_mark(before.text)):
        return False
    if before.text.endswith(_ASKING) or before.kind == "code" or not mentions(text, site):
        return False
    found = phrases.words.found(words_of(text))
    return any(name in found for name in ("own", "boast", "voice", "marketing"))


def is_its_label(blocks: "list[Block]") -> bool:
    """Whether the line before the last is a list of one item, which says what the last one is about: "7. Tools"."""
    if len(blocks) < 3:
        return False
    above, label, last = blocks[-3:]
    alone = label.kind == "item" and "item" not in (above.kind, last.kind)
    return alone and weighed(label.text) <= _SHORT_CHARS and not ends_with_mark(label.text)


def contents(blocks: "list[Block]", phrases: "Phrases") -> set[int]:
    """Numbers of the blocks of a table of contents: a line that says so and the items under it; links on top."""
    found = _links_at_top(blocks)
    for at, block in enumerate(blocks):
        if block.kind not in ("text", "heading") or len(block.text) > _CONTENTS_CHARS:
            continue
        if phrases.lines["contents"].match(words_of(block.text)):
            end = at + 1
            while end < len(blocks) and blocks[end].kind == "item":
                end += 1
            if end - at > _ENTRIES:
                found.update(entry.number for entry in blocks[at:end])
    return found


def _links_at_top(blocks: "list[Block]") -> set[int]:
    """Numbers of the blocks before the first paragraph that are terms without definitions, each a link."""
    unit = blocks[0].unit if blocks else 0
    listed = [block for block in blocks if block.unit == unit]
    if not unit or len(listed) < _ENTRIES or listed != blocks[: len(listed)]:
        return set()
    entries = all(block.kind == "term" and block.linked >= len(block.text) for block in listed)
    return {block.number for block in listed} if entries else set()
