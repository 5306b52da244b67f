"""Raised, lowered and struck text as text editors export it: by style alone."""

import pytest

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

SHEET = (
    "<style>@import url(a.css);.c1{color:#000;vertical-align:baseline}.c2{vertical-align:super;font-size:9pt}"
    "span.c3, .c4 { vertical-align: sub }\n@media screen{.c5{text-decoration:underline line-through}}"
    ".c6 .c1{vertical-align:super}</style>"
)


def text_of(html: str) -> str:
    return render(walk(parse_html(html)))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('10<span style="vertical-align:super">6</span> cells', "10⁶ cells"),
        ('4 m<span style="font-size:.6em; VERTICAL-ALIGN: super;">2</span> of felt', "4 m² of felt"),
        ('H<span style="vertical-align:sub">2</span>O', "H₂O"),
        ('x<font style="vertical-align:super">n<span style="vertical-align:sub">1</span></font>', "x^(n₁)"),
        ('x<sup><span style="vertical-align:super">2</span></sup>', "x²"),
        ('x<span style="vertical-align:super"><sup>2</sup></span>', "x²"),
        ('pots <span style="text-decoration:line-through">of tin</span> of iron', "pots of iron"),
        ('the wall<span style="vertical-align:super"><a href="#ftnt1">[1]</a></span> fell', "the wall fell"),
        ('a <span style="vertical-align:middle">lamp</span> 2', "a lamp 2"),
        ('a <span style="vertical-align:text-top">lamp</span> 2', "a lamp 2"),
        ('a <span style="text-decoration:underline">lamp</span>', "a lamp"),
    ],
)
def test_styles_of_inline_elements_say_what_their_tags_would(html: str, text: str) -> None:
    assert text_of(f"<p>{html}</p>") == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<span class="c1">10</span><span class="c1 c2">6</span>', "10⁶"),
        ('H<span class="c3">2</span>O, CO<span class="c4">2</span>', "H₂O, CO₂"),
        ('pots <span class="c5">of tin</span> of iron', "pots of iron"),
        ('10<span class="c1">6</span>', "106"),
        ('10<span class="c22">6</span>', "106"),
    ],
)
def test_plain_classes_of_the_page_s_sheets_say_the_same(html: str, text: str) -> None:
    assert text_of(f"<html><head>{SHEET}</head><body><p>{html}</p></body></html>") == text


def test_blocks_keep_their_text_whatever_their_style() -> None:
    assert text_of('<p style="vertical-align:super">one</p><td style="vertical-align:sub">2</td>') == "one\n\n2"
