"""Words, and what two texts share of them; for every rule that compares texts, and all in time linear in the texts.

Where a script puts no spaces between words, each letter with its marks is an entry of a list of words, and
`CHARACTERS_PER_WORD` of them count as one word: `units` and `widened` say how many make up a run of words. How a text
is composed, its capitals and its compatibility forms make no difference.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby

from builder.text.scripts import MARKS, UNSPACED, UNSPACED_MARKS, is_latin

CHARACTERS_PER_WORD = 2
"""Where a script puts no spaces between words, each character is one, and so many make up a word of another script.

In the parallel texts of `scripts.HAN` there are 2.0 letters of Chinese to a word of English, 2.3 of Burmese (few
messages), 3.0 of Japanese, 3.4 of Khmer and 3.6 of Thai, marks not counted.
"""
_TOKEN = re.compile(rf"[{UNSPACED}][{UNSPACED_MARKS}]*|(?:[^\W{UNSPACED}]|[{MARKS}])+")
_PIECE = re.compile(rf"[{UNSPACED}][{UNSPACED_MARKS}]*|(?:[^\s{UNSPACED}])+")
_LATIN_TOKEN = re.compile(r"\w+")
"""Finds the same in half the time where all is Latin."""
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")
_UNSPOKEN = re.compile("[\u00ad\u0640\u200b-\u200d\u2060\ufeff]")
"""Hyphens that may be, the line that stretches Arabic, joiners: they stand inside words and say nothing."""
_GREEK = re.compile("[\u03ac-\u03af\u03cc-\u03ce\u0390\u03b0]")
_WITHOUT_TONOS = str.maketrans("άέήίόύώΐΰ", "αεηιουωϊϋ")
"""Capitals of Greek are written without it."""


def fold(text: str) -> str:
    """A text in composed compatibility form and small letters, with straight quotes; lines stay.

    The dotted and the dotless i of Turkish are one letter: which of them a capital is depends on the language. Greek is
    without its accent, which capitals have not.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", _UNSPOKEN.sub("", text)).casefold()
    folded = folded.replace("i\u0307", "i").replace("ı", "i")
    folded = unicodedata.normalize("NFKC", folded)
    if _GREEK.search(folded):
        folded = folded.translate(_WITHOUT_TONOS)
    return folded.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')


def words(text: str) -> list[str]:
    """The words of a text, folded; in scripts without spaces, its letters with their marks."""
    return tokens(fold(text).replace("'", "").replace("_", " "))


def tokens(folded: str) -> list[str]:
    """The words of a folded text, which an apostrophe parts and an underscore does not."""
    return (_LATIN_TOKEN if is_latin(folded) else _TOKEN).findall(folded)


def units(number: int, of: Sequence[str]) -> int:
    """How many entries of a list of `words` make up `number` words; the first hundred show what script it is in."""
    first = of[:100]
    if "".join(first).isascii():
        return number
    unspaced = sum(_IS_UNSPACED.match(word) is not None for word in first)
    return number * CHARACTERS_PER_WORD if 2 * unspaced > len(first) else number


def widened(of: Sequence[str], length: int) -> list[str]:
    """A list of `words` of which `length` in a row say as much in every script.

    Each letter of a script without spaces is put together with the letters that follow it, so that a run of `length`
    entries covers as many letters as lie between the first letters of so many words and one more. Another word then
    changes the same share of the runs of a text, whatever its script. Other words stay as they are.
    """
    if not _IS_UNSPACED.search("".join(of)):
        return list(of)
    width = (CHARACTERS_PER_WORD - 1) * (length - 1) + 1
    wide: list[str] = []
    for unspaced, group in groupby(of, lambda word: _IS_UNSPACED.match(word) is not None):
        run = list(group)
        wide += ["".join(run[at : at + width]) for at in range(len(run))] if unspaced else run
    return wide


def parted(text: str, length: int = 1) -> list[str]:
    """What white space parts in a text, as it stands; letters of scripts without spaces, `widened` for `length`."""
    if is_latin(text) or not _IS_UNSPACED.search(text):
        return text.split()
    return widened(_PIECE.findall(text), length)


def runs(text: Sequence[str], length: int) -> set[tuple[str, ...]]:
    """All runs of `length` words."""
    return set(zip(*(text[start:] for start in range(length)), strict=False))


def holds_run(text: Iterable[str], wanted: set[tuple[str, ...]], length: int) -> bool:
    """Whether one of the runs `wanted`, each of `length` words, stands in a text.

    The text is read once; a run is made only where so many words of the wanted runs follow each other.
    """
    if not wanted:
        return False
    known = {word for run in wanted for word in run}
    current: list[str] = []
    for word in text:
        if word not in known:
            current.clear()
            continue
        current.append(word)
        if len(current) >= length and tuple(current[-length:]) in wanted:
            return True
    return False


def shared_share(text: Sequence[str], other: Sequence[str], length: int) -> float:
    """Share of the runs of `length` words of a text that stand in the other, 0 to 1; repeats count once."""
    own = runs(text, length)
    return len(own & runs(other, length)) / len(own) if own else 0.0


def normalise(text: str) -> str:
    """The words of a text, folded, with single spaces between them; as `words`, but an apostrophe parts them."""
    return " ".join(tokens(fold(text)))
