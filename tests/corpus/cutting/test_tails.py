import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.corpus.cutting.around.tails import Furniture, is_sentence, trim
from builder.method.corpus.cutting.blocks import Block, render
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.rules.header import navigation_headers
from builder.method.corpus.rules.phrases import load_phrases

FURNITURE = Furniture(load_phrases(None), navigation_headers(None))
LONG = "Dough needs time, since yeast makes gas slowly and gluten has to stretch without tearing."


def blocks_of(html: str) -> list[Block]:
    return walk(parse_html(f"<html><body>{html}</body></html>"))


def trimmed(html: str, min_chars: int = 1) -> tuple[str, dict[str, int]]:
    found = trim(blocks_of(html), FURNITURE, min_chars)
    return render(found.blocks), dict(found.kinds)


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ("<p>Read more about sourdough in our guide</p>", "aside"),
        ("<p>Tags: bread, yeast, flour</p>", "promotion"),
        ("<p>© 2024 The Bakers Guild. All rights reserved.</p>", "promotion"),
        ("<p>Last updated: 3 May 2024</p>", "promotion"),
        ("<p>Photo credit: Ada Miller</p>", "aside"),
        ("<p>Subscribe to our newsletter for weekly recipes!</p>", "promotion"),
        ("<p>Have questions? Call us at 555 0100 today.</p>", "promotion"),
        ("<p><a href='/a'>Sourdough for beginners</a></p>", "link"),
        ("<p><a href='/a'>← Flour</a> <a href='/b'>Salt →</a></p>", "link"),
        ("<ul><li><a href='/a'>Rye</a></li></ul>", "link"),
        ("<p>Here are the ten loaves we like best:</p>", "announcement"),
        ("<p>But first, let's look at the oven.</p>", "announcement"),
        ("<p>以下是我们的建议：</p>", "announcement"),
        ("<p>Ada Miller is a food writer who has baked for twenty years.</p>", "bio"),
        ("<p>→ ★</p>", "ornament"),
        ("<p>Feel free to tell us about your own loaf in the comments.</p>", "promotion"),
        ("<p>Would you like to receive notifications about new loaves?</p>", "promotion"),
        ("<p>On rye: <a href='/a'>Rye loaves in tins</a> | <a href='/b'>Wheat loaves</a></p>", "link"),
        ("<p>Photograph courtesy of the Millers.</p>", "aside"),
        ("<p>Raising prices? Learn how to <a href='/a'>write a letter</a> to guests.</p>", "promotion"),
        ("<p>Browse our gallery of loaves to see how they rise.</p>", "promotion"),
        ("<p>This article is republished from The Miller under a free licence.</p>", "announcement"),
        ("<p>(go and read what my friends had to say <a href='/b'>in winter</a>)</p>", "promotion"),
        ("<p>See <a href='/t'>Tins</a> for more information about tins.</p>", "promotion"),
        ("<p>Website: Old Mill</p>", "promotion"),
        ("<p>1.0.0 (const: unstable) · Source</p>", "promotion"),
        ("<p>Ada Miller, Professor of Baking, Rye University</p>", "bio"),
        ("<p>Ada's kitchen</p>", "stray"),
        ("<h3>Our favourite tins</h3>", "heading"),
        ("<h3>Related posts</h3><p>Rye is another grain. It likes sour dough.</p>", "section"),
        ("<h3>About the author</h3><p>Ada bakes. She lives by the sea.</p>", "section"),
    ],
)
def test_what_stands_behind_a_text_goes_and_is_counted(tail: str, kind: str) -> None:
    text, kinds = trimmed(f"<p>{LONG}</p><p>{LONG}</p>{tail}")
    assert text == f"{LONG}\n\n{LONG}"
    assert set(kinds) == {kind}


@pytest.mark.parametrize(
    "last",
    [
        "<p>Read more slowly than you think you should; the recipe hides two steps in one line.</p>",
        "<p>By default, the oven switches itself off.</p>",
        "<p>Contact your dentist if a crust has chipped a tooth.</p>",
        "<ol><li>Sign in to your account.</li><li>Go to the settings and click Save</li></ol>",
        "<p>x = flour / water</p>",
        "<pre>bake --at 230</pre>",
        "<table><tr><td>Rye</td><td>70 %</td></tr><tr><td>Wheat</td><td>62 %</td></tr></table>",
        "<ul><li>Rye</li><li>Spelt</li></ul>",
        "<h3>Cookies</h3><p>They need no yeast, and a shorter time in the oven than any loaf does.</p>",
        "<p>Why does it rest? Gluten relaxes in that time, and gas has to form.</p>",
        "<p>パンは発酵に時間がかかります。</p>",
    ],
)
def test_last_lines_of_a_text_stay(last: str) -> None:
    html = f"<p>{LONG}</p><p>{LONG}</p>{last}"
    assert trimmed(html) == (render(blocks_of(html)), {})


