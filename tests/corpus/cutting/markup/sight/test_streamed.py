"""Parts of a page that a script in it puts in their place."""

import pytest

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

PLACE = '<template id="B:0"></template>'
PART = '<div hidden id="S:0"><p>Knead it well.</p></div>'


def texts(body: str) -> list[str]:
    return [block.text for block in walk(parse_html(f"<html><body><h1>Bread</h1>{body}<p>The end.</p></body></html>"))]


@pytest.mark.parametrize(
    "call", ['$RC("B:0","S:0")', "$RC('B:0', 'S:0')", 'x=1;$RR("B:0","S:0",[["a.css"]])', '$RS("S:0","B:0")']
)
def test_a_streamed_part_is_read_in_the_place_that_its_call_names(call: str) -> None:
    assert texts(f"{PLACE}<p>Bake.</p>{PART}<script>{call}</script>") == [
        "Bread",
        "Knead it well.",
        "Bake.",
        "The end.",
    ]


@pytest.mark.parametrize(
    "body",
    [
        PLACE + PART,
        PART + '<script>$RC("B:0","S:0")</script>',
        PLACE + PART + '<script>$RC("B:1","S:0")</script>',
        PLACE + PART + '<script>$RX("B:0","S:0")</script>',
        PLACE.replace("></t", ">x<i></i></t") + PART + '<script>$RC("B:0","S:0")</script>',
    ],
)
def test_a_hidden_part_without_place_or_call_stays_unread(body: str) -> None:
    assert texts(body) == ["Bread", "The end."]


def test_streamed_parts_hold_the_places_of_others_but_not_of_themselves() -> None:
    inner = '<div hidden id="S:1"><p>Inner.</p></div><script>$RC("B:1","S:1")</script>'
    outer = '<div hidden id="S:0"><p>Outer.</p><template id="B:1"></template></div><script>$RC("B:0","S:0")</script>'
    assert texts(PLACE + outer + inner) == ["Bread", "Outer.", "Inner.", "The end."]
    around_itself = '<div hidden id="S:0"><p>x</p><template id="B:0"></template></div><script>$RC("B:0","S:0")</script>'
    assert texts(around_itself) == ["Bread", "The end."]
