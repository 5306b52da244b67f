from dataclasses import replace
from pathlib import Path

import pytest
from support.corpus_pages import settings

from builder.method.corpus.cutting.composition import Composition
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.rules.heuristics import why_reject_segment
from builder.recipe.sections.corpus import Segments

DOUGH = "Dough needs time, since yeast makes gas slowly and gluten has to stretch without tearing."


@pytest.fixture
def config(tmp_path: Path) -> Segments:
    return settings(tmp_path, min_chars=50, max_chars=3_000)


def segment(header: str, text: str, site: str = "", *, sells: bool = False) -> Segment:
    return Segment(header, 2, (), 0, text, (0,), site=site, sells=sells)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("The Old Mill kitchen", f"Welcome to our state-of-the-art kitchen, with seamless ovens. {DOUGH}"),
        ("Why buy flour with Old Mill?", f"Our premium flour is tailored to you, and we grind it daily. {DOUGH}"),
        ("Old Mill oven repair", f"We come to you for repairs. Our services extend to bakeries and inns. {DOUGH}"),
        ("How Old Mill can help", f"With an exceptional range of affordable tins, it saves you hours. {DOUGH}"),
        ("Casual loaves", f"At Old Mill, we bake premium, timeless loaves. Inns want our curated rye. {DOUGH}"),
        ("Which loaf is yours?", f"Old Mill is the place to start! Our bakers help you to your dream. {DOUGH}"),
        ("Bake with Mills", f"Mills bakes premium loaves, and its full-service ovens are seamless. {DOUGH}"),
        ("Rye & Sons can help", f"We are committed to rye. Our team of experienced bakers knows what we need. {DOUGH}"),
        (
            "1. Rye & Sons",
            "Rye & Sons is an award-winning, innovative bakery that specializes in tailored loaves, renowned for its "
            "seamless, premium solutions and a proven reputation for exceptional crusts.",
        ),
    ],
)  # fmt: skip
def test_a_site_that_praises_itself_by_its_name_advertises(header: str, text: str, tmp_path: Path) -> None:
    advert = segment(header, text, "millsandovens" if "Mills" in text else "oldmill")
    assert why_reject_segment(advert, settings(tmp_path, min_chars=50)) == "marketing"
    assert why_reject_segment(advert, settings(tmp_path, min_chars=50, max_marketing=99)) is None


@pytest.mark.parametrize(
    ("header", "text", "site"),
    [
        ("How PostMill grinds", f"PostMill reads the grain and grinds it in two runs. {DOUGH}", "postmill"),
        ("What is gluten?", f"At Old Mill, we keep rye for a year. {DOUGH}", "oldmill"),
        ("The Old Mill kitchen", f"Our premium oven stood in it, and we burnt it. {DOUGH}", "newmill"),
        ("Choosing flour", f"A comprehensive test takes a leading laboratory and some expertise. {DOUGH}", "oldmill"),
        ("How we bake", f"We feed our starter twice a day, and we let our dough rest. {DOUGH}", "oldmill"),
    ],
)
def test_texts_that_only_name_a_site_or_only_say_we_do_not(header: str, text: str, site: str, config: Segments) -> None:
    assert why_reject_segment(segment(header, text, site), config) is None


def test_what_a_shop_says_of_itself_goes_and_its_advice_stays(config: Segments) -> None:
    said = f"We repair ovens of any make, and our van comes to your bakery within a day. {DOUGH}"
    assert why_reject_segment(segment("Oven repair", said, sells=True), config) == "marketing"
    assert why_reject_segment(segment("Oven repair", said), config) is None
    assert why_reject_segment(segment("What kind of oven do you need?", DOUGH, sells=True), config) is None


def test_a_shop_that_names_itself_again_and_again_advertises(config: Segments) -> None:
    named = segment("Tins", f"Old Mill tins. Old Mill trays. Old Mill racks. {DOUGH}", "oldmill")
    assert why_reject_segment(replace(named, sells=True), config) == "marketing"
    assert why_reject_segment(named, config) is None


def test_code_about_the_own_tool_is_no_advert(config: Segments) -> None:
    told = segment("Trusted hosts in PostMill", f"We call a host trusted when our key opens it. {DOUGH}", "postmill")
    assert why_reject_segment(told, config) == "marketing"
    assert why_reject_segment(replace(told, made_of=Composition(chars=300, code=60, lines=3)), config) is None