def test_lines_before_a_text_and_pointers_in_it_go() -> None:
    text, kinds = trimmed(
        "<p>By Ada Miller</p><p>[Bread] Posted May 3, 2024 18:33 UTC (Fri) by ada</p><p>May 3, 2024</p>"
        f"<p>5 min read</p><p>{LONG}</p>"
        f"<p>Also read: Ten ways with rye</p><p>{LONG}</p><p>[Read more: <a href='/x'>On salt</a>]</p><p>{LONG}</p>"
    )
    assert text == f"{LONG}\n\n{LONG}\n\n{LONG}"
    assert kinds == {"byline": 4, "aside": 2}


def test_buttons_and_credits_of_pictures_between_paragraphs_go() -> None:
    text, kinds = trimmed(f"<p>{LONG}</p><p>Share</p><p>{LONG}</p><p>Image from Ada's review.</p><p>{LONG}</p>")
    assert (text, kinds) == (f"{LONG}\n\n{LONG}\n\n{LONG}", {"aside": 2})
    stays = f"<p>{LONG}</p><p>Share the dough among four tins.</p><p>The image from the oven shows it.</p><p>{LONG}</p>"
    assert trimmed(stays)[1] == {}


def test_links_to_other_pages_before_a_text_go() -> None:
    links = "<ul><li><a href='/a'>Rye</a></li><li><a href='/b'>Spelt</a></li></ul>"
    assert trimmed(f"{links}<p>{LONG}</p>") == (LONG, {"byline": 2})
    assert trimmed(f"<p>{LONG}</p>{links}<p>{LONG}</p>")[1] == {}


def test_how_long_a_text_is_may_be_said() -> None:
    blocks = blocks_of("<p>面包需要很长时间，酵母慢慢产生气体。</p><p>Tags</p>")
    by_characters = trim(blocks, FURNITURE, 20, len)
    assert (by_characters.kinds, trim(blocks, FURNITURE, 20).kinds) == ((), (("promotion", 1),))


def test_scripts_without_marks_of_a_sentence_have_no_strays() -> None:
    thai = "ขนมปังต้องใช้เวลาในการหมักแป้งนานหลายชั่วโมงเพื่อให้ได้รสชาติที่ดีและเนื้อสัมผัสที่นุ่ม"
    assert trimmed(f"<p>{thai}</p><p>{thai}</p><p>อบในเตาร้อน</p>")[1] == {}
    assert is_sentence("面包需要时间。")
    assert is_sentence("क्या यह रोटी है।")
    assert not is_sentence("Ada's kitchen")
    assert all(
        map(is_sentence, ("ပေါင်မုန့်ဖုတ်ပါ။", "ដាក់អំបិល។", "「時間が要る。」", "Γιατί;", "„Brot braucht Zeit.“", "ዳቦ።"))
    )


@pytest.mark.parametrize(
    "last", ["『面包需要时间。』", "先称好五百克面粉，再加入三百五十克水，最后放十克盐，慢慢揉成面团", "ဆားထည့်ပါ။"]
)
def test_lines_of_every_script_that_say_something_are_no_strays(last: str) -> None:
    paragraph = "面包是用面粉、水、盐和酵母做成的，先把面粉和水混合，然后静置半个小时，再揉成面团。"
    assert trimmed(f"<p>{paragraph}</p><p>{last}</p>")[1] == {}
    assert trimmed(f"<p>{paragraph}</p><p>首页</p>")[1] == {"stray": 1}


def test_lengths_of_dense_scripts_count_as_the_recipe_says() -> None:
    html = f"<p>{'面包需要时间。' * 30}</p><p>© 2024 面包坊</p>"
    assert trimmed(html, min_chars=600)[1] == {"promotion": 1}
    blocks = blocks_of(html)
    assert trim(blocks, FURNITURE, len(render(blocks)) - 2, len).kinds == ()


