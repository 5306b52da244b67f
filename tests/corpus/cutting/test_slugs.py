"""Names that repeat a heading say nothing about the role of what it heads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_pages import paragraphs

from builder.method.corpus.cutting.content.extractors import Mode, main_blocks
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

TEXTS = paragraphs(5, count=14, words=30)


def names(html: str) -> set[str]:
    """Ids, names and classes that are left on a page."""
    found = [
        value for element in parse_html(html).iter() for value in (element.get(k) for k in ("id", "name", "class"))
    ]
    return {value for value in found if value}


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Legal requirements", "legal-requirements"),
        ("Related work", "related_work"),
        ("Related Work", "RelatedWork"),
        ("New Features Related to Type Hints", "new-features-related-to-type-hints"),
        ("3.2 Sharing of memory", "sharing-of-memory"),
        ("Sharing of memory", "user-content-sharing-of-memory"),
        ("Social insurance", "sec:social-insurance"),
        ("Popular misconceptions about rivers and lakes", "popular-misconceptions-about-rivers"),
        ("Advertised routes", "advertised-routes-1"),
        ("Signing up", "signing-up"),
    ],
)
@pytest.mark.parametrize("tag", ["section", "div", "article"])
def test_a_name_that_repeats_the_heading_goes(heading: str, name: str, tag: str) -> None:
    for attribute in ("id", "class"):
        assert names(f"<{tag} {attribute}='{name}'><h2>{heading}</h2><p>text</{tag}>") == set()
    assert names(f"<{tag} class='level2 {name}'><h2>{heading}</h2><p>text</{tag}>") == {"level2"}
    assert names(f"<{tag} id='{name}'><a></a><header><h2>{heading}</h2></header><p>text</{tag}>") == set()


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Comments", "comments"),
        ("Related posts", "related-posts"),
        ("Rivers of Europe", "related"),
        ("Newsletter of the town", "newsletter"),
        ("Why rivers bend", "sidebar"),
    ],
)
def test_a_box_keeps_its_name(heading: str, name: str) -> None:
    assert names(f"<div id={name}><h3>{heading}</h3><p>text</div>") == {name}


def test_a_class_of_one_word_is_a_role() -> None:
    assert names("<div class=newsletter><h3>Newsletter</h3><p>text</div>") == {"newsletter"}


def test_a_container_is_not_named_after_a_heading_in_its_middle() -> None:
    html = "<div id=related-work><p>Much else.</p><h2>Related work</h2><p>text</div>"
    assert names(html) == {"related-work"}


@pytest.mark.parametrize("heading", ["Comments", "Contact", "Search", "Tags", "Share"])
@pytest.mark.parametrize("mode", ["learned", "cascade", "overlay", "fast"])
def test_a_manual_keeps_its_sections_whatever_they_are_about(heading: str, mode: Mode) -> None:
    titles = ["Reading a file", "Writing a file", heading, "Closing a file", "Errors in files"]
    sections = "".join(
        f"<section id={title.lower().replace(' ', '-')}><h2>{title}</h2>"
        f"<p>{TEXTS[2 * at]}</p><p>{TEXTS[2 * at + 1]}</p></section>"
        for at, title in enumerate(titles)
    )
    html = f"<html><body><div class=body><h1>Files</h1><p>{TEXTS[10]}</p>{sections}</div></body></html>"
    blocks = walk(tree := parse_html(html))
    numbers = main_blocks(html, tree, blocks, mode)
    kept = {block.text for block in blocks if block.number in numbers}
    assert {TEXTS[4], TEXTS[5]} <= kept


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_and_heading_can_be_read(heading: str, name: str) -> None:
    tree = parse_html("<body><div><h2>x</h2>y</div></body>")
    tree.find(".//h2").text = "".join(c for c in heading if c.isprintable())
    assert walk(tree)
    assert parse_html(f"<div id='{name}'><h2>{heading}</h2>y</div>") is not None
