"""Words for the gate, and what two texts share of them; all in time linear in the texts."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

CHARACTERS_PER_WORD = 2
"""Where a script puts no spaces between words, each character is one, and so many make up a word of another script."""
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_MARKS = (  # vowel signs and accents, which `\w` leaves out, so that they do not part a word
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963\u0966-\u0dff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W_{_UNSPACED}]|[{_MARKS}])+")
_ASCII_WORD = re.compile("[a-z0-9]+")
"""Finds the same in half the time, and most texts are ASCII once folded."""
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")

_NOT_WORD = re.compile(r"\W+")


def fold(text: str) -> str:
    """A text in compatibility form and small letters, with straight quotes; lines stay."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')


def words(text: str) -> list[str]:
    """The words of a text, folded; in scripts without spaces, its characters."""
    folded = fold(text).replace("'", "")
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def units(number: int, of: Sequence[str]) -> int:
    """How many entries of a list of `words` make up `number` words; the first hundred show what script it is in."""
    first = of[:100]
    unspaced = sum(len(word) == 1 and _IS_UNSPACED.match(word) is not None for word in first)
    return number * CHARACTERS_PER_WORD if 2 * unspaced > len(first) else number


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
    """The words of a text in small letters with single spaces between them."""
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()