def test_a_text_of_furniture_alone_keeps_a_block() -> None:
    html = "<p>Read more</p><p>Subscribe now</p><h2>Related posts</h2>"
    assert trimmed(html)[0] == "Read more"


def test_a_text_that_would_be_too_short_keeps_its_tail() -> None:
    html = f"<p>{LONG}</p><p>Tags: bread, yeast</p>"
    assert trimmed(html, min_chars=len(LONG) + 5)[1] == {}
    assert trimmed(html, min_chars=len(LONG))[1] == {"promotion": 1}


@pytest.mark.parametrize("tags", ["bread, yeast, rye, flour", "bread " * 15])
def test_a_text_that_is_too_short_without_much_furniture_loses_it(tags: str) -> None:
    assert trimmed(f"<p>{LONG}</p><p>Tags: {tags}</p>", min_chars=len(LONG) + 5)[1] == {"promotion": 1}


@pytest.mark.parametrize(
    "title", ["Contents", "<b>Table of Contents</b>", "In this article:", "On this page", "Inhaltsverzeichnis"]
)
def test_tables_of_contents_go_from_anywhere(title: str) -> None:
    table = f"<p>{title}</p><ul><li><a href='#rye'>Rye</a></li><li><a href='#tins'>Tins</a></li></ul>"
    for html in (f"{table}<p>{LONG}</p><p>{LONG}</p>", f"<p>{LONG}</p>{table}<p>{LONG}</p>"):
        assert trimmed(html) == (f"{LONG}\n\n{LONG}", {"aside": 3})
    assert trimmed(f"<p>{LONG}</p><p>{title}</p><p>{LONG}</p><ul><li>Rye</li><li>Tins</li></ul>")[0].endswith("- Tins")


ENTRIES = "<dt><a href='/m#1'>1.1. Rye</a></dt><dt><a href='/m#2'>1.2. Tins</a></dt>"


@pytest.mark.parametrize(
    ("top", "kept"),
    [
        (f"<dl>{ENTRIES}</dl>", ""),
        (f"<dl>{ENTRIES}<dd>It needs fat.</dd></dl>", "1.1. Rye\n1.2. Tins\nIt needs fat.\n\n"),
        ("<dl><dt><a href='/m#1'>1.1. Rye</a></dt><dt>Tins</dt></dl>", "1.1. Rye\nTins\n\n"),
        ("<dl><dt><a href='/m#1'>1.1. Rye</a></dt></dl>", "1.1. Rye\n\n"),
    ],
)
def test_a_list_of_terms_that_are_links_alone_goes_from_the_top(top: str, kept: str) -> None:
    assert trimmed(f"{top}<p>{LONG}</p><p>{LONG}</p>")[0] == f"{kept}{LONG}\n\n{LONG}"
    assert trimmed(f"<p>{LONG}</p>{top}<p>{LONG}</p>")[1] == {}


@pytest.mark.parametrize("title", ["Contents of a tin", "Ingredients", "On this page I list:", "Rye", "Index cards"])
def test_other_lists_under_a_line_stay(title: str) -> None:
    assert trimmed(f"<p>{LONG}</p><p>{title}</p><ul><li>Rye</li><li>Tins</li></ul>")[1] == {}


@pytest.mark.parametrize("blank", ["&#8205;", "&#8203;", "&#8288;", "&#8205;&#8205;", "&#173;"])
def test_paragraphs_that_nobody_sees_go_from_the_middle(blank: str) -> None:
    assert trimmed(f"<p>{LONG}</p><p>{blank}</p><p>{LONG}</p>")[0] == f"{LONG}\n\n{LONG}"


LINES = st.sampled_from([
    LONG, "Read more", "Ada's kitchen", "Tags: a, b", "By Ada", "Also read: rye", "★", "Here is why:", "Dough rests.",
])  # fmt: skip
KINDS = st.sampled_from(["text", "item", "code", "heading", "term"])


