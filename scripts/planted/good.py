"""Which pairs of a build are taken for good: whole texts under an instruction that is theirs by a rule, not a judge."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.data.records import stable_id
from builder.text.sentences import ends_sentence
from builder.workspace.stage_names import Half, half_of
from planted.fit import confirmed, content_words, is_one_request, is_question
from planted.texts import sentences

LEAST_SENTENCES = 4
"""A text with fewer cannot be shuffled, spliced or cut in a way that a reader would notice."""
STRANGERS = 20
"""Where a page has no other text, so many texts of other pages stand in for it."""


@dataclass(frozen=True)
class Good:
    """A text with its own instruction.

    Attributes:
        row: The candidate pair as the build has it.
        instruction: The heading's own question, or what M_yx wrote.
        origin: `heading` or `written`.
        tokens: Tokens of the text.
        half: The half of the pages that its page is in.
    """

    row: Mapping[str, Any]
    instruction: str
    origin: str
    tokens: int

    @property
    def segment(self) -> str:
        """The id of its text."""
        return str(self.row["segment_id"])

    @property
    def page(self) -> str:
        """The id of its page."""
        return str(self.row["page_id"])

    @property
    def text(self) -> str:
        """The text."""
        return str(self.row["output"])

    @property
    def half(self) -> Half:
        """The half of the pages that its page is in; the other one has no pair of it."""
        return half_of(self.page)


@dataclass
class Pages:
    """The texts of all segments by page, as content words.

    Attributes:
        words: Of each segment.
        of_page: The segments of each page.
    """

    words: dict[str, set[str]] = field(default_factory=dict)
    of_page: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, segments: Iterable[Mapping[str, Any]]) -> "Pages":
        """Take segments in."""
        for row in segments:
            self.words[row["id"]] = content_words(row["text"])
            self.of_page[row["page_id"]].append(row["id"])
        return self

    def beside(self, segment: str, page: str) -> list[set[str]]:
        """The other texts of a page, or some of other pages where it has none."""
        others = [other for other in self.of_page[page] if other != segment]
        if not others:
            strangers = [other for other in self.words if other not in self.of_page[page]]
            others = sorted(strangers, key=lambda other: stable_id(segment, other))[:STRANGERS]
        return [self.words[other] for other in others]


@dataclass(frozen=True)
class Limits:
    """What a pair must have to be taken; the numbers are those of `plant.Planting`."""

    max_tokens: int
    least: float
    more: float
    per_page: int


def why_not(row: Mapping[str, Any], pages: Pages, limits: Limits, tokens: int) -> str | None:
    """Why a candidate pair is not taken for good; None if it is."""
    if tokens > limits.max_tokens:
        return "longer_than_max_tokens"
    if len(sentences(row["output"])) < LEAST_SENTENCES:
        return "few_sentences"
    if not ends_sentence(row["output"]):
        return "ends_in_no_sentence"
    if is_question(row["header"]):
        return None
    if not is_one_request(row["instruction"], row["output"]):
        return "no_single_request"
    others = pages.beside(row["segment_id"], row["page_id"])
    sure = confirmed(row["instruction"], pages.words[row["segment_id"]], others, limits.least, limits.more)
    return None if sure else "not_confirmed"


def good_pairs(
    candidates: Iterable[Mapping[str, Any]], pages: Pages, limits: Limits, count: Callable[[str], int], seed: int
) -> tuple[list[Good], Counter[str]]:
    """The good pairs in an order that the seed says, one for each segment, and why the others were not taken.

    Args:
        candidates: Pairs of the build.
        pages: The texts of all its segments.
        limits: What a pair must have.
        count: Tokens of a text.
        seed: Of the order.
    """
    good, lost = dict[str, Good](), Counter[str]()
    for row in sorted(candidates, key=lambda row: str(row["id"])):
        tokens = count(row["output"])
        reason = why_not(row, pages, limits, tokens)
        reason = "another_of_its_segment" if reason is None and row["segment_id"] in good else reason
        if reason is not None:
            lost[reason] += 1
            continue
        asks = is_question(row["header"])
        instruction = row["header"].strip() if asks else row["instruction"]
        good[row["segment_id"]] = Good(row, instruction, "heading" if asks else "written", tokens)
    ordered = sorted(good.values(), key=lambda pair: stable_id("group", seed, pair.segment))
    kept, of_page = list[Good](), Counter[str]()
    for pair in ordered:
        of_page[pair.page] += 1
        if of_page[pair.page] <= limits.per_page:
            kept.append(pair)
        else:
            lost["enough_of_its_page"] += 1
    return kept, lost
