from dataclasses import replace
from pathlib import Path

import pytest
from support.corpus_pages import settings
from support.hang_guard import must_end

from builder.errors import RecipeError
from builder.method.corpus.cutting.composition import Composition
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.rules import phrases
from builder.method.corpus.rules.heuristics import why_reject_segment
from builder.method.corpus.rules.phrases import SECTIONS, Lines, load_phrases, words_of
from builder.recipe.sections.corpus import Segments

PROSE = "Dough needs time, since yeast makes gas slowly and gluten has to stretch without tearing."

OTHER = "Salt slows the yeast down, which is why bakers add it late."


@pytest.fixture
def config(tmp_path: Path) -> Segments:
    return settings(tmp_path, min_chars=50, max_chars=3_000)


def segment(header: str = "How bread rises", *lines: str) -> Segment:
    return Segment(header, 2, (), 0, "\n\n".join(lines or (PROSE,)), (0,))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Add to cart", "header_prompt"),
        ("Sign up today", "header_prompt"),
        ("Sign Up For Our Newsletter!", "header_prompt"),
        ("Need help?", "header_prompt"),
        ("Ready to bake with us?", "header_prompt"),
        ("Why choose Miller's Mill?", "header_prompt"),
        ("Warning", "header_label"),
        ("Final Thoughts", "header_label"),
        ("Terms of Use", "legal_notice"),
        ("Our Privacy Policy", "legal_notice"),
        ("Limitation of liability", "legal_notice"),
        ("Release notes", "changelog"),
        ("What's new in 4.2", "changelog"),
        ("Version 2.10.3", "changelog"),
        ("v1.4.0 (2024-03-05)", "changelog"),
        ("[1.2.3] - 2024-01-05", "changelog"),
        ("What our customers say", "praise"),
        ("1,204 Reviews", "praise"),
        ("Meet our team", "team"),
        ("About the author", "team"),
        ("Upcoming events", "events"),
        ("Key takeaways", "header_label"),
        ("How we tested ovens", "header_label"),
        ("Related baking articles", "header_prompt"),
        ("What's next?", "header_label"),
        ("Conclusion: bread is time", "header_label"),
        ("Free loaf checker", "header_prompt"),
        ("Miller named a Leader in flour", "praise"),
        ("See what bakers are saying", "praise"),
    ],
)
def test_headers_of_each_kind_have_their_reason(header: str, reason: str, config: Segments) -> None:
    assert why_reject_segment(segment(header), config) in (reason, "header_navigation")


@pytest.mark.parametrize(
    "header",
    [
        "Add salt to the dough", "How to sign up for a food licence", "Select list", "Order by clause", "Try statement",
        "Related work", "Legal requirements", "Comments in code", "Cookies and how they work", "Joining tables",
        "New Features Related to Type Hints", "Reviewing a patch", "Privacy considerations", "3.1 Branches",
        "9.7.3.7. Basic Expressions", "Versioning a package", "How to choose a mill", "Description", "Options",
        "Events in JavaScript", "Leadership in small teams", "Copyright law for bakers", "Shopping for flour",
        "Download and unpack the archive", "Upgrade from version 3", "Watch a folder for changes", "Tips for rye",
        "Free software", "Introduction to rye", "Questions of taste", "Deal with a wet dough",
    ],
)  # fmt: skip
def test_headers_that_only_begin_like_them_pass(header: str, config: Segments) -> None:
    assert why_reject_segment(segment(header), config) is None


