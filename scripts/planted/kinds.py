"""The kinds of bad pairs, each made from a good one; a kind that a pair has no room for is not made from it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from builder.data.records import stable_id
from planted.fit import content_words, coverage
from planted.good import Good, Pages
from planted.texts import cut_off, first_dropped, shuffled, spliced
from planted.written import appended, other_register

Changed = tuple[str, str]
"""Instruction and text of a bad pair."""


@dataclass(frozen=True)
class Source:
    """What bad pairs are made from.

    Attributes:
        good: All good pairs; instructions and texts of others come from the same half of the pages.
        asked: By page the segments of the build, each with its instruction.
        pages: The texts of all segments.
        seed: Of all choices.
        less: By so much a lower share of the words of a wrong instruction stands in the text than in its own.
    """

    good: Sequence[Good]
    asked: dict[str, list[tuple[str, str]]]
    pages: Pages
    seed: int
    less: float

    def order(self, pair: Good, what: str, key: str) -> str:
        """Where one of several choices stands; the first that fits is taken."""
        return stable_id(self.seed, what, pair.segment, key)

    def does_not_fit(self, pair: Good, segment: str, instruction: str) -> bool:
        """Whether the instruction of another text is worse for this one than for its own."""
        words, texts = content_words(instruction), self.pages.words
        return coverage(words, texts[segment]) - coverage(words, texts[pair.segment]) >= self.less


def _of_same_page(pair: Good, source: Source) -> Changed | None:
    others = [asked for asked in source.asked.get(pair.page, []) if asked[0] != pair.segment]
    ordered = sorted(others, key=lambda asked: source.order(pair, "same page", asked[0]))
    wrong = (asked for segment, asked in ordered if source.does_not_fit(pair, segment, asked))
    return next(((asked, pair.text) for asked in wrong), None)


def _of_other_page(pair: Good, source: Source) -> Changed | None:
    others = sorted(_strangers(pair, source), key=lambda other: source.order(pair, "other page", other.segment))
    wrong = (other.instruction for other in others if source.does_not_fit(pair, other.segment, other.instruction))
    return next(((asked, pair.text) for asked in wrong), None)


def _spliced(pair: Good, source: Source) -> Changed | None:
    others = sorted(_strangers(pair, source), key=lambda other: source.order(pair, "spliced", other.segment))
    texts = (spliced(pair.text, other.text) for other in others)
    return next(((pair.instruction, text) for text in texts if text), None)


def _strangers(pair: Good, source: Source) -> Iterator[Good]:
    return (other for other in source.good if other.page != pair.page and other.half == pair.half)


def _text(change: Callable[[str, str], str | None]) -> Callable[[Good, Source], Changed | None]:
    def made(pair: Good, source: Source) -> Changed | None:
        text = change(pair.text, stable_id(source.seed, pair.segment))
        return (pair.instruction, text) if text and text != pair.text else None

    return made


KINDS: dict[str, Callable[[Good, Source], Changed | None]] = {
    "same page": _of_same_page,
    "other page": _of_other_page,
    "cut off": _text(cut_off),
    "shuffled": _text(shuffled),
    "spliced": _spliced,
    "appended": _text(appended),
    "first dropped": _text(lambda text, _: first_dropped(text)),
    "register": _text(other_register),
}
"""By the name in the table: the instruction of another segment of the same page or of another page; the text cut off,
its sentences shuffled, the second half of another page's text in place of its own, navigation or promotion below it,
its first sentence dropped, its words in another register."""


def bad_pairs(pair: Good, source: Source, number: int, first: int) -> Iterator[tuple[str, str, str]]:
    """So many bad pairs of different kinds, as kind, instruction and text.

    Args:
        pair: The good pair.
        source: What they are made from.
        number: How many, if the pair has room for so many kinds.
        first: The kind that is tried first, so that all kinds have their turn.
    """
    names = list(KINDS)
    made = 0
    for at in range(len(names)):
        name = names[(first + at) % len(names)]
        changed = KINDS[name](pair, source) if made < number else None
        if changed is not None:
            made += 1
            yield name, *changed
