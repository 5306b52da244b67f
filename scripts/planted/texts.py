"""Defects of a text. Each takes a text as it stands and gives a worse one, or None where there is no room for it."""

from itertools import pairwise

from builder.data.records import row_seed, stable_id
from builder.text.sentences import ends_sentence, sentence_spans

LEAST_WORDS = 6
"""A sentence with fewer words is not cut in its middle."""
FIRST_CUT, LAST_CUT = 0.35, 0.85
"""Between these shares of a text it is cut off."""


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text are; what ends without a mark, such as a list, is one with what follows."""
    return list(sentence_spans(text))


def cut_off(text: str, key: str) -> str | None:
    """A beginning of the text that ends in the middle of a sentence; which one, the key says."""
    first, last = FIRST_CUT * len(text), LAST_CUT * len(text)
    places = []
    for start, end in sentences(text):
        words = text[start:end].split()
        if len(words) >= LEAST_WORDS:
            place = start + len(text[start:end]) // 2
            place = text.rfind(" ", start, place)
            if first <= place <= last:
                places.append(place)
    if not places:
        return None
    cut = text[: places[row_seed(0, "cut", key) % len(places)]].rstrip(" \t\n,;:-–—(")
    return None if ends_sentence(cut) else cut


def shuffled(text: str, key: str) -> str | None:
    """The same sentences in another order, in the places of the old ones; the white space between them stays."""
    spans = sentences(text)
    order = sorted(range(len(spans)), key=lambda at: stable_id("order", key, at))
    if order == sorted(order):
        order = [*order[1:], *order[:1]]
    pieces = [text[start:end] for start, end in spans]
    gaps = [text[end:start] for (_, end), (start, _) in pairwise(spans)]
    moved = [pieces[at] for at in order]
    whole = "".join(part for both in zip(moved, [*gaps, ""], strict=True) for part in both) if spans else ""
    mixed = text[: spans[0][0]] + whole + text[spans[-1][1] :] if spans else text
    return None if mixed == text else mixed


def spliced(text: str, other: str) -> str | None:
    """The first half of the text's sentences, then the second half of another text's."""
    own, foreign = sentences(text), sentences(other)
    if len(own) < 2 or len(foreign) < 2:
        return None
    return text[: own[len(own) // 2][0]] + other[foreign[len(foreign) // 2][0] :]


def first_dropped(text: str) -> str | None:
    """The text without its first sentence."""
    spans = sentences(text)
    return text[spans[1][0] :] if len(spans) > 1 else None
