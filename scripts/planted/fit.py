"""Whether an instruction and a text belong together, by their words alone: no judge that is measured is asked."""

from collections.abc import Collection, Iterable
from pathlib import Path

from builder.text.words import runs, words

STEM = 6
"""So many letters of a word count, so that `benefits` is `benefit`."""
LEAST = 2
"""With fewer content words an instruction is not confirmed."""
MOST_WORDS = 40
"""An instruction with more words is not confirmed."""
COPIED, REPEATED = 6, 3
"""Words in a row that it may not have from its text, and not have twice."""
_COMMON = frozenset(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())
"""Words that say nothing of a subject, and those that instructions are made of."""


def content_words(text: str) -> set[str]:
    """The stems of the words of a text that say what it is about: three letters or more, none of the common ones."""
    return {word[:STEM] for word in words(text) if len(word) > 2 and word not in _COMMON}


def coverage(instruction: Collection[str], text: Collection[str]) -> float:
    """The share of the content words of an instruction that stand in a text; 0 where it has none."""
    return sum(word in text for word in instruction) / len(instruction) if instruction else 0.0


def confirmed(
    instruction: str, own: Collection[str], others: Iterable[Collection[str]], least: float, more: float
) -> bool:
    """Whether the words of an instruction are those of its text, and not of the texts beside it.

    Args:
        instruction: What is asked.
        own: The content words of its text.
        others: Those of other texts of the same page.
        least: The least share of its content words that stand in its text.
        more: So much higher that share is than in each of the others.
    """
    asked = content_words(instruction)
    share = coverage(asked, own)
    rival = max((coverage(asked, other) for other in others), default=0.0)
    return len(asked) >= LEAST and share >= least and share - rival >= more


def is_one_request(instruction: str, text: str) -> bool:
    """Whether an instruction is one short line with an end that says nothing twice and was not copied from its text."""
    said = words(instruction)
    ended = instruction.rstrip().endswith(("?", ".", "!")) and "\n" not in instruction.strip()
    repeats = len(runs(said, REPEATED)) < len(said) - REPEATED + 1
    copies = bool(runs(said, COPIED) & runs(words(text), COPIED))
    return ended and len(said) <= MOST_WORDS and not repeats and not copies


def is_question(header: str) -> bool:
    """Whether a heading is a question of its own that names what it asks about."""
    return header.rstrip().endswith("?") and len(header.split()) >= 3 and len(content_words(header)) >= 1
