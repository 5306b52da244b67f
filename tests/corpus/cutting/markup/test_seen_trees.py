"""Of any tree of blocks, lines, entries and inline elements, the words that a reader sees, whole and parted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.browser import chromium, program
from support.seen_text import load, words
from support.seen_trees import RULES, TREES, Node, html_of, seen

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

READ = "Array.from(document.querySelectorAll('body > article'), element => element.innerText)"


def page(body: str) -> str:
    return f"<html><head>{RULES}</head><body>{body}</body></html>"


def read(body: str) -> list[str]:
    return words("\n".join(block.text for block in walk(parse_html(page(f"<article>{body}</article>")))))


@settings(max_examples=30, deadline=None)
@given(st.lists(TREES, min_size=1, max_size=3))
def test_the_words_that_a_reader_sees_come_out_whole_and_parted(trees: list[Node]) -> None:
    assert read("first ".join(map(html_of, trees))) == words("first ".join(map(seen, trees)))


def drawn(count: int) -> list[Node]:
    found: list[Node] = []

    @settings(max_examples=count, deadline=None, database=None, derandomize=True)
    @given(TREES)
    def draw(tree: Node) -> None:
        found.append(tree)

    draw()
    return found


@pytest.mark.full
@pytest.mark.skipif(program() is None, reason="Chromium is not installed")
def test_chromium_shows_the_same_words() -> None:
    bodies = [html_of(tree) for tree in drawn(250)]
    with chromium() as tab:
        load(tab, page("".join(f"<article>{body}</article>" for body in bodies)))
        shown = tab.evaluate(READ)
    assert len(shown) == len(bodies) == 250
    assert [body for body, text in zip(bodies, shown, strict=True) if read(body) != words(text)] == []
