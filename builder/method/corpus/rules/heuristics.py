"""Which segments are low in quality, by rules (paper section 3.1 and its appendix; the others are ours).

Departure: the paper names its rules on length, repetition and headers only; the rules on links, tables, lists,
listings, threads, cut endings, missing formulas, letters and secrets are ours.
"""

from typing import TYPE_CHECKING

from builder.method.corpus.rules.answers import answer_fault
from builder.method.corpus.rules.body import is_cut, letter_share, repeated_sentences, teasers, thread_lines
from builder.method.corpus.rules.filters import filter_fault
from builder.method.corpus.rules.header import header_fault
from builder.text.control_tokens import find_control_token
from builder.text.scripts import size
from builder.text.secret_tokens import find_secret

if TYPE_CHECKING:
    from builder.method.corpus.cutting.composition import Composition
    from builder.method.corpus.cutting.segmenter import Segment
    from builder.recipe.sections.corpus import Segments


def why_reject_segment(segment: "Segment", config: "Segments") -> str | None:
    """The first rule that speaks against a segment, or None.

    Rules do not depend on each other: the order decides which reason is given, never whether there is one. Cheap
    ones come first.
    """
    return (
        ("truncated" if segment.truncated else None)
        or header_fault(segment.header, config)
        or _length_fault(segment.text, config)
        or _composition_fault(segment.made_of, config)
        or _text_fault(segment.text, config)
        or _unsafe_text(segment)
        or answer_fault(segment, config)
        or (filter_fault(segment.text, config.filters) if config.filters else None)
    )


def _length_fault(text: str, config: "Segments") -> str | None:
    length = size(text) if config.weigh_scripts else len(text)
    if length < config.min_chars:
        return "too_short"
    return "too_long" if length > config.max_chars else None


def _composition_fault(made_of: "Composition", config: "Segments") -> str | None:
    """Rules on shares of the characters of a segment; a segment that was not counted has no fault."""
    if made_of.formulas:  # whoever reads it meets a sentence with a hole
        return "formula"
    chars = max(1, made_of.chars)
    if made_of.linked / chars > config.max_link_share:
        return "links"
    if made_of.table / chars > config.max_table_share:
        return "table"
    if made_of.stubs / chars > config.max_stub_share:
        return "list"
    cards = made_of.cards > config.max_cards or made_of.linked_cards > config.max_linked_cards
    return "listing" if cards else None


def _text_fault(text: str, config: "Segments") -> str | None:
    if letter_share(text) < config.min_letter_share:
        return "few_letters"
    if config.drop_cut_endings and is_cut(text):
        return "cut_ending"
    if teasers(text) > config.max_teasers:
        return "teasers"
    if thread_lines(text) > config.max_thread_lines:
        return "thread"
    if repeated_sentences(text, config.sentence_similarity) > config.max_repeated_share:
        return "repeated_sentences"
    return None


def _unsafe_text(segment: "Segment") -> str | None:
    return unsafe(segment.header, segment.text, *segment.path)


def unsafe(*texts: str) -> str | None:
    """What must be in no published text: a control token of a chat template, or somebody's key or password."""
    if any(map(find_control_token, texts)):
        return "control_tokens"
    return "secret" if any(map(find_secret, texts)) else None
