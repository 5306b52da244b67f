"""What is looked up for a block: the words of its heading, the classes around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.corpus.cutting.content.wording import WORDING, heading_tokens, wording_facts
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk


def said(html: str, points: dict[str, int]) -> dict[str, list[int]]:
    """Of each block the sums for its heading, its containers, and both."""
    blocks = walk(parse_html(html))
    return {block.text: row for block, row in zip(blocks, wording_facts(blocks, points).tolist(), strict=True)}


def test_words_of_heading_and_classes_are_added_up_apart() -> None:
    html = '<h2>Leave a Reply</h2><div class="commentForm"><p>Your email</p></div><p>A long text beside it.</p>'
    found = said(html, {"#reply": -50, ".comment": -300})
    assert found["Your email"] == [-50, -300, -350]
    assert found["A long text beside it."] == [-50, 0, -50]


def test_a_texts_own_words_are_not_looked_up() -> None:
    found = said("<h1>A</h1><p>Add to cart</p>", {"add": 9, "cart": 9, "^add to": 9, "=add to cart": 9})
    assert found["Add to cart"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Leave a Reply", ["#leave", "#a", "#reply", "#^leave a reply", "##3"]),
        ("34 responses to 2 posts", ["#0", "#responses", "#to", "#posts", "#^0 responses to 0", "##5"]),
        ("…", ["#^", "##0"]),
        ("Ja, JA, ja", ["#ja", "#^ja ja ja", "##3"]),
    ],
)
def test_a_heading_is_looked_up_by_its_words_its_start_and_how_many_they_are(text: str, tokens: list[str]) -> None:
    assert heading_tokens(text) == tokens


def test_the_class_of_what_holds_most_of_a_page_says_nothing_about_what_is_deep_in_it() -> None:
    html = '<div class="promo"><h1>A</h1><div><p>most of the page is in here</p></div></div>'
    assert said(html, {".promo": -100})["most of the page is in here"] == [0, 0, 0]


def test_text_before_any_heading_is_told_from_other_text() -> None:
    found = said("<p>before</p><h1>Title</h1><p>after</p>", {"#": -9})
    assert (found["before"][0], found["after"][0]) == (-9, 0)


def test_an_id_is_no_class() -> None:
    assert (
        said('<h1>A</h1><div id="comment"><p>text</p></div><p>longer text beside it</p>', {".comment": -1})["text"][2]
        == 0
    )


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_has_as_many_sums_as_there_are_names(text: str, heading: str) -> None:
    blocks = walk(parse_html("<h1>x</h1><p>y"))
    blocks[0].text, blocks[1].text = heading, text
    assert wording_facts(blocks, {"a": 1}).shape == (2, len(WORDING))
