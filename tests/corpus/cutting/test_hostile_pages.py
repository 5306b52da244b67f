"""Pages that would take a parser or a pattern of ours for ever: what takes time in proportion to size is let in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.corpus_pages import page
from support.hang_guard import must_end

from builder.method.corpus.cutting.cleaning import clean_heading
from builder.method.corpus.cutting.restore import page_blocks
from builder.method.corpus.reading.crawl import Page

MARKS = ("[edit]", " [edit | edit source]", "¶", " §", " #", "🔗", " permalink", "[ ]")


@pytest.mark.parametrize("mark", [*MARKS, " permalink to", " permalink to x", "[", "]", "[[", "# ", "[edit"])
@pytest.mark.parametrize("end", ["", "x"])
def test_marks_of_a_heading_are_taken_off_in_linear_time(mark: str, end: str) -> None:
    with must_end():
        clean = clean_heading("A heading" + mark * 40_000 + end)
    assert clean.startswith("A heading")
    if mark in MARKS and not end:
        assert clean == "A heading"


@pytest.mark.parametrize("value", ["x", "'<>'", '"<a"'])
def test_a_page_whose_element_has_attributes_without_end_is_not_parsed_again(value: str) -> None:
    assert blocks(f"<h1>Bread</h1><p {' '.join(f'a{number}={value}' for number in range(200_000))}>x</p>") is None
    assert blocks(f"<h1>Bread</h1><p {' '.join(f'a{number}={value}' for number in range(900))}>x</p>")


def blocks(html: str) -> list[str] | None:
    with must_end():
        found = page_blocks(Page("p", "u", html, "f", 0, "en", "d"))
    return None if found is None else [block.text for block in found]


LARGE: dict[str, Callable[[int], str]] = {
    "marks in a heading": lambda size: f"<h1>Bread{'[edit]' * (size // 6)}</h1>",
    "an attribute": lambda size: f'<h1 title="{"x" * size}">Bread</h1>',
    "attributes": lambda size: f"<h1 {' '.join(f'a{number}=x' for number in range(size // 50))}>Bread</h1>",
    "entities": lambda size: f"<h1>Bread</h1><p>{'&#x202e;' * (size // 8)}",
    "unfinished entities": lambda size: f"<h1>Bread</h1><p>{'&amp' * (size // 4)}",
    "comments": lambda size: f"<h1>Bread</h1>{'<!--' * (size // 4)}",
    "unclosed noscripts": lambda size: f"<h1>Bread</h1>{'<noscript>' * (size // 10)}",
    "tags that never end": lambda size: f"<h1>Bread</h1>{'<a <a=' * (size // 6)}",
    "quotes that never end": lambda size: "<h1>Bread</h1>" + "<p a=\"'" * (size // 7),
    "powers": lambda size: f"<h1>Bread</h1><p>{'x<sup>2</sup>' * (size // 13)}",
    "marks of notes": lambda size: f"<h1>Bread</h1><p>[{'<a href=#fn1>1</a>, ' * (size // 20)}",
    "formulas in formulas": lambda size: f"<h1>Bread</h1>{('<p>' + '<math>' * 200 + 'x</p>') * (size // 1_200)}",
    "formulas in one frame": lambda size: (
        f"<h1>Bread</h1>{'<div class=MathJax>' * 12}{'<math><mi>x</mi></math>' * (size // 23)}<h2>end</h2>"
    ),
    "white space in formulas": lambda size: (
        f"<h1>Bread</h1>{('<script type=math/tex>' + ' ' * 9_000 + 'x</script>') * (size // 9_000)}"
    ),
    "readings": lambda size: f"<h1>Bread</h1>{('<p>' + '<ruby>a<rt>b' * 120 + '</p>') * (size // 1_440)}",
    "lines": lambda size: f"<h1>Bread</h1><table><tr><td>a<td>{'1. a<br>' * (size // 8)}",
    "declarations": lambda size: "<h1>Bread</h1>" + "<![CDATA[" * (size // 9),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_page_is_read_in_linear_time_outside_of_any_guard(kind: str) -> None:
    """`hydrate` reads pages in its own process."""
    found = blocks(LARGE[kind](400_000))
    assert found is None or found[0] == "Bread"


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE html [<!ENTITY x SYSTEM "file://SECRET">]>',
        '<!DOCTYPE html SYSTEM "file://SECRET">',
        '<!DOCTYPE html [<!ENTITY % p SYSTEM "file://SECRET"> %p;]>',
        f'<!DOCTYPE html [<!ENTITY l0 "ha">{LAUGHS}<!ENTITY x "&l12;">]>',
        '<?xml version="1.0"?><?xml-stylesheet href="file://SECRET"?>',
    ],
)
def test_no_entity_of_a_page_is_looked_up_and_none_laughs(tmp_path: Path, doctype: str) -> None:
    (tmp_path / "secret").write_text("canary")
    doctype = doctype.replace("SECRET", str(tmp_path / "secret"))
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{tmp_path}/secret" parse="text"/>'
    found = blocks(f"{doctype}<html><body><h1>Bread &x; &l12;</h1><p>End {include}</p></body></html>")
    assert found is not None
    assert any(text.startswith("Bread &x;") for text in found)
    assert "canary" not in "".join(found)
    assert len("".join(found)) < 2_000


@pytest.mark.parametrize("html", ["+ADw-h1+AD4-", "<h1>+ADw-script+AD4-</h1>"])
def test_utf_7_is_no_markup(html: str) -> None:
    found = blocks(page(1).replace("<h1>Page 1</h1>", html))
    assert found is not None
    assert not [text for text in found if "<script" in text]
