"""The mini-web's language: what is true in a world, which texts are well formed, what a planted defect is."""

import random
import re
from collections import Counter

import pytest

from builder.sample.defects import planted_text
from builder.sample.english import join_sentences
from builder.sample.phrases import PROMOTION, TOPICS, TYPES
from builder.sample.sections import planted_sections, pretraining_page
from builder.sample.web import DEFECTS, KINDS, Combination, World, heading, instruction, overlap, well_formed

KITES = Combination("kites", "store")


@pytest.fixture(scope="module")
def world() -> World:
    return World(5)


def test_known_and_crawl_combinations_share_nothing_and_cover_everything(world: World) -> None:
    assert len(world.crawl) == 80
    assert not set(world.crawl) & set(world.known)
    assert set(world.crawl) | set(world.known) == {Combination(topic, key) for topic in TOPICS for key in TYPES}


def test_every_seed_has_a_world_of_its_own() -> None:
    one, same, other = World(1), World(1), World(2)
    assert (one.crawl, one.facts, planted_sections(one)) == (same.crawl, same.facts, planted_sections(same))
    assert one.crawl != other.crawl
    assert one.facts != other.facts


def test_headings_and_instructions_are_unambiguous(world: World) -> None:
    everything = world.crawl + world.known
    assert len({heading(one) for one in everything}) == len(everything)
    assert len({instruction(one) for one in everything}) == len(everything)
    assert world.questions()[3] == (world.crawl[3], instruction(world.crawl[3]))


def test_every_sentence_belongs_to_one_type_and_every_type_has_two_facts() -> None:
    sentences = [sentence for question in TYPES.values() for sentence in question.sentences]
    assert len(set(sentences)) == len(sentences) == 6 * len(TYPES)
    for question in TYPES.values():
        text = " ".join(question.sentences)
        assert text.count("{f}") == text.count("{g}") == 1
        assert len(set(question.first)) == len(set(question.second)) == 8
        assert text.count("{t}") >= 5


def test_seed_pairs_come_from_known_combinations_and_are_well_formed(world: World) -> None:
    by_instruction = {instruction(one): one for one in world.known}
    pairs = world.seed_pairs()
    assert 150 <= len(pairs) <= 250
    for question, answer in pairs:
        assert well_formed(by_instruction[question], answer) == ""
    assert len({question for question, _ in pairs}) == len(world.known)


def test_pretraining_pages_never_show_a_crawl_combination(world: World) -> None:
    rng = random.Random(0)
    seen = Counter(
        header for _ in range(3_000) for header in re.findall(r"^# (.*)$", pretraining_page(world, rng), re.MULTILINE)
    )
    assert set(seen) == {heading(one) for one in world.known}


def test_half_of_the_sections_are_clean_and_every_combination_has_every_kind(world: World) -> None:
    sections = planted_sections(world)
    assert Counter(section.kind for section in sections) == {"clean": 400, **dict.fromkeys(DEFECTS, 80)}
    for combination in world.crawl:
        assert sorted(one.kind for one in sections if one.combination == combination) == sorted(KINDS)


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("clean", {""}),
        ("splice", {"foreign"}),
        ("promo", {"promotion"}),
        ("truncated", {"cut"}),
        ("shuffled", {"order"}),
        ("noise", {"foreign"}),
    ],
)
def test_the_rules_find_exactly_the_planted_defects(kind: str, reasons: set[str]) -> None:
    found = [section for seed in range(3) for section in planted_sections(World(seed)) if section.kind == kind]
    assert found
    assert {well_formed(section.combination, section.text) for section in found} == reasons


def test_most_promotion_and_half_of_the_noise_is_attached_to_real_sentences(world: World) -> None:
    def real_start(combination: Combination, text: str) -> bool:
        return well_formed(combination, text.split(". ")[0] + ".") == "short"

    rng = random.Random(0)
    for kind, low, high in (("promo", 0.7, 0.9), ("noise", 0.4, 0.6)):
        texts = [planted_text(world, rng, KITES, kind) for _ in range(400)]
        assert low < sum(real_start(KITES, text) for text in texts) / len(texts) < high


def test_sections_of_a_combination_are_no_near_duplicates_of_each_other(world: World) -> None:
    sections = planted_sections(world)
    for combination in world.crawl:
        texts = [section.text for section in sections if section.combination == combination]
        assert max(overlap(a, b) for i, a in enumerate(texts) for b in texts[:i]) < 0.5
    assert min(len(section.text) for section in sections) >= 60


def test_well_formed_names_each_fault() -> None:
    def text(*numbers: int, topic: str = "kites") -> str:
        patterns = TYPES["store"].sentences
        return join_sentences([patterns[number].format(t=topic, f="barn", g="a month") for number in numbers])

    assert well_formed(KITES, text(0, 2, 3)) == ""
    assert well_formed(KITES, text(0, 2).replace("barn", "cellar")) == ""
    assert well_formed(KITES, text(0, 2).replace("barn", "violin")) == "foreign"
    assert well_formed(KITES, text(0, 2, topic="bells")) == "foreign"
    assert well_formed(Combination("kites", "clean"), text(0, 2)) == "foreign"
    assert well_formed(KITES, text(2, 0)) == "order"
    assert well_formed(KITES, text(2, 2)) == "order"
    assert well_formed(KITES, text(0, 2)[:-1]) == "cut"
    assert well_formed(KITES, text(2)) == "short"
    assert well_formed(KITES, f"{text(0, 2)} {PROMOTION[0]}.") == "promotion"
    assert well_formed(KITES, "") == "cut"
