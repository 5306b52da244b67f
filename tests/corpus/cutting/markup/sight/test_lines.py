"""Inline elements that a page shows as lines: their words are parted, and nothing else is."""

import pytest

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk


def texts(body: str, sheet: str = "") -> list[str]:
    return [block.text for block in walk(parse_html(f"<html><head>{sheet}</head><body>{body}</body></html>"))]


@pytest.mark.parametrize(
    "html",
    [
        "<h2><span style='display:block'>First band</span><span style='display:block'>First album</span></h2>",
        "<p>First band<b style='display: flex'>First album</b></p>",
        "<li><a href=/a style='DISPLAY:grid'>First band</a><i>First album</i></li>",
        "<td>First<em> band</em><strong style='color:red;display:table'>First album</strong></td>",
        "<p><small style='display:list-item'>First band</small>First <b>al<wbr>bum</b></p>",
    ],
)
def test_a_line_by_its_style_is_parted_from_the_words_beside_it(html: str) -> None:
    around = f"<table><tr>{html}</tr></table>" if html.startswith("<td") else html
    assert texts(around) == ["First band First album"]


@pytest.mark.parametrize(
    "rules",
    [
        ".line { display: block }",
        "span.line{color:red;display:flex}",
        ".x, .line{display:grid} @media print { .line { display: inline } }",
        ".line {display: inline} /* then } */ .line {display: block}",
    ],
)
def test_a_line_by_a_rule_of_the_page_is_parted_too(rules: str) -> None:
    html = "<h2><span class='name line'>First band</span><span class='line'>First album</span></h2>"
    assert texts(html, f"<style>{rules}</style>") == ["First band First album"]


@pytest.mark.parametrize(
    ("rules", "html"),
    [
        ("", "<p>hippo<span style='display:inline-block'>pot</span>amus"),
        ("", "<p>hippo<span style='display:inline'>pot</span>amus"),
        ("", "<p><span style='display:block;float:left'>h</span>ippopotamus"),
        (".first{display:block;float:left}", "<p><span class=first>h</span>ippopotamus"),
        (".part{display:block}.part{display:inline}", "<p>hippo<span class=part>potamus</span>"),
        ("@media (max-width:20em){.part{display:block}}", "<p>hippo<span class=part>potamus</span>"),
        (".box .part{display:block}", "<p>hippo<span class=part>potamus</span>"),
    ],
)
def test_words_that_stand_in_one_line_stay_whole(rules: str, html: str) -> None:
    assert texts(html, f"<style>{rules}</style>") == ["hippopotamus"]


def test_listings_are_as_they_are_written() -> None:
    html = "<pre><code><span style='display:block'>one\n</span><span style='display:block'>  two\n</span></code></pre>"
    assert texts(html) == ["one\n  two"]
