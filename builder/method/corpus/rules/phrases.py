"""The phrases by which furniture of a page is known: read from a text file, compared word by word.

Lines are compared as wholes, texts by the phrases that are in them. Both take a look at the first word of a phrase in a
table, so the time does not grow with the length of the list.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from builder.data.named_text import named_text
from builder.errors import RecipeError

_LIST = Path(__file__).with_name("phrases.txt")
_WORD = re.compile(r"[^\W_]+")
_SECTION = re.compile(r"\[([a-z ]+)\]")
_ACCENTS = re.compile("[\u0300-\u036f]+")
LONGEST_LINE = 400
"""A longer line is a paragraph and no phrase."""
LINES = frozenset({"byline", "aside", "credit", "tail", "tail weak", "bio", "announcement", "ad", "contents"})
HEADERS = frozenset({"prompt", "label", "changelog", "legal", "praise", "team", "events", "questions", "opening"})
WORDS = frozenset(
    {
        "announcement",
        "marketing",
        "boast",
        "voice",
        "asking",
        "podcast",
        "own",
        "shop",
        "course",
        "interface",
        "praise",
        "consent",
        "consent voice",
        "wall",
        "legal",
        "change",
        "templates",
    }
)
SECTIONS = frozenset(
    {f"line {name}" for name in LINES} | {f"header {name}" for name in HEADERS} | {f"words {name}" for name in WORDS}
)


def words_of(text: str) -> list[str]:
    """Words as phrases are compared with them: in small letters, without accents, marks and apostrophes."""
    if text.isascii():
        return _WORD.findall(text.replace("'", "").lower())
    text = text.replace("’", "").replace("'", "").replace("©", " copyright ")
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    return _WORD.findall(text.casefold())


class Lines:
    """Phrases that are whole lines; `*` stands for any words or none, `<n>` for a number."""

    def __init__(self, phrases: Iterable[str]) -> None:
        first: dict[str, list[str]] = {}
        inside: dict[str, list[str]] = {}
        for phrase in phrases:
            parts = _parts(phrase)
            pattern = "".join(map(_part, parts))
            named = parts[0] not in ("*", "<n>")
            word = next(part for part in parts if part not in ("*", "<n>"))
            (first if named else inside).setdefault(word, []).append(pattern)
        self._first = {word: re.compile("|".join(patterns)) for word, patterns in first.items()}
        self._inside = {word: re.compile("|".join(patterns)) for word, patterns in inside.items()}

    def match(self, words: list[str]) -> bool:
        """Whether a line of these words is one of the phrases."""
        if not words:
            return False
        first = self._first.get(words[0])
        inside = self._inside.keys() & words
        if first is None and not inside:
            return False
        line = " ".join(words) + " "
        if len(line) > LONGEST_LINE:
            return False
        if first is not None and first.fullmatch(line):
            return True
        return any(self._inside[word].fullmatch(line) for word in inside)


def _parts(phrase: str) -> list[str]:
    parts = [[part] if part in ("*", "<n>") else words_of(part) for part in phrase.split()]
    return [word for words in parts for word in words]


def _part(part: str) -> str:
    if part == "*":
        return "(?:.* )?"
    return r"\d+ " if part == "<n>" else re.escape(part) + " "


class Words:
    """Phrases that are looked for in a text, by section."""

    def __init__(self, sections: dict[str, Iterable[str]]) -> None:
        self._by_word: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for section, phrases in sections.items():
            for phrase in phrases:
                parts = tuple(_parts(phrase))
                self._by_word.setdefault(parts[0], []).append((parts, section))

    def found(self, words: list[str]) -> dict[str, list[str]]:
        """The phrases in a text of these words, each as often as it stands there, by section."""
        by_word = self._by_word
        found: dict[str, list[str]] = {}
        for index, word in enumerate(words):
            if word in by_word:
                for parts, section in by_word[word]:
                    if len(parts) == 1 or tuple(words[index : index + len(parts)]) == parts:
                        found.setdefault(section, []).append(" ".join(parts))
        return found


class Phrases:
    """All phrases of a file.

    Attributes:
        lines: By section, phrases that are lines of a text.
        headers: By section, phrases that are headers.
        words: Phrases in a text.
    """

    def __init__(self, sections: dict[str, list[str]]) -> None:
        self.lines = {name: Lines(sections.get(f"line {name}", ())) for name in LINES}
        self.headers = {name: Lines(sections.get(f"header {name}", ())) for name in HEADERS}
        self.words = Words({name: sections.get(f"words {name}", ()) for name in WORDS})


@lru_cache(maxsize=8)
def load_phrases(path: Path | None) -> Phrases:
    """Read a file of phrases.

    Args:
        path: The file; None for the one that comes with the package.

    Raises:
        RecipeError: If the file cannot be read as UTF-8 text, or a line of it is in no section that is known.
    """
    lines = named_text(path or _LIST, "segments.phrases").splitlines()
    sections: dict[str, list[str]] = {}
    section = ""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if match := _SECTION.fullmatch(text):
            section = match[1]
        if section not in SECTIONS:
            raise RecipeError(
                f"{path or _LIST}: line {number} is in the section [{section}], which nothing reads; segments.phrases "
                f"takes the sections {', '.join(sorted(SECTIONS))}"
            )
        if match is None:
            sections.setdefault(section, []).append(text)
    return Phrases(sections)