TEXTS = {
    "marketing": (
        "Our expert team offers tailored solutions, and our clients trust us. We provide our customers a free trial.",
        "Book a demo with our specialists today. We offer world class service with no hidden fees in our shops.",
    ),
    "shop": (f"{PROSE} Add to cart. Free shipping on all loaves.", "Only three left in stock, so order now."),
    "course": (f"Course overview. {PROSE} This course covers rye.", "Learn at home, self-paced. Tuition: $90."),
    "interface": (PROSE, "Your email address will not be published. Required fields are marked *"),
    "praise": ("Great service, I highly recommend them!", "Excellent job. She was great to work with, five stars."),
    "legal_notice": (
        "By using this site you agree to these terms, which are governed by the laws of Utopia.",
        "We shall not be liable, without limitation, and reserve the right to change them without notice.",
    ),
    "podcast": (f"Ada Miller joins me to talk of rye. {PROSE}", "Spread the word and leave a review, please."),
    "questions": (
        "How well do you know your flour?", "What is the protein content of rye?", "Who milled the first grain?",
        "Which loaf rises highest?", "Where is wheat grown?",
    ),
    "prices": (PROSE, "Rye $4.00", "Wheat $3.50", "Spelt loaf $6.10", "Baguette $2.20"),
    "events": (PROSE, "Mar 3, Rye evening", "Apr 12, Open oven", "May 5, Mill tour", "Jun 9, Summer bake"),
    "changelog": (
        "- Fixed a crash at 230 degrees", "- Added a timer", "- Removed the old door", "- Improved the fan",
        "- Updated the manual",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", TEXTS)
def test_texts_of_each_kind_have_their_reason(reason: str, config: Segments) -> None:
    assert why_reject_segment(segment("Bread", *TEXTS[reason]), config) == reason


KEYS = {
    "marketing": {"max_marketing": 99.0},
    "shop": {"drop_prices": False},
    "course": {"drop_prices": False},
    "interface": {"drop_prompts": False},
    "praise": {"drop_praise": False},
    "legal_notice": {"drop_legal": False},
    "podcast": {"drop_prompts": False},
    "questions": {"drop_prompts": False},
    "prices": {"drop_prices": False},
    "events": {"drop_events": False},
    "changelog": {"drop_changelogs": False},
}


@pytest.mark.parametrize("reason", KEYS)
def test_each_kind_has_a_key_that_turns_its_rule_off(reason: str, tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=50, **KEYS[reason])
    assert why_reject_segment(segment("Bread", *TEXTS[reason]), config) is None


@pytest.mark.parametrize(
    "text",
    [
        "Repairs cost between $100 and $300 for a small oven, and up to $1,500 where the stones have to be laid anew.",
        "We use our own starter, which we feed twice a day. It takes us a week to bring it back from the fridge.",
        "In March 3 of the year 1820 the first mill burnt down; it was built again by May 5, and on June 9 it ground.",
        "Would you rather have rye? Then soak it for a day. Rye holds more water than wheat does, and keeps longer.",
    ],
)
def test_prose_with_prices_dates_questions_and_we_passes(text: str, config: Segments) -> None:
    assert why_reject_segment(segment("Bread", text), config) is None


def test_steps_with_numbers_are_no_dates(config: Segments) -> None:
    steps = ("Marinate 20 minutes in oil", "Separate 2 eggs and beat them", "Marble 3 slabs of dough", "Wait 5 decades")
    assert why_reject_segment(segment("Bread", *steps), config) is None
    days = ("Bakers meet May 3", "Rye day 4th March", "Oven walk Sept. 12", "Flour fair 3 Oct")
    assert why_reject_segment(segment("Bread", *days), config) == "events"


def test_lists_of_links_and_loose_lines_are_no_prose(config: Segments) -> None:
    made_of = Composition(chars=600, lines=20, loose=600, prose=100)
    assert why_reject_segment(replace(segment(), made_of=made_of), config) == "no_prose"
    made_of = Composition(chars=600, lines=20, fragments=11, loose=600, prose=400)
    assert why_reject_segment(replace(segment(), made_of=made_of), config) == "fragments"
    made_of = Composition(chars=600, code=500, lines=4, fragments=4, loose=100)
    assert why_reject_segment(replace(segment(), made_of=made_of), config) is None


def test_leads_without_their_sections_are_dropped_as_the_recipe_says(tmp_path: Path) -> None:
    announcing = replace(
        segment("Ten loaves", f"{PROSE} But first, let's look at ovens. Here are my top ten."), lead=True
    )
    first = replace(segment("Sourdough in winter", PROSE), lead=True, level=1)
    defining = replace(
        segment("Sourdough", f"Sourdough is bread that wild yeast has raised. {PROSE}"), lead=True, level=1
    )
    expected = {"drop": ["lead", "lead", None], "announcing": ["lead", None, None], "keep": [None, None, None]}
    for leads, reasons in expected.items():
        config = settings(tmp_path, min_chars=50, leads=leads)
        assert [why_reject_segment(item, config) for item in (announcing, first, defining)] == reasons
    whole = replace(announcing, lead=False)
    assert why_reject_segment(whole, settings(tmp_path, min_chars=50)) is None


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("酵母", "酵母是一种单细胞真菌，能够让面团发酵。"),
        ("量子力学", "物理学において量子力学とは、微小な粒子のふるまいを述べる理論である。"),
        ("ขนมปัง", "ขนมปังเป็นอาหารที่ทำจากแป้งและน้ำ"),
        ("हिन्दी साहित्य का इतिहास", "हिन्दी साहित्य का इतिहास एक हज़ार वर्ष पुराना है।"),
        ("ပေါင်မုန့်", "ပေါင်မုန့်သည် ဂျုံမှုန့်ဖြင့် ပြုလုပ်သော အစားအစာဖြစ်သည်။"),
        ("İstanbul", "istanbul, Türkiye’nin en kalabalık şehridir."),
        ("Straße", "Eine STRASSE ist ein Verkehrsweg."),
        ("Café", "Un cafe\u0301 est une boisson."),
        ("לֶחֶם", "לֶחֶם הוּא מַאֲכָל הֶעָשׂוּי מִקֶּמַח."),
    ],
)
def test_a_definition_is_no_lead_in_any_script(header: str, text: str, tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=1)
    lead = replace(segment(header, text), lead=True, level=1)
    assert why_reject_segment(lead, config) is None
    assert why_reject_segment(replace(lead, header=f"{header[::-1]} 9"), config) == "lead"


