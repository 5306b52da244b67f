import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.method.corpus.cutting import regions
from builder.method.corpus.cutting.blocks import Block, render
from builder.method.corpus.cutting.cleaning import clean_heading
from builder.method.corpus.cutting.markup.source import TooDeepError, parse_html
from builder.method.corpus.cutting.regions import settle
from builder.method.corpus.cutting.walk import walk

TAGS = [
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "tr", "td", "th", "pre", "code", "br",
    "hr", "a", "b", "span", "dl", "dt", "dd", "nav", "footer", "aside", "form", "section", "blockquote", "script",
    "style", "textarea", "title", "body", "html",
]  # fmt: skip


def blocks_of(html: str) -> list[Block]:
    return walk(parse_html(html))


def texts(html: str) -> list[str]:
    return [block.text for block in blocks_of(html)]


def test_paragraphs_headings_and_lines() -> None:
    blocks = blocks_of("<h1>Title</h1><p>One <b>bo</b>ld\n  word<br>next line<br><br>apart</p>tail<h2>Sub</h2>")
    assert [(block.kind, block.level, block.text) for block in blocks] == [
        ("heading", 1, "Title"),
        ("text", 0, "One bold word"),
        ("text", 0, "next line"),
        ("text", 0, "apart"),
        ("text", 0, "tail"),
        ("heading", 2, "Sub"),
    ]
    assert render(blocks[1:5]) == "One bold word\nnext line\n\napart\n\ntail"
    assert [block.number for block in blocks] == list(range(6))


def test_elements_that_browsers_show_as_blocks_are_blocks() -> None:
    assert texts("<hgroup>one<p>two</p></hgroup>three") == ["one", "two", "three"]
    assert texts("<div>one<search>two</search>three</div>") == ["one", "two", "three"]
    assert texts("one<x-nav><menu><li>two<li>three</menu></x-nav>four") == ["one", "two", "three", "four"]
    assert render(blocks_of("<dir><li>one<li>two</dir><menu><li>three</menu>")) == "- one\n- two\n- three"


def test_blocks_in_a_heading_part_its_words() -> None:
    assert texts("<h2><div>One</div>two</h2>") == ["One two"]
    assert texts("<h2>One<div>two</div>three<section>four</section>five</h2>") == ["One two three four five"]


def test_ordinals_count_every_heading_element() -> None:
    blocks = blocks_of("<h1>A</h1><h2> </h2><p>x</p><h3><img src=x></h3><h2>B</h2>")
    assert [(block.text, block.ordinal) for block in blocks if block.kind == "heading"] == [("A", 0), ("B", 3)]


def test_lists_nest_and_only_the_first_block_has_a_mark() -> None:
    html = "<ul><li>one<ul><li>sub</ul><li><p>two</p><p>still two</p></ul><p>after</p>"
    assert render(blocks_of(html)) == "- one\n- sub\n- two\n\nstill two\n\nafter"


def test_data_tables_become_rows_and_layout_tables_do_not() -> None:
    data = "<table><tr><th>a<th>b</tr><tr><td><p>1</p></td><td>2</td></tr></table>"
    assert render(blocks_of(data)) == "a | b\n1 | 2"
    layout = "<table><tr><td>menu</td><td><h2>Head</h2><p>text</p><p>more</p></td></tr></table>"
    assert " | " not in render(blocks_of(layout))
    nested = f"<table><tr><td>left</td><td>right {data}</td></tr></table>"
    assert "left | " not in render(blocks_of(nested))
    assert "1 | 2" in render(blocks_of(nested))


def test_code_keeps_its_lines() -> None:
    html = "<pre>\ndef f(x):\n    <b>return</b> x  \n\n\nprint(f(1))<br>end<div>a</div><div>b</div></pre>"
    assert texts(html) == ["def f(x):\n    return x\n\n\nprint(f(1))\nend\na\nb"]


def test_what_is_never_read_leaves_no_block() -> None:
    html = (
        "<script>var a</script><style>b{}</style><p>text<!-- no --></p><select><option>x</select><textarea>y</textarea>"
    )
    assert texts(html) == ["text"]


def test_numbered_lists_keep_their_numbers() -> None:
    assert (
        render(blocks_of("<ol><li>one<li>two<ul><li>inner</ul><li>three</ol>")) == "1. one\n2. two\n- inner\n3. three"
    )
    assert render(blocks_of("<ol start=5><li>five<li value=9>nine<li>ten</ol>")) == "5. five\n9. nine\n10. ten"
    assert render(blocks_of("<ol start=x><li value=-3>one<li value=99999999999>two</ol>")) == "1. one\n2. two"
    assert render(blocks_of("<li>of no list")) == "- of no list"


