# ruff: noqa: E501  # markup of others is as long as it is
import pytest

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

MEDIAWIKI = (
    '<div class="mw-heading mw-heading2"><h2 id="x">{0}</h2><span class="mw-editsection"><span '
    'class="mw-editsection-bracket">[</span><a href="/w/index.php?title=x&amp;action=edit&amp;section=1"><span>{1}</span>'
    '</a><span class="mw-editsection-bracket">]</span></span></div><p>Text.</p>'
)


def texts(html: str) -> list[str]:
    return [block.text for block in walk(parse_html(html))]


@pytest.mark.parametrize(
    "html",
    [
        *(MEDIAWIKI.format("Title", word) for word in ("edit", "bearbeiten", "править", "編集", "a word of no list")),
        '<h2><span class="mw-headline">Title</span><span class="mw-editsection">[<a href="?action=edit">modifier</a> | '
        '<a href="?veaction=edit">modifier le code</a>]</span></h2><p>Text.</p>',
        '<h2>Title <a href="?do=edit">[editar]</a></h2><p>Text.</p>',
        "<h2>Title [<a href='#'>редактировать</a>]</h2><p>Text.</p>",
        '<h2>Title</h2><a href="https://github.com/a/b/edit/main/x.md">Edit on GitHub</a><p>Text.</p>',
        '<header><h2>Title</h2><a href="/edit">Diese Seite bearbeiten</a></header><p>Text.</p>',
        '<h2>Title</h2><div class="x"><a href="/e">Edit this page</a></div><p>Text.</p>',
        '<div class="markdown-heading"><h2 class="heading-element">Title</h2><a class="anchor" href="#t" '
        'aria-label="Permalink: Title"><svg></svg></a></div><p>Text.</p>',
        '<h2 class="anchor">Title<a href="#t" class="hash-link" aria-label="Direct link to Title">&#8203;</a></h2><p>Text.</p>',
        '<h2>Title<a class="headerlink" href="#t" title="Link to this heading">¶</a></h2><p>Text.</p>',
        '<h2><a class="viewcode-link" href="_modules/a.html#b"><span class="pre">[source]</span></a>Title</h2><p>Text.</p>',
        '<section><a class="src rightside" href="../src/a.rs.html#1-9">Source</a><a href="#t" class="anchor">§</a>'
        "<h2>Title</h2></section><p>Text.</p>",
        '<h2><a href="../src/a.rs.html#1">[src]</a>Title</h2><p>Text.</p>',
        '<h2><span class="permalink"><a href="#t">◆&nbsp;</a></span>Title</h2><p>Text.</p>',
        '<div class="wrap"><h2 id="t">Title</h2><a class="sl-anchor-link" href="#t"><span>Section titled “Title”</span></a>'
        "</div><p>Text.</p>",
        '<h2>Title <button class="copy">Copy link to section</button></h2><p>Text.</p>',
        '<h2>Title</h2><p>Text.</p><div><a href="https://x.example/edit">Edit this page</a></div>',
        '<h2>Title</h2><p>Text.</p><ul><li><a href="_sources/x.rst.txt">Show Source</a></li></ul>',
    ],
)
def test_links_to_edit_to_the_source_or_to_itself_are_no_part_of_a_heading(html: str) -> None:
    assert texts(html) == ["Title", "Text."]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<h2><a href="#t" class="anchor">Title</a></h2>', ["Title"]),
        ('<h2>1. <a class="header-anchor" href="#t"><span>Title</span></a></h2>', ["1. Title"]),
        ('<h2>How to <a href="/edit">edit</a></h2>', ["How to edit"]),
        ('<h2><a href="/edit">Edit</a></h2>', ["Edit"]),
        ('<h2>Open <a href="/s">source</a></h2>', ["Open source"]),
        ("<h2>Title</h2><a href='/x'>Edit</a> the file by hand.", ["Title", "Edit the file by hand."]),
        ("<p>You can <a href='/x'>edit this page</a> at any time.</p>", ["You can edit this page at any time."]),
        ("<h2>Title</h2><p>Source</p>", ["Title", "Source"]),
        ("<h2>Title</h2><p><a href='/x'>Modifier</a> la page.</p>", ["Title", "Modifier la page."]),
    ],
)
def test_words_of_a_heading_and_of_sentences_stay(html: str, expected: list[str]) -> None:
    assert texts(html) == expected


def test_terms_of_manuals_lose_their_links_to_the_source() -> None:
    html = (
        '<dl><dt>class <b>Mean</b><a class="reference internal" href="_modules/m.html#Mean"><span class="viewcode-link">'
        '<span>[source]</span></span></a><a class="headerlink" href="#Mean">¶</a></dt><dd>Finds a mean.</dd></dl>'
    )
    assert texts(html) == ["class Mean", "Finds a mean."]


@pytest.mark.parametrize("label", ["Edit", "Bearbeiten", "Modifier", "[edit]", "編集"])
def test_buttons_that_only_say_edit_are_left_out_wherever_they_are(label: str) -> None:
    html = (
        f"<h2>Lock</h2><p>It opens.</p><div class=secedit><form><button>{label}</button></form></div><p>It closes.</p>"
    )
    assert [block.text for block in walk(parse_html(html))] == ["Lock", "It opens.", "It closes."]


def test_buttons_that_say_more_are_text() -> None:
    html = "<p>It opens.</p><button>Edit the gate</button>"
    assert [block.text for block in walk(parse_html(html))] == ["It opens.", "Edit the gate"]


def test_what_a_writer_of_a_forum_is_heads_no_text() -> None:
    post = (
        '<article class="message"><h4 class="message-name"><a href="/u/1" itemprop="name">oldMiller</a></h4>'
        '<h5 class="userTitle message-userTitle"{}>Distinguished Member</h5><p>Rye needs a hotter oven.</p></article>'
    )
    for told in ("", ' itemprop="jobTitle"'):
        blocks = walk(parse_html(post.format(told) * 2))
        assert [(block.kind, block.text) for block in blocks[:3]] == [
            ("heading", "oldMiller"), ("text", "Distinguished Member"), ("text", "Rye needs a hotter oven."),
        ]  # fmt: skip
    assert walk(parse_html('<h5 class="user-title">Title</h5><p>Text.</p>'))[0].kind == "heading"
