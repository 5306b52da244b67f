"""A world with facts: which combinations of topic and question type exist, where they occur and what is said.

A combination is *known* when the base model was pretrained on it; seed pairs come from known combinations only.
The other combinations occur in the crawl alone, so their facts can only be learned from it.
"""

import random
import re
from dataclasses import dataclass
from typing import NamedTuple

from builder.sample.english import join_sentences
from builder.sample.phrases import PROMOTION, TOPICS, TYPES

CRAWL_COMBINATIONS = 80
SECTIONS_PER_COMBINATION = 10
SEED_PAIRS = 160
MAX_OVERLAP = 0.5
MIN_CHARS = 60
DEFECTS = ("splice", "promo", "truncated", "shuffled", "noise")
# Every combination gets each defect once, so that no kind is tied to some of the combinations.
KINDS = ("clean",) * (SECTIONS_PER_COMBINATION - len(DEFECTS)) + DEFECTS


class Combination(NamedTuple):
    """A topic and the key of a question type."""

    topic: str
    type: str


@dataclass(frozen=True)
class Section:
    """A section of the crawl: what it should be about, what is wrong with it (`kind`) and its text."""

    combination: Combination
    kind: str
    text: str


def heading(combination: Combination) -> str:
    """The header above a section of this combination."""
    return TYPES[combination.type].heading.format(t=combination.topic)


def instruction(combination: Combination) -> str:
    """The instruction that a text of this combination answers."""
    return TYPES[combination.type].instruction.format(t=combination.topic)


class World:
    """Everything that is true in the mini-web of one seed.

    Attributes:
        seed: The seed; equal seeds give equal worlds on every machine.
        known: Combinations in the pretraining text; 112 of 192.
        crawl: Combinations that occur in the crawl only; 80 of 192.
        facts: The two facts of every combination.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        rng = self.stream("combinations")
        combinations = [Combination(topic, key) for topic in TOPICS for key in TYPES]
        rng.shuffle(combinations)
        self.crawl = combinations[:CRAWL_COMBINATIONS]
        self.known = combinations[CRAWL_COMBINATIONS:]
        rng = self.stream("facts")
        self.facts = {
            combination: (rng.choice(TYPES[combination.type].first), rng.choice(TYPES[combination.type].second))
            for combination in sorted(combinations)
        }

    def stream(self, purpose: str) -> random.Random:
        """A generator of its own for each purpose, so that changing one part leaves the others as they are."""
        return random.Random(f"{self.seed}/{purpose}")

    def sentences(self, rng: random.Random, combination: Combination, count: int | None = None) -> list[str]:
        """Some of the six sentences in their usual order, facts filled in; 3 to 5 unless `count` is given."""
        number = count or rng.choice((3, 3, 4, 4, 5))
        first, second = self.facts[combination]
        patterns = TYPES[combination.type].sentences
        chosen = sorted(rng.sample(range(len(patterns)), number))
        return [patterns[index].format(t=combination.topic, f=first, g=second) for index in chosen]

    def clean_text(self, rng: random.Random, combination: Combination) -> str:
        """A text of this combination with nothing wrong in it."""
        return join_sentences(self.sentences(rng, combination))

    def seed_pairs(self) -> list[tuple[str, str]]:
        """The (instruction, output) pairs of the seed, known combinations only; 160 of them."""
        rng = self.stream("seed pairs")
        chosen = [self.known[number % len(self.known)] for number in range(SEED_PAIRS)]
        return [(instruction(combination), self.clean_text(rng, combination)) for combination in chosen]

    def questions(self) -> list[tuple[Combination, str]]:
        """The crawl's combinations with their instructions: what a trained model is asked."""
        return [(combination, instruction(combination)) for combination in self.crawl]


def word_5grams(text: str) -> set[tuple[str, ...]]:
    """The set of five neighbouring words, letter case and punctuation aside."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def overlap(left: str, right: str) -> float:
    """Jaccard similarity of the word 5-grams of two texts, from 0 to 1."""
    one, other = word_5grams(left), word_5grams(right)
    return len(one & other) / max(1, len(one | other))


def _pattern(combination: Combination, sentence: str) -> re.Pattern[str]:
    question = TYPES[combination.type]
    marked = sentence.format(t=combination.topic, f="\0", g="\1")
    escaped = re.escape(marked[:1].upper() + marked[1:])
    for mark, values in (("\0", question.first), ("\1", question.second)):
        escaped = escaped.replace(re.escape(mark), f"(?:{'|'.join(map(re.escape, values))})")
    return re.compile(escaped)


def well_formed(combination: Combination, text: str) -> str:
    """Say what is wrong with a text that should be about `combination`; "" if nothing.

    Facts are not checked: any value of the right kind will do.

    Returns:
        "cut" if it does not end with a full stop, "promotion" or "foreign" if a sentence is not one of the
        combination's, "order" if the sentences are not in their usual order or repeat, "short" if it has only one.
    """
    if not text.endswith("."):
        return "cut"
    patterns = [_pattern(combination, sentence) for sentence in TYPES[combination.type].sentences]
    order: list[int] = []
    for sentence in text[:-1].split(". "):
        matches = [index for index, pattern in enumerate(patterns) if pattern.fullmatch(sentence)]
        if not matches:
            return "promotion" if sentence in PROMOTION else "foreign"
        order.append(matches[0])
    if order != sorted(set(order)):
        return "order"
    return "" if len(order) > 1 else "short"