def test_prose_of_dense_scripts_with_dates_is_no_listing(tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=50, max_repeated_share=1)
    line = "管理员把每条船的名字写进一本厚厚的册子里，到了春天他就站在码头上大声念给村里的大人和孩子们听。"
    dated = [f"{year}年10月1日，{line}" for year in range(1949, 1955)]
    assert why_reject_segment(segment("港口的历史", *dated), config) is None
    assert (
        why_reject_segment(segment("演出", *[f"{month}月5日 上海 {line[:9]}" for month in range(1, 7)]), config)
        == "events"
    )


def test_texts_of_a_page_of_goods_go_and_sites_may_praise_themselves_less(tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=50)
    assert why_reject_segment(replace(segment(), declared="goods"), config) == "shop_page"
    off = settings(tmp_path, min_chars=50, drop_prices=False)
    assert why_reject_segment(replace(segment(), declared="goods"), off) is None
    boast = segment("Bread", f"Our loaves are tailored to your guests. {PROSE} {OTHER}")
    for declared, reason in {"": None, "article": None, "site": "marketing"}.items():
        assert why_reject_segment(replace(boast, declared=declared), config) == reason
    assert why_reject_segment(replace(segment(), declared="site"), config) is None


def test_texts_with_a_hole_go_as_the_recipe_says(tmp_path: Path) -> None:
    holed = replace(segment(), made_of=Composition(chars=600, lines=6, loose=600, prose=600, holes=1))
    assert why_reject_segment(holed, settings(tmp_path, min_chars=50)) == "hole"
    assert why_reject_segment(holed, settings(tmp_path, min_chars=50, drop_holes=False)) is None


def test_lists_whose_lines_are_links_for_a_good_part_go(config: Segments) -> None:
    listed = Composition(chars=600, linked=250, lines=6, loose=600, prose=600, links=4)
    assert why_reject_segment(replace(segment(), made_of=listed), config) == "links"
    assert why_reject_segment(replace(segment(), made_of=replace(listed, links=3)), config) is None
    assert why_reject_segment(replace(segment(), made_of=replace(listed, lines=3, links=3)), config) is None


def test_answers_without_their_questions_go(config: Segments) -> None:
    for header in ("FAQ", "Frequently Asked Questions", "FAQs about bread", "Häufige Fragen"):
        assert why_reject_segment(segment(header, PROSE, OTHER), config) == "questions_lost"
        assert why_reject_segment(segment(header, "Why does dough rest?", PROSE, OTHER), config) is None
        assert why_reject_segment(segment(header, "面团为什么要休息？", PROSE, OTHER), config) is None


def test_texts_of_quotations_alone_are_praise(config: Segments) -> None:
    quoted = ("“The loaf was gone in a day, and we came back for two of them.”", "“My crust sings now.” Ada")
    assert why_reject_segment(segment("Bread", *quoted), config) == "praise"
    assert why_reject_segment(segment("Bread", *quoted, PROSE, OTHER), config) is None
    assert why_reject_segment(segment("Bread", f'"Time," says Ada. {PROSE}', OTHER), config) is None


