"""What can be wrong with a section of the crawl; mostly bad text attached to sentences that belong there."""

import random
import string
from typing import TYPE_CHECKING

from builder.sample.english import join_sentences
from builder.sample.phrases import FOREIGN_OBJECTS, FOREIGN_SUBJECTS, FOREIGN_VERBS, PROMOTION

if TYPE_CHECKING:
    from builder.sample.web import Combination, World


def junk_sentences(rng: random.Random, flavour: str, count: int) -> list[str]:
    """Sentences that say nothing, without full stops.

    Args:
        rng: Where the choices come from.
        flavour: `promotion`, `foreign` or `random`.
        count: How many; at most 12 for promotion, whose sentences do not repeat.
    """
    if flavour == "promotion":
        return rng.sample(PROMOTION, count)
    if flavour == "foreign":
        parts = (FOREIGN_SUBJECTS, FOREIGN_VERBS, FOREIGN_OBJECTS)
        return [" ".join(rng.choice(part) for part in parts) for _ in range(count)]
    letters = string.ascii_lowercase + string.digits
    lengths = [[rng.randint(2, 6) for _ in range(rng.randint(3, 6))] for _ in range(count)]
    return [" ".join("".join(rng.choices(letters, k=length)) for length in words) for words in lengths]


def junk(rng: random.Random, flavour: str) -> str:
    """A whole text of 3 to 5 sentences that say nothing; see `junk_sentences`."""
    return join_sentences(junk_sentences(rng, flavour, rng.choice((3, 4, 5))))


def planted_text(world: "World", rng: random.Random, combination: "Combination", kind: str) -> str:
    """A text for a section of the crawl.

    Args:
        world: Supplies sentences and facts.
        rng: Where the choices come from.
        combination: What the section's header promises.
        kind: `clean` or one of `web.DEFECTS`.
    """
    makers = {
        "clean": lambda: world.clean_text(rng, combination),
        "splice": lambda: _splice(world, rng, combination),
        "promo": lambda: _promotion(world, rng, combination),
        "truncated": lambda: _truncated(world, rng, combination),
        "shuffled": lambda: _shuffled(world, rng, combination),
        "noise": lambda: _noise(world, rng, combination),
    }
    return makers[kind]()


def _splice(world: "World", rng: random.Random, combination: "Combination") -> str:
    others = [other for other in world.crawl if other.topic != combination.topic]
    sentences = world.sentences(rng, combination, 2) + world.sentences(rng, rng.choice(others), 2)
    return join_sentences(sentences)


def _promotion(world: "World", rng: random.Random, combination: "Combination") -> str:
    if rng.random() < 0.2:
        return junk(rng, "promotion")
    sentences = world.sentences(rng, combination, rng.choice((2, 3)))
    return join_sentences(sentences + junk_sentences(rng, "promotion", rng.choice((1, 2))))


def _truncated(world: "World", rng: random.Random, combination: "Combination") -> str:
    words = world.clean_text(rng, combination).split()
    end = rng.randint(max(10, len(words) // 3), len(words) - 3)
    while words[end - 1].endswith("."):
        end -= 1
    return " ".join(words[:end])


def _shuffled(world: "World", rng: random.Random, combination: "Combination") -> str:
    usual = world.sentences(rng, combination, rng.choice((4, 5)))
    order = list(range(len(usual)))
    # One pair out of place is hard to tell from prose; two or more of the neighbours must have changed sides.
    while sum(order.index(place) > order.index(place + 1) for place in range(len(order) - 1)) < 2:
        rng.shuffle(order)
    return join_sentences([usual[place] for place in order])


def _noise(world: "World", rng: random.Random, combination: "Combination") -> str:
    flavour = rng.choice(("foreign", "random"))
    if rng.random() < 0.5:
        return join_sentences(world.sentences(rng, combination, 2) + junk_sentences(rng, flavour, 2))
    return junk(rng, flavour)
