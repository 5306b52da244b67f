"""Instructions that go round in circles, or stop inside a block: what a small model writes when it has lost its way."""

from collections import Counter

from builder.text.words import tokens, units

LINE_WORDS = 4
"""A line of so many words that comes twice is no accident."""
TIMES, RUN_WORDS, LEAST_WORDS = 4, 8, 6
"""A run of at most `RUN_WORDS` words, so many times in a row, which are `LEAST_WORDS` in all."""
_FENCE = "```"


def repeats_itself(folded: str, words: list[str]) -> bool:
    """Whether a line of an instruction comes again, or a run of words again and again.

    Args:
        folded: The instruction.
        words: Its words.
    """
    length = units(LINE_WORDS, words)
    lines = Counter(line for line in map(str.strip, folded.splitlines()) if len(tokens(line)) >= length)
    return any(number > 1 for number in lines.values()) or any(
        _circles(words, run, units(LEAST_WORDS, words)) for run in range(1, units(RUN_WORDS, words) + 1)
    )


def _circles(words: list[str], run: int, least: int) -> bool:
    """Whether `run` words come `TIMES` times in a row; numbers alone, as in a matrix, do not count."""
    same = 0
    for at in range(run, len(words)):
        same = same + 1 if words[at] == words[at - run] else 0
        if same >= max((TIMES - 1) * run, least - run):
            if not all(word.isdigit() for word in words[at - run + 1 : at + 1]):
                return True
            same = 0
    return False


def leaves_open(text: str) -> bool:
    """Whether an instruction opens a block of code and does not end it."""
    return sum(line.lstrip().startswith(_FENCE) for line in text.splitlines()) % 2 == 1