def test_openings_that_announce_go_and_others_stay(config: Segments) -> None:
    for header in ("Introduction", "Overview", "Summary"):
        assert why_reject_segment(segment(header, f"This article explains how bread rises. {PROSE}"), config) == "lead"
        assert why_reject_segment(segment(header, PROSE, OTHER), config) is None
    assert why_reject_segment(segment("How it rises", f"In this guide we rest it. {PROSE}"), config) is None


def test_posts_go_and_front_pages_may_praise_themselves_less(tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=50)
    assert why_reject_segment(replace(segment(), post=True), config) == "forum_post"
    assert why_reject_segment(replace(segment(), post=True), settings(tmp_path, min_chars=50, drop_posts=False)) is None
    boast = segment("Bread", f"Our loaves are tailored to your guests. {PROSE} {OTHER}")
    assert why_reject_segment(boast, config) is None
    assert why_reject_segment(replace(boast, front=True), config) == "marketing"


def test_phrases_are_whole_lines_with_any_words_for_a_star_and_a_number_for_n() -> None:
    lines = Lines(["read * more", "<n> comments", "tags *"])
    matching = ["Read more", "READ ten times more!", "12 comments", "Tags:", "Tags: a, b"]
    assert all(lines.match(words_of(line)) for line in matching)
    assert not any(
        lines.match(words_of(line)) for line in ["Do read more", "comments", "twelve comments", "", "vintage tags"]
    )
    assert words_of("L’été, it's ©") == ["lete", "its", "copyright"]


def test_the_packaged_phrases_are_written_as_they_are_compared() -> None:
    path = Path(phrases.__file__).with_name("phrases.txt")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    listed = [line for line in lines if not line.startswith("[")]
    plain = [" ".join(part for part in line.split() if part not in ("*", "<n>")) for line in listed if line.isascii()]
    assert [phrase for phrase in plain if " ".join(words_of(phrase)) != phrase] == []
    assert {line[1:-1] for line in lines if line.startswith("[")} == SECTIONS


def test_the_phrases_can_be_replaced_and_mistakes_are_said(tmp_path: Path) -> None:
    path = tmp_path / "phrases.txt"
    path.write_text("# ours\n[header prompt]\nmy own *\n")
    config = settings(tmp_path, min_chars=50, phrases=path)
    assert why_reject_segment(segment("My own header"), config) == "header_prompt"
    assert why_reject_segment(segment("Need help?"), config) is None
    load_phrases.cache_clear()
    path.write_text("[header promt]\nmy own *\n")
    with pytest.raises(RecipeError, match=r"line 1 .*header promt.*segments\.phrases"):
        load_phrases(path)
    with pytest.raises(RecipeError, match=r"nowhere.txt.*segments\.phrases"):
        load_phrases(tmp_path / "nowhere.txt")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a " * 60_000, None),
        ("read " * 30_000, None),
        ("(" * 120_000, "few_letters"),
        ("Ada, " * 30_000, None),
        ("1.1." * 30_000, "few_letters"),
    ],
)
def test_long_texts_of_one_pattern_are_judged_in_linear_time(text: str, reason: str | None, tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=1, max_chars=10**9, min_letter_share=0.001, max_repeated_share=1)
    kept = segment("How bread rises", text, PROSE)
    with must_end():
        why_reject_segment(segment(text[:150], text), config)
        why_reject_segment(segment("Bread", *[text[:100]] * 1_000), config)
        assert why_reject_segment(kept, config) == reason


def test_one_word_of_advertising_makes_no_advert_however_often_it_comes(config: Segments) -> None:
    told = replace(
        segment("Bread", f"Our oven broke. Our neighbour lent us hers, and our bread rose. {PROSE}"), front=True
    )
    assert why_reject_segment(told, config) is None
    assert why_reject_segment(replace(told, front=False), config) is None
    sold = replace(segment("Bread", f"Our oven is for your business. We offer a free trial. {PROSE}"), front=True)
    assert why_reject_segment(sold, config) == "marketing"


