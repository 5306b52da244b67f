"""What surrounds a text goes block by block: bylines before it, pointers in it, calls and credits after it.

Departure: the paper keeps what stands under a heading. Whole blocks go, so the numbers of those that stay rebuild the
text. The rules on length look at what is left; a segment that would be too short without a little furniture keeps it.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.around.edges import (
    contents,
    is_figure,
    is_its_label,
    is_label,
    is_of_box,
    promotes_site,
)
from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.rules.header import normalise_header
from builder.method.corpus.rules.phrases import words_of
from builder.method.corpus.rules.site import mentions
from builder.text.scripts import size as weighed
from builder.text.sentences import ends_with_mark

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.rules.phrases import Phrases

KINDS = ("byline", "aside", "heading", "section", "ornament", "link", "announcement", "bio", "promotion", "stray")
"""What a block was taken away as."""
LINE_CHARS = 250
"""A longer block is a paragraph of the text, whatever it begins with."""
BIO_CHARS = 400
STRAY_CHARS = 60
"""By `scripts.size`, and so the next one."""
SECTION_CHARS = 800
"""A section with more text than this at the end of a segment stays, whatever its heading."""
SPARED = 5
"""Furniture that is less than the fifth part of a text stays where the text would be too short without it."""
_LAST_HEADING = 40
_LINKED = {"text": 6, "item": 9, "term": 9}
"""A line at the end is one of links where so many tenths of it are; a list of things may have a link to each."""
_AUTHOR = re.compile(r"(?:by|von|par|por|di|door|от|автор)[ :]{1,2}[^\W\d_][^.!?]{1,80}$", re.IGNORECASE)
_INVISIBLE, _INVISIBLE_CHARS = " \u200b\u200c\u200d\u2060\ufeff\u00ad", 4
_CLOSING = "\"'”’»)]}*_ \u200b\u200d"
_EXAMPLES = frozenset({"for", "e", "eg", "i", "ie", "note", "in", "as", "such"})
"""Words with which a line in brackets begins that belongs to the text."""
_TIPS = ("Pro tip", "Pro Tip", "PRO TIP", "Pro-tip", "Pro-Tip", "Tip:")
_FORMULA = frozenset("=(){}[]<>\\$|→;/_`")


@dataclass(frozen=True, slots=True)
class Furniture:
    """What is known as furniture: phrases, headers of navigation as `normalise_header` writes them, the site's name."""

    phrases: "Phrases"
    headers: frozenset[str]
    site: str = ""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Blocks that stay, and of those that went how many of each kind, and their characters."""

    blocks: "list[Block]"
    kinds: tuple[tuple[str, int], ...] = ()
    chars: int = 0


def is_sentence(text: str) -> bool:
    """Whether a text ends with the mark of a sentence, of any script."""
    return ends_with_mark(text)


def trim(
    blocks: "list[Block]", furniture: Furniture, min_chars: int = 1, length: Callable[[str], int] = weighed
) -> Trimmed:
    """Take away what is furniture at both ends of a segment, and pointers to other pages inside of it.

    Args:
        blocks: Those of the segment.
        furniture: What is known as furniture.
        min_chars: A segment that is as long keeps its furniture, where that is little and it would be shorter without.
        length: How long a text is.
    """
    kinds: Counter[str] = Counter()
    kept = _without_asides(blocks, furniture, kinds)
    kept = list(_without_byline(kept, furniture.phrases, kinds))
    prose = _is_prose(kept)
    while len(kept) > 1:
        size, kind = _at_end(kept, furniture, prose)
        if not size or not any(block.kind != "heading" for block in kept[:-size]):
            break
        kinds[kind] += size
        del kept[-size:]
    if not kinds:
        return Trimmed(blocks)
    total = sum(len(block.text) for block in blocks)
    chars = total - sum(len(block.text) for block in kept)
    few = min_chars > 1 and SPARED * chars < total
    if few and length(render(kept)) < min_chars <= length(render(blocks)):
        return Trimmed(blocks)
    return Trimmed(kept, tuple(sorted(kinds.items())), chars)


def _without_byline(blocks: "list[Block]", phrases: "Phrases", kinds: Counter[str]) -> "list[Block]":
    start = 0
    while start < len(blocks) - 1:
        if _is_byline(blocks[start], phrases):
            start += 1
        elif start < len(blocks) - 2 and is_figure(blocks[start]) and is_label(blocks[start + 1]):
            start += 2
        else:
            break
    if start:
        if all(block.kind == "heading" for block in blocks[start:]):
            return list(blocks)
        kinds["byline"] += start
    return blocks[start:]


def _is_byline(block: "Block", phrases: "Phrases") -> bool:
    text = block.text
    if block.kind not in ("text", "item") or block.row >= 0 or len(text) > LINE_CHARS / 2 or is_sentence(text):
        return False
    words = words_of(text)
    if _begins_with_name(text) and phrases.lines["bio"].match(words):
        return True
    if not words or (block.kind == "item" and 10 * block.linked >= _LINKED["item"] * len(text)):
        return True
    return phrases.lines["byline"].match(words) or _is_date(words) or _AUTHOR.match(text) is not None


def _is_date(words: list[str]) -> bool:
    """A line of a date and little else."""
    numbers = [word for word in words if word.isdigit()]
    return len(words) <= 6 and any(len(number) == 4 for number in numbers) and len(numbers) * 3 >= len(words)


def _without_asides(blocks: "list[Block]", furniture: Furniture, kinds: Counter[str]) -> "list[Block]":
    asides = {block.number for block in blocks if _is_aside(block, furniture)}
    asides |= contents(blocks, furniture.phrases)
    kept = [block for block in blocks if block.number not in asides]
    if not asides or all(block.kind == "heading" for block in kept):
        return blocks
    kinds["aside"] += len(asides)
    return kept


def _is_aside(block: "Block", furniture: Furniture) -> bool:
    if block.kind != "text" or block.row >= 0 or len(block.text) > LINE_CHARS:
        return False
    if len(block.text) <= _INVISIBLE_CHARS and not block.text.strip(_INVISIBLE):
        return True
    if block.text.startswith(_TIPS) and mentions(block.text, furniture.site):
        return True
    words, phrases = words_of(block.text), furniture.phrases
    return phrases.lines["credit"].match(words) or (_is_weak(block) and phrases.lines["aside"].match(words))


def _is_weak(block: "Block") -> bool:
    """Whether a line is a link for a good part, or is no sentence."""
    return 3 * block.linked >= len(block.text) or not is_sentence(block.text)


def _is_prose(blocks: "list[Block]") -> bool:
    """Whether paragraphs end with a mark here, as they do in most scripts: only then a line without one is a stray."""
    long = [block.text for block in blocks if block.kind == "text" and weighed(block.text) > STRAY_CHARS]
    return 2 * sum(map(is_sentence, long)) > len(long)


def _at_end(blocks: "list[Block]", furniture: Furniture, prose: bool) -> tuple[int, str]:
    """How many blocks at the end are no text of the segment, and why; none if the last one is text."""
    last = blocks[-1]
    if last.kind == "heading":
        return 1, "heading"
    kind = _line_kind(last, furniture.phrases)
    if kind:
        return 1, kind
    if size := _furniture_section(blocks, furniture):
        return size, "section"
    if furniture.site and promotes_site(last, blocks[-2], furniture.phrases, furniture.site):
        return (2 if is_its_label(blocks) else 1), "promotion"
    if prose and is_of_box(blocks):
        return 1, "stray"
    return (1, "stray") if prose and _is_stray(last, blocks[-2]) else (0, "")


def _line_kind(block: "Block", phrases: "Phrases") -> str:
    text = block.text
    if block.kind in ("code", "cell") or block.row >= 0:
        return ""
    if len(text) <= LINE_CHARS and text.rstrip(_CLOSING)[-1:] in (":", "："):
        return "announcement"
    if len(text) > BIO_CHARS:
        return ""
    words = words_of(text)
    if not words:
        return "ornament"
    if len(text) <= LINE_CHARS and not is_sentence(text) and 10 * block.linked >= _LINKED[block.kind] * len(text):
        return "link"
    if block.kind == "item" and not block.linked:
        return ""
    if len(text) <= LINE_CHARS:
        if block.linked and text[0] in "([" and text[-1] in ")]" and words[0] not in _EXAMPLES:
            return "promotion"
        if block.linked and block.kind == "text" and _asks_and_answers(text):
            return "promotion"
        if phrases.lines["announcement"].match(words):
            return "announcement"
        if phrases.lines["tail"].match(words) or (_is_weak(block) and phrases.lines["tail weak"].match(words)):
            return "promotion"
    return "bio" if _begins_with_name(text) and phrases.lines["bio"].match(words) else ""


def _asks_and_answers(text: str) -> bool:
    """Whether a line asks its reader something and goes on: "Planning a trip? Read how to pack"."""
    mark = max(text.find(mark) for mark in ("? ", "？", "؟ "))
    return 0 < mark < len(text) - 10


def _begins_with_name(text: str) -> bool:
    first = text.split(maxsplit=2)[:2]
    return len(first) == 2 and all(word[0].isupper() for word in first)


def _furniture_section(blocks: "list[Block]", furniture: Furniture) -> int:
    """Blocks of the last section, its heading included, where that is furniture and short."""
    chars = linked = said = 0
    for size, block in enumerate(reversed(blocks[-_LAST_HEADING:]), start=1):
        if block.kind == "heading":
            return size if _is_furniture(block.text, furniture, links=3 * linked >= chars) else 0
        chars, linked = chars + len(block.text), linked + block.linked
        said += weighed(block.text)
        if said > SECTION_CHARS:
            return 0
    return 0


def _is_furniture(header: str, furniture: Furniture, *, links: bool) -> bool:
    """Whether a section is about the site; "Comments" or "Cookies" may be what a text is about, unless it is links."""
    words = words_of(header)
    if any(furniture.phrases.headers[name].match(words) for name in ("prompt", "team")):
        return True
    return links and normalise_header(header) in furniture.headers


def _is_stray(block: "Block", before: "Block") -> bool:
    """Whether a line is left over from something else: short, no sentence, no item, no part of what stands before."""
    text = block.text
    if block.kind != "text" or block.glued or weighed(text) > STRAY_CHARS or is_sentence(text):
        return False
    return before.kind != "heading" and not _FORMULA & set(text)
