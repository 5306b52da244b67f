import pytest

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk


def text_of(html: str) -> str:
    return render(walk(parse_html(html)))


@pytest.mark.parametrize(
    "mark",
    [
        "<sup><a href='#n1'>1</a></sup>",
        "<sup>[<a href='#n1'>1</a>]</sup>",
        "<sup><a href='#n1'>1</a>,<a href='#n2'>2</a></sup>",
        "<a href='#n1'><sup>1</sup></a>",
        "<a role=doc-noteref href='#n1'>1</a>",
        "<a class=footnote-ref href='notes.html#n1'>[a]</a>",
        "<a data-footnote-ref href='#user-content-fn-1'>1</a>",
        "<sup class=reference id=cite_ref-1><a href='#cite_note-1'><span>[</span>1<span>]</span></a></sup>",
        "<sup class='noprint'>[<i><a href='/wiki/Sources'>citation needed</a></i>]</sup>",
        "<sup><a href='https://example.org/book'>[3]</a></sup>",
        "<sup class=reference><a href='#cite_1'>[1]</a></sup><sup class='reference nowrap'><span>: 23–25 </span></sup>",
        "<span class='ltx_note ltx_role_footnote'><sup class=ltx_note_mark>1</sup><span class=ltx_note_outer>"
        "<span class=ltx_note_content><sup class=ltx_note_mark>1</sup><span class='ltx_tag'>1</span>By m<sup>2</sup>, "
        "as <a href='#bib.1'>Roe</a> has it.</span></span></span>",
        "<sup class=ltx_note_mark>1</sup>",
        "<sup class='modern-footnotes-footnote' data-mfn=1><a href='javascript:void(0)'>1</a></sup>",
        " <a href='#cite-3'>[3]</a>",
        " [<a href='#ref3'>3</a>, <a href='#ref4'>4</a>]",
        "<a href='#note'>*</a>",
        "<a href='#fn2'>†</a>",
        "<sup>*</sup>",
        "<sup>[4]</sup>",
        "<sup>3</sup>",
        "<sup>1,2</sup>",
        "<sup>a</sup>",
    ],
)
def test_marks_of_notes_go(mark: str) -> None:
    assert text_of(f"<p>It was dry in that summer{mark}. Then it rained.</p>") == (
        "It was dry in that summer. Then it rained."
    )
    assert text_of(f"<h2>The dry summer{mark}</h2>") == "The dry summer"
    assert text_of(f"<table><tr><td>summer{mark}<td>dry</table>") == "summer | dry"


@pytest.mark.parametrize("mark", ["<sup><a href='#fn3'>3</a></sup>", "<a href='#fn3'><sup>3</sup></a>"])
def test_a_linked_mark_behind_a_number_is_no_power(mark: str) -> None:
    assert text_of(f"<p>In 1911{mark} about 1,200{mark} came.</p>") == "In 1911 about 1,200 came."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("as shown in <a href='#ref3'>[3]</a>, it holds", "as shown in [3], it holds"),
        ("as in [<a href='#ref3'>3</a>] and more", "as in [3] and more"),
        ("an area of 5 m<sup><a href='/wiki/Square'>2</a></sup>", "an area of 5 m2"),
        ("see <a href='#part-3'>part 3</a>", "see part 3"),
        ("go to <a href='#top'>the top</a>", "go to the top"),
        ("in chapter <a href='#chapter4'>4</a> we learn", "in chapter 4 we learn"),
        ("the * stands for all, 5*3 and A<sup>*</sup>", "the * stands for all, 5*3 and A^*"),
    ],
)
def test_what_belongs_to_a_sentence_stays(html: str, text: str) -> None:
    assert text_of(f"<p>{html}</p>") == text.replace("5 m2", "5 m²")


@pytest.mark.parametrize(
    "back",
    [
        "<a href='#fnref1' class=footnote-backref>↩</a>",
        "<a href='#r1' role=doc-backlink>↩︎</a>",
        "<span class=mw-cite-backlink><b><a href='#cite_ref-1'>^</a></b></span>",
        "<a href='#fnref:1' class=reversefootnote>Back to text</a>",
        "<a href='#ref-1'>↑</a>",
    ],
)
def test_ways_back_from_notes_go(back: str) -> None:
    assert text_of(f"<ol><li>{back} A book of 1911. {back}</ol>") == "1. A book of 1911."


@pytest.mark.parametrize(
    "text", ["Workers", "1. Management Command-line Utilities (<code>inspect</code>/<code>control</code>)"]
)
def test_a_heading_that_leads_back_to_the_table_of_contents_stays(text: str) -> None:
    heading = (
        f"<h2><a class=toc-backref href='#id4' role=doc-backlink>{text}</a><a class=headerlink href='#w'>¶</a></h2>"
    )
    assert text_of(heading) == text.replace("<code>", "").replace("</code>", "")
    assert text_of("<h2>Workers <a href='#r1' role=doc-backlink>↩︎</a></h2>") == "Workers"
