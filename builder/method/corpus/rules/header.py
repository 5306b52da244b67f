"""Rules on the header of a segment (paper appendix: empty, upper-case and navigation headers are removed)."""

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.named_text import named_text
from builder.text.scripts import size
from builder.text.words import words

if TYPE_CHECKING:
    from builder.recipe.sections.corpus import Segments

_LIST = Path(__file__).with_name("navigation_headers.txt")
_ACRONYM_WORDS, _ACRONYM_LETTERS = 2, 4


def header_fault(header: str, config: "Segments") -> str | None:
    """The first rule that speaks against a header, or None."""
    header = header.strip()
    if not any(character.isalnum() for character in header):
        return "header_empty"
    if (size(header) if config.weigh_scripts else len(header)) > config.max_header_chars:
        return "header_too_long"
    if normalise_header(header) in navigation_headers(config.navigation_headers):
        return "header_navigation"
    return "header_capitals" if capitals(header) > config.max_header_capitals else None


def capitals(header: str) -> float:
    """Share of capitals among the letters of a header, 0 to 1.

    Zero where it says nothing: fewer than two letters, or at most two words of at most four letters each, which are
    acronyms more often than shouting (FAQ, HTTP API). Letters of scripts without case count as small.
    """
    header = unicodedata.normalize("NFC", header)
    letters = [character for character in header if character.isalpha()]
    of_letters = "".join(character if character.isalpha() or _is_mark(character) else " " for character in header)
    names = of_letters.split()
    acronym = len(names) <= _ACRONYM_WORDS and all(len(name) <= _ACRONYM_LETTERS for name in names)
    if len(letters) < 2 or acronym:
        return 0.0
    return sum(unicodedata.category(letter) in ("Lu", "Lt") for letter in letters) / len(letters)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc")


def normalise_header(header: str) -> str:
    """A header as the list of navigation headers compares it: words only, in small letters, counts left out."""
    found = words(header)
    return " ".join(word for word in found if not word.isdigit()) or " ".join(found)


@lru_cache(maxsize=8)
def navigation_headers(path: Path | None) -> frozenset[str]:
    """The headers of page furniture, normalised, from a text file with one a line ("#" starts a comment).

    Args:
        path: The file; None for the list that comes with the package.

    Raises:
        RecipeError: If the file cannot be read as UTF-8 text.
    """
    lines = named_text(path or _LIST, "segments.navigation_headers").splitlines()
    headers = (normalise_header(line) for line in lines if not line.lstrip().startswith("#"))
    return frozenset(header for header in headers if header)