@given(st.lists(st.tuples(KINDS, LINES | st.text(string.printable, max_size=60)), min_size=1, max_size=12))
def test_what_stays_is_whole_blocks_in_their_order_and_nothing_is_lost_uncounted(
    lines: list[tuple[str, str]],
) -> None:
    blocks = [Block(number, kind, text) for number, (kind, text) in enumerate(lines)]
    found = trim(blocks, FURNITURE)
    numbers = [block.number for block in found.blocks]
    assert numbers
    assert numbers == sorted(set(numbers))
    gone = [block for block in blocks if block.number not in numbers]
    assert sum(count for _, count in found.kinds) == len(gone)
    assert found.chars == sum(len(block.text) for block in gone)
    if any(kind != "heading" for kind, _ in lines):
        assert any(block.kind != "heading" for block in found.blocks)
    assert [block.number for block in blocks] == list(range(len(lines)))


SITE = Furniture(load_phrases(None), navigation_headers(None), "oldmill")


@pytest.mark.parametrize(
    "last",
    [
        "<p>With the tools of Old Mill, you can grind and bake in one place.</p>",
        "<p>For instance, OldMill lets you see what each oven does.</p>",
        "<p>Be sure to track your loaves in a dedicated view from Old Mill.</p>",
        "<p>Need an oven? Contact Old Mill to compare ovens near you.</p>",
        "<ul><li>Use Old Mill Cloud to bake without an oven.</li></ul>",
        "<h3>How Old Mill helps</h3><p>Old Mill offers ovens, and our bakers come along.</p>",
        "<p>Rye keeps.<br>The tools of Old Mill, like its ovens, help you to keep it longer.</p>",
        "<ol start=7><li>Old tools</li></ol><p>With the tools of Old Mill, you can grind and bake in one place.</p>",
        "<p>Why rye? It keeps.</p><p>Pro tip: Track what each loaf costs you with Old Mill.</p>",
    ],
)
def test_a_last_paragraph_that_praises_its_own_site_goes(last: str) -> None:
    html = f"<p>{LONG}</p><p>{LONG}</p>{last}"
    assert "Old" not in render(trim(blocks_of(html), SITE).blocks)
    assert LONG in render(trim(blocks_of(html), SITE).blocks)
    assert "Old" in render(trim(blocks_of(html), FURNITURE).blocks)


@pytest.mark.parametrize(
    "last",
    [
        "<p>The miller of Old Mill broke the stones in 1820, and nobody has mended them.</p>",
        "<p>What is Old Mill?</p><p>Old Mill is software that helps bakers.</p>",
        "<p>A cold mill offers less, and other tools let you grind faster.</p>",
        "<pre>oldmill --bake</pre><p>Old Mill offers an option for that.</p>",
        "<table><tr><td>Old Mill offers</td><td>rye</td></tr><tr><td>Others offer</td><td>wheat</td></tr></table>",
    ],
)
def test_last_lines_that_only_name_the_site_stay(last: str) -> None:
    blocks = blocks_of(f"<p>{LONG}</p><p>{LONG}</p>{last}")
    assert trim(blocks, SITE).kinds == ()


@pytest.mark.parametrize(
    "box",
    [
        "<p>$8,639<br>Average price of an oven</p>",
        "<p>57%</p><p>Loaves sold at noon</p>",
        "<p>12K+</p><p>Bakers</p>",
        "<p>3.5x</p><p>Faster than by hand</p>",
        "<p>1 000 000</p><p>Loaves a year</p>",
    ],
)
def test_boxes_of_figures_go_at_both_ends(box: str) -> None:
    text, kinds = trimmed(f"{box}{box}<p>{LONG}</p><p>{LONG}</p>{box}")
    assert text == f"{LONG}\n\n{LONG}"
    assert set(kinds) == {"byline", "stray"}


@pytest.mark.parametrize(
    "first",
    [
        "<p>57% of all loaves are sold at noon.</p>",
        "<p>42</p><p>The mill burnt down.</p>",
        "<ol><li>5 g salt</li></ol>",
    ],
)
def test_other_figures_at_the_start_stay(first: str) -> None:
    assert trimmed(f"{first}<p>{LONG}</p><p>{LONG}</p>")[1] == {}


def test_a_note_on_the_writer_goes_from_the_start() -> None:
    text, kinds = trimmed(f"<p>Ada Miller is Oven Manager at the Guild of Bakers (GB)</p><p>{LONG}</p>")
    assert (text, kinds) == (LONG, {"byline": 1})
    assert trimmed(f"<p>Ada Miller is manager at a mill, and she bakes.</p><p>{LONG}</p>")[1] == {}
