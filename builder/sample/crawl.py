"""The crawl: planted sections arranged into pages, with copies and with pages nobody wants in between."""

import random
from dataclasses import asdict, dataclass

from builder.sample.archive import page_id
from builder.sample.extras import broken_pages, foreign_page, side_block, unprosaic_block
from builder.sample.pages import Block, Page, page, paragraph
from builder.sample.sections import planted_sections
from builder.sample.web import Section, World, heading, instruction

EXACT_COPIES = 18
NEAR_COPIES = 6
FOREIGN_PAGE_COUNT = 24
MISLABELLED_PAGES = 3
TITLES = ("All about {}", "A short guide to {}", "What our readers ask about {}", "Notes on {}")
MIXED_TITLES = ("Answers from the mailbox", "Questions of the week", "Odds and ends", "From the notebook")
NEAR_COPY_ENDING = " Enjoy."


@dataclass(frozen=True)
class Truth:
    """One planted section: where it is, what it should be about and what is wrong with it.

    Attributes:
        page_id: The ClueWeb22-ID of its page.
        header: The header it stands under.
        kind: `clean` or one of `web.DEFECTS`.
        topic: What the header is about.
        type: The key of the question type.
        instruction: The instruction that belongs to the header.
        text: The text below the header.
        copy: "" for an original, `exact` or `near` on a page that repeats an earlier one.
    """

    page_id: str
    header: str
    kind: str
    topic: str
    type: str
    instruction: str
    text: str
    copy: str = ""


def crawl(world: World) -> tuple[list[Page], list[Truth]]:
    """Build the pages of the crawl, in the archive's order, and the truth about the sections planted in them.

    Copies come after all originals, so that a deduplication that keeps the first of its kind keeps originals.
    """
    rng = world.stream("crawl")
    groups = arrange(rng, planted_sections(world))
    originals: list[tuple[Page, list[Section], str]] = [(_planted_page(rng, group), group, "") for group in groups]
    others = [foreign_page(rng, language, language) for language in ("de", "fr", "es") * (FOREIGN_PAGE_COUNT // 3)]
    others += [foreign_page(rng, language, "en") for language in ("de", "fr", "es")[:MISLABELLED_PAGES]]
    others += broken_pages(rng)
    first = originals + [(other, [], "") for other in others]
    rng.shuffle(first)
    copied = rng.sample(groups, EXACT_COPIES + NEAR_COPIES)
    copies = [(_planted_page(rng, group), group, "exact") for group in copied[:EXACT_COPIES]]
    copies += [(_planted_page(rng, group, NEAR_COPY_ENDING), group, "near") for group in copied[EXACT_COPIES:]]
    pages: list[Page] = []
    truths: list[Truth] = []
    for made, group, copy in first + copies:
        ending = NEAR_COPY_ENDING if copy == "near" else ""
        truths += [_truth(page_id(len(pages)), section, ending, copy) for section in group]
        pages.append(made)
    return pages, truths


def arrange(rng: random.Random, sections: list[Section]) -> list[list[Section]]:
    """Group the sections into pages of 2 to 4, about one topic where possible, no header twice on a page."""
    waiting: dict[str, dict[str, list[Section]]] = {}
    for section in rng.sample(sections, len(sections)):
        waiting.setdefault(section.combination.topic, {}).setdefault(section.combination.type, []).append(section)
    groups: list[list[Section]] = []
    leftover: list[Section] = []
    for by_type in waiting.values():
        for round_of_types in zip(*by_type.values(), strict=True):
            row = rng.sample(round_of_types, len(round_of_types))
            while len(row) > 4:
                size = rng.choice((2, 3)) if len(row) > 5 else 3
                groups.append([row.pop() for _ in range(size)])
            (groups.append if len(row) > 1 else leftover.extend)(row)
    for section in leftover:
        hosts = [group for group in groups if len(group) < 4 and not _has_header(group, section)]
        rng.choice(hosts).append(section)
    return groups


def _has_header(group: list[Section], section: Section) -> bool:
    return any(other.combination == section.combination for other in group)


def _planted_page(rng: random.Random, group: list[Section], ending: str = "") -> Page:
    topics = {section.combination.topic for section in group}
    title = rng.choice(TITLES).format(*topics) if len(topics) == 1 else rng.choice(MIXED_TITLES)
    blocks = [Block(heading(section.combination), paragraph(rng, section.text + ending)) for section in group]
    if rng.random() < 0.12:
        blocks.insert(rng.randint(0, len(blocks)), side_block(rng))
    if rng.random() < 0.12:
        blocks.insert(rng.randint(0, len(blocks)), unprosaic_block(rng))
    return page(rng, title, blocks)


def _truth(page_name: str, section: Section, ending: str, copy: str) -> Truth:
    return Truth(
        page_id=page_name,
        header=heading(section.combination),
        kind=section.kind,
        topic=section.combination.topic,
        type=section.combination.type,
        instruction=instruction(section.combination),
        text=section.text + ending,
        copy=copy,
    )


def truth_row(truth: Truth) -> dict[str, str]:
    """A truth as the JSON object that goes into truth.jsonl."""
    return asdict(truth)