def test_empty_cells_keep_their_place() -> None:
    row = "<tr><th></th><th>north</th><th>south</th></tr>"
    html = f"<table>{row}<tr><td>May</td><td></td><td>7</td></tr><tr><td colspan=2>June</td><td>8</td></tr></table>"
    assert render(blocks_of(html)) == "| north | south\nMay |  | 7\nJune |  | 8"
    assert render(block for block in blocks_of(html) if block.text != "north") == "|  | south\nMay |  | 7\nJune |  | 8"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("To do:<br>• wash<br>• dry<br>later", "To do:\n- wash\n- dry\nlater"),
        ("•wash<br><br>•dry<br><br>after", "- wash\n- dry\n\nafter"),
        ("- wash<br/>\n- dry<br/>\n- <b>fold</b>", "- wash\n- dry\n- fold"),
        ("1. wash<br>2. dry<br>3) fold", "1. wash\n2. dry\n3) fold"),
        ("1. wash<br>and wring<br>2. dry", "1. wash\nand wring\n2. dry"),
        ("• one alone<br>and a line", "• one alone\nand a line"),
        ("1911. A year<br>3. A day", "1911. A year\n3. A day"),
        ("– Hello.<br>– Hello!", "– Hello.\n– Hello!"),
        ("one<br>&nbsp;<br>two<br> <br><br>three", "one\n\ntwo\n\nthree"),
    ],
)
def test_breaks_make_lines_paragraphs_and_lists(html: str, text: str) -> None:
    assert render(blocks_of(f"<p>{html}</p>")) == text
    assert render(blocks_of(f"<div>{html}<p>end</div>")) == f"{text}\n\nend"


def test_items_made_by_breaks_are_items() -> None:
    blocks = blocks_of("<p>Needed:<br>* a <a href=/pan>pan</a><br>* two eggs</p>")
    assert [(block.kind, block.mark, block.text, block.linked) for block in blocks] == [
        ("text", "", "Needed:", 0), ("item", "- ", "a pan", 3), ("item", "- ", "two eggs", 0),
    ]  # fmt: skip


def test_lines_in_a_cell_of_a_data_table_are_one_entry() -> None:
    table = "<table><tr><th>who<th>where</tr><tr><td>Ann<td>12 Mill Lane<br>Oldtown</tr></table>"
    assert render(blocks_of(table)) == "who | where\nAnn | 12 Mill Lane Oldtown"
    alone = "<table><tr><td>A line<br>and a line</table>"
    assert render(blocks_of(alone)) == "A line\nand a line"
    page = f"<table><tr><td>menu<td>{'<br>'.join(['A long line of a page.'] * 12)}</table>"
    assert " | " not in render(blocks_of(page))


def test_regions_know_what_they_are() -> None:
    html = (
        "<nav>menu</nav><div role=navigation>more</div><div id=main class='siteFooter x'>end</div>"
        "<div class=header-related>see</div><div class='football madrid'>news</div><p hidden=until-found>secret</p>"
        "<button aria-controls=a>open</button><p id=a style='display: none'>gone</p><p>text</p>"
    )
    marks = {block.text: settle(block.region, 1_000) for block in blocks_of(html)}
    assert marks == {
        "menu": regions.NAV,
        "more": regions.NAV,
        "end": regions.FOOT_NAME,
        "see": regions.HEAD_NAME | regions.RELATED_NAME,
        "news": regions.FOOT_NAME,  # beginnings of words are coarse; that is why they are evidence and no more
        "secret": regions.HIDDEN,
        "open": regions.BUTTON,
        "gone": regions.HIDDEN,
        "text": 0,
    }


def test_the_name_of_a_frame_says_nothing_about_what_is_in_it() -> None:
    blocks = blocks_of(f"<div class=sidebar-left><main><p>{'word ' * 50}<div class=sidebar>box</div></main></div>")
    total = sum(len(block.text) for block in blocks)
    assert [settle(block.region, total) for block in blocks] == [regions.MAIN, regions.MAIN | regions.SIDE_NAME]


