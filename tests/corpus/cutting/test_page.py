"""A page from its text to its segments."""

import gc
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.corpus_pages import page as page_html
from support.corpus_pages import settings

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.page import CutPage, cut_page, page_language
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.reading.crawl import Page

GERMAN = "Der Fluss fließt langsam durch die alte Stadt, und am Ufer sitzen viele Menschen in der warmen Sonne. " * 6
CONFIG = settings(Path("x"))


def a_page(html: str, hint: str = "en") -> Page:
    return Page("p", "https://example.org/", html, "a.warc", 0, hint, "sha1:x")


def language(html: str, hint: str) -> str:
    return page_language(a_page(html, hint), walk(parse_html(html)), ["en"])


def test_the_language_of_the_text_counts_and_not_what_is_declared() -> None:
    assert language(f"<h1>Fluss</h1><p>{GERMAN}</p>", "en") == "de"
    assert language(page_html(1), "de") == "en"
    assert language(page_html(1), "en") == "en"
    assert language("<h1>1 2 3</h1>", "") == ""


def test_long_texts_decide_and_not_the_many_short_ones_around_them() -> None:
    menu = "".join(f"<li>the page about item {index} and more of it" for index in range(40))
    assert language(f"<ul>{menu}</ul><h1>Fluss</h1><p>{GERMAN}</p>", "en") == "de"


@pytest.mark.parametrize("mode", ["learned", "cascade", "overlay", "fast"])
def test_every_mode_cuts_a_plain_page_alike(mode: str) -> None:
    config = settings(Path("x"), mode=mode, boundary="any")
    found = cut_page(a_page(page_html(4)), config)
    assert isinstance(found, CutPage)
    assert (found.title, found.language) == ("Page 4", "en")
    assert [segment.header for segment in found.segments] == [f"How the part {index} of 4 works" for index in range(3)]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValidationError, match="mode"):
        settings(Path("x"), mode="slow")


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "no_headings"),
        ("<h1></h1><p>text", "no_headings"),
        ("<h1>x</h1>" + "<b>" * 400 + "lost", "too_deep"),
        ("<h1>x</h1>" + "<div>" * 400 + "lost", "too_deep"),
        ("<h1>x</h1>" + "<p>x" * 100_001, "too_many_tags"),
        (f"<h1>x</h1><p>{GERMAN}", "language"),
        ("<h1>x</h1><nav><a href=/>the only text</a></nav>", "no_main_content"),
    ],
)
def test_pages_that_give_nothing_say_why(html: str, reason: str) -> None:
    assert cut_page(a_page(html), CONFIG) == reason


def test_control_characters_cost_no_text() -> None:
    text = "A sentence with&#0; odd &#31;characters\x02 in it, long enough to be told from chance."
    found = cut_page(a_page(f"<html lang=en><h1>Odd&#1; ones</h1><p>{text}</p><p>{text} Again.</p>"), CONFIG)
    assert isinstance(found, CutPage)
    assert found.segments[0].header == "Odd ones"
    assert found.segments[0].text.startswith("A sentence with")
    assert all(character == "\n" or character.isprintable() for character in found.segments[0].text.replace("�", ""))


def test_garbage_is_collected_again_after_a_page() -> None:
    assert gc.isenabled()
    cut_page(a_page(page_html(4)), CONFIG)
    assert gc.isenabled()
