import pytest

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk


def texts(html: str) -> list[str]:
    return [block.text for block in walk(parse_html(html))]


@pytest.mark.parametrize(
    "html",
    [
        "<article><x-part>One two.</x-part><x-part>Three four.</x-part></article>",
        "<x-page><x-part>One two.</x-part><x-part>Three four.</x-part></x-page>",
        "<div>One two.<x-note><p>Three four.</p></x-note></div>",
        "<section><p>One two.</p><my-para-x>Three four.</my-para-x></section>",
        "<ul><li><x-a><b>One</b> two.</x-a> <x-a>Three <i>four.</i></x-a></li></ul>",
        "<main><x-a><x-b>One two.</x-b></x-a>\n<x-a><x-b>Three four.</x-b></x-a></main>",
        "<x-tabs><x-tab><div>One two.</div></x-tab><x-tab>Three four.</x-tab></x-tabs>",
    ],
)
def test_they_part_text_where_they_hold_blocks_or_stand_alone(html: str) -> None:
    assert texts(html) == ["One two.", "Three four."]


@pytest.mark.parametrize(
    "html",
    [
        "<p>See the <x-tooltip>tower</x-tooltip> first.</p>",
        "<p><x-term>See</x-term> the tower first.</p>",
        "<div><x-term>See</x-term> <x-term>the</x-term> tower first.</div>",
        "<div><span>See the</span> <x-tooltip>tower first.</x-tooltip></div>",
        "<p>See the <x-a><x-b>tower</x-b></x-a> first.</p>",
        "<p><x-a>See the</x-a> <x-a>tower first.</x-a></p>",
        "<div><a href='/x'>See the</a> <x-time>tower first.</x-time></div>",
        "<h2>See <x-mark>the tower</x-mark> first.</h2>",
    ],
)
def test_they_do_not_within_a_sentence(html: str) -> None:
    assert texts(html) == ["See the tower first."]


def test_many_within_each_other_or_beside_each_other_take_no_long_time() -> None:
    deep = "<x-a>" * 200 + "<x-b>y</x-b>" * 20_000
    assert texts(f"<div>text {deep}</div>")[0].startswith("text y")
    assert len(texts("<div>" + "<x-a>y</x-a>" * 20_000 + "</div>")) == 20_000