@pytest.mark.parametrize(
    "text",
    [
        "My loaf is flat. Any advice you could share would be appreciated. What flour do you use?",
        "I bought an old mill and its stones slip. Thanks in advance!",
        "Does anyone know how long rye keeps in a cellar? I found none of it in the books that I have.",
        "I bake at 230 degrees and the crust burns. Any help would be great, since guests come tomorrow.",
        "The starter smells of glue. Can someone tell me if it has died, or whether to feed it once more?",
    ],
)
def test_posts_that_ask_go_whatever_their_address(text: str, tmp_path: Path) -> None:
    assert why_reject_segment(segment("Bread", text), settings(tmp_path, min_chars=50)) == "forum_post"
    assert why_reject_segment(segment("Bread", text), settings(tmp_path, min_chars=50, drop_posts=False)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Advice on flour is given by the guild, and suggestions are welcome at any time of the year.",
        "Anyone who knows rye waits for a day before cutting it, which is what the crumb needs to set.",
        "The baker thanks the miller in advance of the feast, as the custom of the valley has it.",
        "Podcasts on bread are many. Bakers listen to them at night, since they work while others sleep.",
        "In each episode of fermentation the dough gains in sourness, and the bubbles in it grow.",
    ],
)
def test_texts_with_such_words_alone_stay(text: str, config: Segments) -> None:
    assert why_reject_segment(segment("Bread", text), config) is None


@pytest.mark.parametrize(
    "text",
    [
        "The market of rye was valued at .04 billion in 2023, and it grows by a tenth in each year.",
        "Exports fell to .9 million tonnes, since the mills stood still for the whole of that winter.",
        "The bakerâ€™s oven is hot, and the crust gets dark in it before the crumb is done at all.",
        "CafÃ© owners buy rolls in the morning, which is why the bakers of the town begin at two.",
        "Bake at 230Â°C for ten minutes, then turn the oven down and leave the loaf in it for forty.",
        "The millâs stones are old, which is why the flour from it is warm when the sack is filled.",
        "The oven is hot â and the crust gets dark in it before the crumb of the loaf is done at all.",
        "bake(rye) // â¦ and so on, until the loaves that were ordered for the day are all done.",
    ],
)
def test_garbled_texts_go_with_the_key_of_those_with_a_hole(text: str, tmp_path: Path) -> None:
    assert why_reject_segment(segment("Bread", text), settings(tmp_path, min_chars=50)) == "garbled"
    assert why_reject_segment(segment("Bread", text), settings(tmp_path, min_chars=50, drop_holes=False)) is None


@pytest.mark.parametrize(
    "text",
    [
        "The market was worth $1.04 billion in 2023 and 0.9 million loaves were sold on its last day.",
        "SÃO JOÃO is the feast on which the bakers of the town make a sweet bread of maize and cinnamon.",
        "Pâtés en croûte need a dough that holds: flour, butter, âge and a cool room, as bakers know.",
        "Half of the .5 million loaves went to the coast, where ships took them to the islands at once.",
        "Billions of cells of yeast are in a spoon of dough, and millions of others live beside them.",
    ],
)
def test_whole_amounts_and_letters_with_accents_are_no_damage(text: str, config: Segments) -> None:
    assert why_reject_segment(segment("Bread", text), config) is None


def test_greetings_under_a_first_heading_are_leads(tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=50)
    for words in (
        "Hi, I'm Ada.",
        "hello! my name is Ada.",
        "Hey there, I am Ada.",
        "HI i’m Ada.",
        "Rye\n\nhi, im Ada.",
    ):
        told = segment("Ada's rye", f"{words} {PROSE}")
        assert why_reject_segment(replace(told, level=1), config) == "lead"
        assert why_reject_segment(told, config) is None
        assert why_reject_segment(replace(told, level=1), settings(tmp_path, min_chars=50, leads="keep")) is None
    for words in ("Say hi. I'm Ada.", "The high mill", "Hiding flour is what my name is for."):
        assert why_reject_segment(replace(segment("Ada's rye", f"{words} {PROSE}"), level=1), config) is None


def test_fewer_phrases_of_a_school_are_enough_where_the_address_sells(config: Segments) -> None:
    offered = segment("The rye package", f"Who is this for? {PROSE} Deliverables include a loaf and a talk on rye.")
    assert why_reject_segment(replace(offered, sells=True), config) == "course"
    assert why_reject_segment(offered, config) is None
