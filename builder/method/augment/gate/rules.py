"""Rules on the instructions that M_yx wrote, before they are scored (paper 2.2 and 2.3).

Departure: the paper hands all that M_yx wrote to curation. A rule costs less than a judge, and its count says what is
wrong with M_yx. A run of words is what two texts share; no rule looks at meaning.
"""

from functools import lru_cache

from builder.method.augment.gate.code import asks_for_code, has_such_code
from builder.method.augment.gate.phrases import has_turn, is_refusal
from builder.method.augment.gate.references import points_elsewhere
from builder.method.augment.gate.repeats import leaves_open, repeats_itself
from builder.recipe.sections.augment import Gate
from builder.text.language import detect
from builder.text.secret_tokens import find_secret
from builder.text.unseen import find_unseen
from builder.text.words import fold, holds_run, runs, shared_share, units, words

RULES = (
    "empty",
    "secret",
    "unseen",
    "refusal",
    "echo",
    "repeats",
    "open_block",
    "run_on",
    "copy",
    "gives_answer_away",
    "too_long",
    "not_self_contained",
    "no_code",
    "other_language",
)
"""All reasons in the order in which they are tried; where several hold, the first says most about the cause."""
CONTINUED_WORDS = 6
"""A line behind the first one that begins with so many words of the segment in a row is part of the answer."""
SHINGLE = 3
MIN_OUTPUT_WORDS = 50
"""Shorter outputs have too few runs of words for a share: a question with two choices holds its answer."""
SURE_OF_LINE = 0.8
"""Confidence from which the detector is believed on a line or two.

Of 1,089 English prompts that people wrote, it is as sure of another language on one, most of which is French.
"""
_ALIKE = (
    frozenset({"bs", "hr", "sh", "sr"}),
    frozenset({"da", "nn", "no"}),
    frozenset({"wuu", "yue", "zh"}),
    frozenset({"id", "ms"}),
    frozenset({"ast", "es", "gl", "pt"}),
    frozenset({"cs", "sk"}),
    frozenset({"be", "bg", "mk", "ru", "uk"}),
)
"""Languages whose short texts the detector mixes up."""


def why_reject_instruction(
    instruction: str, output: str, *, config: Gate, prompt: str, language: str | None
) -> str | None:
    """The first of `RULES` that speaks against a written instruction, or None.

    Control tokens and unfinished texts are looked for where the completion's token ids are known, before this.
    `empty`, `secret` and `unseen` cannot be switched off: there is nothing to score, or nothing that may be published.

    Args:
        instruction: What M_yx wrote.
        output: The segment it was written for.
        config: Which rules count, and their limits.
        prompt: What M_yx was shown besides the segment: system prompt and template.
        language: Two-letter code of the segment's language. Without one, or with another code, `other_language` is
            not tried.
    """
    text, asked = fold(instruction), words(instruction)
    if not asked:
        return "empty"
    if find_secret(instruction):
        return "secret"
    if find_unseen(instruction):
        return "unseen"
    if config.refusal and is_refusal(text):
        return "refusal"
    if config.max_echoed_words and _echoes(asked, _prompt_words(prompt), config.max_echoed_words):
        return "echo"
    if config.repeats and repeats_itself(text, asked):
        return "repeats"
    if config.open_block and leaves_open(instruction):
        return "open_block"
    if reason := _answer_fault(text, asked, words(output), config):
        return reason
    if config.max_chars and len(instruction) > config.max_chars:
        return "too_long"
    if config.self_contained and points_elsewhere(text):
        return "not_self_contained"
    if config.code and asks_for_code(text) and not _may_be_code(output, text):
        return "no_code"
    return "other_language" if config.language and _is_other_language(instruction, language or "") else None


def _answer_fault(text: str, asked: list[str], answer: list[str], config: Gate) -> str | None:
    """The first rule that finds an answer, or words of the segment, in an instruction."""
    if config.run_on and (has_turn(text) or _goes_on(text, answer)):
        return "run_on"
    if config.max_copied_words:
        length = units(config.max_copied_words, asked) + 1
        if holds_run(answer, runs(asked, length), length):
            return "copy"
    limit = config.answer_share if len(answer) >= units(MIN_OUTPUT_WORDS, answer) else None
    if limit and shared_share(answer, asked, units(SHINGLE, answer)) > limit:
        return "gives_answer_away"
    return None


def _may_be_code(output: str, asked: str) -> bool:
    """Whether a segment has code of the kind that is asked for, or is too short to tell."""
    folded = fold(output)
    answer = words(folded)
    return len(answer) < units(MIN_OUTPUT_WORDS, answer) or has_such_code(folded, asked)


@lru_cache(maxsize=8)
def _prompt_words(prompt: str) -> tuple[str, ...]:
    return tuple(words(prompt))


def _echoes(asked: list[str], prompt: tuple[str, ...], limit: int) -> bool:
    """Whether the prompt holds a long run of an instruction, or all of a short one."""
    length = min(units(limit, asked) + 1, len(asked))
    return holds_run(prompt, runs(asked, length), length)


def _goes_on(text: str, answer: list[str]) -> bool:
    """Whether a line behind the first one begins with words of the segment."""
    length = units(CONTINUED_WORDS, answer)
    heads = (tuple(words(line)[:length]) for line in text.strip().splitlines()[1:])
    return holds_run(answer, {head for head in heads if len(head) == length}, length)


def _is_other_language(instruction: str, language: str) -> bool:
    """Whether the detector is sure of another language; it errs on capitals."""
    own = language.lower()
    if len(own) != 2:
        return False
    readable = instruction.encode("utf-8", "replace").decode()
    detected, confidence = detect(readable.lower() if readable.isupper() else readable)
    return confidence >= SURE_OF_LINE and detected != own and not any({detected, own} <= group for group in _ALIKE)
