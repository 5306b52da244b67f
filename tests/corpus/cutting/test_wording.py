"""What is looked up for a block: its words, those of its heading, the classes around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.corpus.cutting.content.wording import WORDING, text_tokens, wording_facts
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk


def said(html: str, points: dict[str, int]) -> dict[str, list[int]]:
    """Of each block the sums for its text, its heading, its containers, and all."""
    blocks = walk(parse_html(html))
    return {block.text: row for block, row in zip(blocks, wording_facts(blocks, points).tolist(), strict=True)}


def test_words_of_text_heading_and_classes_are_added_up_apart() -> None:
    html = '<h2>Leave a Reply</h2><div class="commentForm"><p>Your email</p></div><p>A long text beside it.</p>'
    found = said(html, {"email": 7, "#reply": -50, ".comment": -300})
    assert found["Your email"] == [7, -50, -300, -343]
    assert found["A long text beside it."] == [0, -50, 0, -50]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Add to cart", ["add", "to", "cart", "^add to", "=add to cart"]),
        ("3 of 12", ["0", "of", "^0 of", "=0 of 0"]),
        ("…", ["^", "="]),
        ("one two three four five six", ["one", "two", "three", "four", "five", "six", "^one two"]),
        ("Ja, JA, ja", ["ja", "^ja ja", "=ja ja ja"]),
    ],
)
def test_a_text_is_looked_up_by_its_words_its_start_and_whole_where_it_is_short(text: str, tokens: list[str]) -> None:
    assert text_tokens(text) == tokens


def test_the_class_of_what_holds_most_of_a_page_says_nothing_about_what_is_deep_in_it() -> None:
    html = '<div class="promo"><h1>A</h1><div><p>most of the page is in here</p></div></div>'
    assert said(html, {".promo": -100})["most of the page is in here"] == [0, 0, 0, 0]


def test_text_before_any_heading_is_told_from_other_text() -> None:
    found = said("<p>before</p><h1>Title</h1><p>after</p>", {"#": -9})
    assert (found["before"][1], found["after"][1]) == (-9, 0)


def test_an_id_is_no_class() -> None:
    assert (
        said('<h1>A</h1><div id="comment"><p>text</p></div><p>longer text beside it</p>', {".comment": -1})["text"][3]
        == 0
    )


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_has_as_many_sums_as_there_are_names(text: str, heading: str) -> None:
    blocks = walk(parse_html("<h1>x</h1><p>y"))
    blocks[0].text, blocks[1].text = heading, text
    assert wording_facts(blocks, {"a": 1}).shape == (2, len(WORDING))
