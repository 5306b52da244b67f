"""Rules on the text of a segment: letters, endings, teasers, forum threads, sentences that say the same again."""

import re
from collections import Counter

NGRAM = 3
"""Sentences are compared by their sets of runs of so many words."""
MIN_WORDS = 6
"""Shorter sentences are not compared: they are alike by chance."""
_MORE = (
    r"(?:read|see|show|view|learn|find out|load) (?:\w+ ){0,2}more|continue reading|keep reading|read (?:the )?full \w+"
)
_ARROW = r"[\s.…»›>→:)\]]*"
_CUT_WORD = re.compile(rf"(?:\w(?:\.\.\.|…)|\[(?:\.\.\.|…)\]|\((?:more|\.\.\.|…)\)){_ARROW}$", re.IGNORECASE)
_CUT_MARKS = ("...", "…", "more", "continue reading", "keep reading", "read full", "read the full")
_CUT_LINE = re.compile(rf"(?:^|[.!?…\"”’)]\s*)(?:- )?(?:{_MORE}){_ARROW}$", re.IGNORECASE)
_THREAD_LINE = re.compile(
    r"""(?mix)^(?:-\ )?(?:
    re:\ .{1,200}
    | (?:senior\ |junior\ |new\ |active\ |registered\ |full\ |well-known\ |super\ )?member
    | location:?
    | joined:?(?:\ .{4,20})?
    | (?:posts|messages|reputation|likes\ received|reaction\ score):?\s?[\d,.]*
    | (?:post\ )?\#\d{1,5}
    | (?:\S{1,30}\ ){1,4}(?:wrote|said|posted):
    | (?:quote|reply|reply\ with\ quote|report\ post|click\ to\ expand)[:.…]*
    | \d{1,5}\ (?:repl(?:y|ies)|answers?|upvotes?)
    | (?:asked|answered|posted|edited)\ .{1,60}\ ago
    | posted\ by:?\ .{1,60}
    | by\ .{1,40}\ »\ .{4,60}
    )\s*$"""
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")
_WORD = re.compile(r"\w+")


def letter_share(text: str) -> float:
    """Letters among the characters that are no white space, 0 to 1."""
    packed = "".join(text.split())
    return sum(map(str.isalpha, packed)) / len(packed) if packed else 0.0


def is_cut(text: str) -> bool:
    """Whether a text ends as teasers do: in the middle of a sentence, or with an invitation to read on elsewhere."""
    line = text[-400:].rstrip().rpartition("\n")[2]
    return bool(_CUT_WORD.search(line) or _CUT_LINE.search(line))


def teasers(text: str) -> int:
    """How many lines of a text end as teasers do."""
    small = text.lower()
    if not any(mark in small for mark in _CUT_MARKS):
        return 0
    return sum(is_cut(line) for line in small.splitlines() if any(mark in line for mark in _CUT_MARKS))


def thread_lines(text: str) -> int:
    """How many lines of a text belong to the frame of a forum: "Senior Member", "Joined: 2009", "jane wrote:"."""
    return len(_THREAD_LINE.findall(text))


def repeated_sentences(text: str, similarity: float) -> float:
    """Share of sentences that are nearly equal to an earlier one (paper appendix), 0 to 1.

    Two sentences are when the Jaccard index of their sets of word n-grams is at least `similarity`. Only what ends
    like a sentence is compared: lines of code, of tables and of lists repeat each other rightly.

    Departure: the paper gives neither n nor the threshold.
    """
    sizes: list[int] = []
    holders: dict[tuple[str, ...], list[int]] = {}
    repeated = 0
    for sentence in _SENTENCE_END.split(text):
        words = _WORD.findall(sentence.lower())
        if len(words) < MIN_WORDS or sentence.rstrip("\"'”’)] ")[-1:] not in (".", "!", "?", "…"):
            continue
        grams = set(zip(*(words[start:] for start in range(NGRAM)), strict=False))
        shared: Counter[int] = Counter()
        for gram in grams:
            if gram in holders:
                shared.update(holders[gram])
                holders[gram].append(len(sizes))
            else:
                holders[gram] = [len(sizes)]
        repeated += any(common >= similarity * (len(grams) + sizes[other] - common) for other, common in shared.items())
        sizes.append(len(grams))
    return repeated / len(sizes) if sizes else 0.0