def test_characters_in_links_to_other_pages_are_counted() -> None:
    blocks = blocks_of(
        "<p>see <a href=/x>that <b>page</b></a> or <a href=#y>below</a></p><p><a>no</a><a href='#'>¶</a>"
    )
    assert [(block.text, block.linked) for block in blocks] == [("see that page or below", 9), ("no", 0)]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Installation¶", "Installation"),
        ("Usage #", "Usage"),
        ("C#", "C#"),
        ("History[edit]", "History"),
        ("History [ edit source ]", "History"),
        ("History[edit | edit source]", "History"),
        ("Options Permalink to this heading", "Options"),
        ("Permalink", "Permalink"),
        ("[edit]", "[edit]"),
        ("  a\n\u200b b\u00ad ", "a b"),
        ("2.1. Numbers stay", "2.1. Numbers stay"),
    ],
)
def test_permalink_marks_leave_headings(raw: str, clean: str) -> None:
    assert clean_heading(raw) == clean


def test_permalink_anchors_leave_headings_and_definitions() -> None:
    assert texts('<h2>C#<a href="#c">#</a></h2><dl><dt>name<a href="#n">¶</a></dt></dl>') == ["C#", "name"]


def test_broken_headings_do_not_end_the_walk() -> None:
    assert texts("<h3>a <span><h3>b</h3></span> c <li>d</h3><p>e</p>")[-1].endswith("e")


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<table><tr><td>", "<ul><li>"])
def test_text_is_found_at_any_depth_or_the_page_refused(tag: str) -> None:
    assert texts(tag * 50 + "end") == ["end"]
    with pytest.raises(TooDeepError):
        texts(tag * 300 + "end")


def test_a_text_too_long_for_the_parser_is_refused_and_not_lost() -> None:
    with pytest.raises(TooDeepError):
        texts("<h1>x</h1><p>" + "long " * 2_200_000)


_soup = st.lists(
    st.one_of(
        st.sampled_from(TAGS).map(lambda tag: f"<{tag}>"),
        st.sampled_from(TAGS).map(lambda tag: f"</{tag}>"),
        st.sampled_from(["&#1;", "&#xD800;", "&nbsp;", "<!--", "-->", "<", "&", "<br/>", "¶", "\u200b", "<a>#</a>"]),
        st.text(max_size=20),
    ),
    max_size=60,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(_soup)
def test_any_soup_can_be_walked_and_rendered(soup: str) -> None:
    blocks = blocks_of(f"<p>.</p>{soup}")
    assert [block.number for block in blocks] == list(range(len(blocks)))
    ordinals = [block.ordinal for block in blocks if block.kind == "heading"]
    assert ordinals == sorted(set(ordinals))
    for block in blocks:
        assert block.text.strip()
        assert block.kind == "code" or "\n" not in block.text
        assert 0 <= block.linked <= len(block.text)
    render(blocks).encode("utf-8")


@pytest.mark.parametrize(
    "sign", ["&#1;", "&#x1F;", "&#12", "&#0;", "&#xD800;", "&#xFFFF;", "&#99999999;", "\x01", "\x0c"]
)
def test_control_characters_break_no_change_of_the_tree(sign: str) -> None:
    html = f"<h1>{sign}<a>#</a>One</h1><p>It is 10{sign}<sup>{sign}23</sup>{sign} <q>{sign}here</q>.{sign}</p>"
    heading, text = blocks_of(html)
    assert heading.text == "One"
    assert "here" in text.text
    assert text.text.isprintable()


def test_a_page_that_has_its_headings_only_for_readers_without_scripts_is_read_as_they_see_it() -> None:
    posts = "<h1>A thread</h1><p>The first post.</p>"
    assert [block.text for block in walk(parse_html(f"<div>Loading</div><noscript>{posts}</noscript>"))] == [
        "Loading",
        "A thread",
        "The first post.",
    ]
    for html in (
        f"<h1>A page</h1><noscript>{posts}</noscript>",
        f"<noscript>{posts}</noscript><h2>A page</h2>",
        f"<NOSCRIPT>{posts}</NOSCRIPT><noscript><h2>Two</h2></noscript><h2>A page</h2>",
        "<h1>A page</h1><noscript><img src=a.png>",
    ):
        assert [block.text for block in walk(parse_html(html)) if block.level] == ["A page"]


def test_links_that_run_scripts_lead_nowhere() -> None:
    (block,) = walk(parse_html("<p><a href='javascript:void(0)'>open</a> and <a href='/more'>more</a></p>"))
    assert block.linked == len("more")
