import pytest
from support.languages import LANGUAGES, Language

from builder.method.corpus.cutting.composition import UNCOUNTED, composition
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.segmenter import cut
from builder.method.corpus.cutting.walk import walk

TEXT = "A sentence of some length that says a thing or two about bread. "


def made_of(html: str):
    return composition(walk(parse_html(f"<html><body>{html}</body></html>")))


def test_links_to_other_pages_are_counted_and_links_within_the_page_are_not() -> None:
    found = made_of('<p>ab <a href="/x">cdef</a> <a href="#y">gh</a> <a name="z">ij</a></p><p>kl</p>')
    assert (found.chars, found.linked) == (len("ab cdef gh ij") + 2, 4)
    around = made_of('<a href="/x"><div>abc</div><div>de</div></a><p>f</p>')
    assert (around.chars, around.linked) == (6, 5)


def test_cells_short_items_and_code_are_counted() -> None:
    found = made_of(
        f"<table><tr><td>ab</td><td>cd</td></tr></table><ul><li>ef</li><li>{TEXT}</li></ul><pre>x = 1</pre>"
    )
    assert (found.table, found.stubs, found.code) == (4, 2, 5)


def test_cards_are_short_sections() -> None:
    cards = "".join(f'<h3><a href="/{n}">Card {n}</a></h3><p>short</p>' for n in range(3))
    found = made_of(f"{cards}<h3>Section</h3><p>{TEXT * 5}</p><h3>Plain</h3><p>short</p>")
    assert (found.sections, found.cards, found.linked_cards) == (5, 4, 3)


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("form", ["<p>{}</p>", "<ul><li>{}</li></ul>", "<p>“{}”</p>", "<p>（{}）</p>", "<p>„{}“</p>"])
def test_a_sentence_of_every_language_is_prose_by_itself(spoken: Language, form: str) -> None:
    sentences = [sentence.replace("{}", spoken.names[0]) for sentence in spoken.sentences]
    found = made_of("".join(form.format(sentence) for sentence in sentences))
    assert (found.prose, found.fragments, found.lines) == (found.loose, 0, 5)


@pytest.mark.parametrize(
    "line", ["ភ្នំពេញ។", "ရန်ကုန်။", "本当です。』", "「そうです！」", "Πού;", "Ja, «sagt er.»", "הוא אמר.״"]
)
def test_marks_and_quotations_of_every_script_end_prose(line: str) -> None:
    found = made_of(f"<p>{line}</p>")
    assert (found.prose, found.fragments) == (len(line), 0)


@pytest.mark.parametrize("line", ["首页", "ホーム", "홈", "หน้าแรก", "ပင်မ", "ទំព័រដើម", "मुखपृष्ठ", "Αρχική", "الرئيسية"])
def test_labels_of_every_script_are_fragments(line: str) -> None:
    assert made_of(f"<p>{line}</p>").fragments == 1


def test_segments_carry_their_composition() -> None:
    html = f'<html><body><h2>Head</h2><p>{TEXT}<a href="/x">{TEXT}</a></p></body></html>'
    blocks = walk(parse_html(html))
    (segment,) = cut(blocks, {block.number for block in blocks}, boundary="tree", max_chars=3_000)
    assert segment.made_of.chars == len(segment.text)
    assert segment.made_of.linked == len(TEXT)
    assert UNCOUNTED.linked == 0


def kept_of(html: str, *left_out: str):
    blocks = walk(parse_html(f"<html><body>{html}</body></html>"))
    return composition(block for block in blocks if block.text not in left_out)


def test_what_a_line_announces_and_the_segment_leaves_out_is_a_hole() -> None:
    listed = f"<p>The best flours are:</p><ul><li>Rye</li><li>Spelt</li></ul><p>{TEXT}</p>"
    assert kept_of(listed).holes == 0
    assert kept_of(listed, "Rye", "Spelt").holes == 1
    coded = f"<p>Run this in the kitchen:</p><pre>bake</pre><p>{TEXT}</p>"
    assert (kept_of(coded).holes, kept_of(coded, "bake").holes) == (0, 1)
    assert kept_of(f"<p>面包的种类：</p><p>黑麦</p><p>{TEXT}</p>", "黑麦").holes == 1
    assert kept_of(f"<p>Mixing by hand:</p><p>{TEXT}</p>").holes == 0
    assert kept_of(f"<p>There are two kinds of loaf in this house:</p><h3>Rye</h3><p>{TEXT}</p>").holes == 0


def test_labels_with_short_values_are_fragments_and_titles_of_paragraphs_are_none() -> None:
    cards = "".join(f"<div>Season:</div><div>{number} of four</div>" for number in range(4))
    assert made_of(cards).fragments == 8
    assert made_of(f"<p>Mixing:</p><p>{TEXT}</p><p>Baking:</p><p>{TEXT}</p>").fragments == 0
    assert made_of("<p>You need:</p><ul><li>Rye</li><li>Salt</li></ul>").fragments == 0


def test_lines_that_are_links_for_a_good_part_are_counted() -> None:
    assert made_of('<ul><li><a href="/a">Rye bread with seeds</a> (a recipe)</li><li>Salt</li></ul>').links == 1
    assert made_of(f'<p>{TEXT} <a href="/a">Rye</a></p>').links == 0
