"""What is planted with the combinations of a world: the sections of its crawl, and the pages of its pretraining."""

import random

from builder.sample.defects import junk, planted_text
from builder.sample.phrases import TOPICS
from builder.sample.web import KINDS, MAX_OVERLAP, MIN_CHARS, Section, World, heading, overlap


def planted_sections(world: World) -> list[Section]:
    """The sections of the crawl: ten of every crawl combination, five clean and one of each defect.

    No two sections of a combination share half of their word 5-grams, so that near-deduplication leaves
    all of them; copies are planted by whole pages.
    """
    rng = world.stream("sections")
    made: list[Section] = []
    for combination in world.crawl:
        texts: list[str] = []
        for kind in KINDS:
            candidates = (planted_text(world, rng, combination, kind) for _ in range(400))
            text = next(filter(lambda text: _is_apart(text, texts), candidates))
            texts.append(text)
            made.append(Section(combination, kind, text))
    return made


def pretraining_page(world: World, rng: random.Random) -> str:
    """A page of known combinations, up to three sections about one topic; one in twelve is no prose at all."""
    if rng.random() < 1 / 12:
        return junk(rng, rng.choice(("promotion", "foreign", "random")))
    topic = rng.choice(TOPICS)
    about = [combination for combination in world.known if combination.topic == topic]
    chosen = rng.sample(about, min(3, len(about)))
    return "\n\n".join(f"# {heading(one)}\n{world.clean_text(rng, one)}" for one in chosen)


def _is_apart(text: str, others: list[str]) -> bool:
    return len(text) >= MIN_CHARS and all(overlap(text, other) < MAX_OVERLAP for other in others)
