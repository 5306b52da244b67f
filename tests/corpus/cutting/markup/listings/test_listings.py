# ruff: noqa: E501  # markup of others is as long as it is
from collections.abc import Callable
from html import escape

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builder.method.corpus.cutting.blocks import Block, render
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk
from tests.support.listing_forms import GUTTERS

CODE = "def mean(values):\n    total = sum(values)\n\n    # a note\n    return total / len(values)"


def listings(html: str) -> list[Block]:
    return [block for block in walk(parse_html(html)) if block.kind == "code"]


def code(html: str) -> str:
    return "\n-----\n".join(block.text for block in listings(html))


def around(html: str) -> list[str]:
    """All texts of a page that has a listing between two paragraphs."""
    return [block.text for block in walk(parse_html(f"<p>Before.</p>{html}<p>After.</p>"))]


@pytest.mark.parametrize("form", GUTTERS, ids=lambda form: form.__name__)
@pytest.mark.parametrize(
    "text",
    [CODE, "1\n2\n3", "a\n\n\n  b\n 7 c", "\tx = 1;\n12 + y\n\n<b>&amp;"],
    ids=["code", "numbers", "gaps", "tabs"],
)
def test_numbers_of_lines_are_no_code(form: Callable[[str], str], text: str) -> None:
    assert around(form(text)) == ["Before.", text.lstrip("\n"), "After."]


LINES = st.lists(
    st.text(st.sampled_from("abz019 \t.:#<>&$|%'\"[]{}()=-é中"), max_size=12).map(str.rstrip), min_size=2, max_size=8
)


@given(LINES, st.sampled_from(GUTTERS))
@settings(max_examples=300, deadline=None)
def test_code_comes_back_as_it_is_from_any_gutter(lines: list[str], form: Callable[[str], str]) -> None:
    assume(lines[0][:1].strip() and lines[-1])  # where code begins with a space, so may the gap after the numbers
    text = "\n".join(lines)
    if form.__name__ in ("syntax_highlighter", "list_without_pre", "monaco"):
        assume("\t" not in text)  # these write blanks as non-breaking spaces
    assert around(form(text)) == ["Before.", text, "After."]


@given(LINES)
@settings(max_examples=100, deadline=None)
def test_a_plain_listing_comes_back_as_it_is(lines: list[str]) -> None:
    assume(lines[0] and lines[-1])
    text = "\n".join(lines)
    assert code(f"<pre><code>{escape(text)}</code></pre>") == text
    assert code("<pre>" + "".join(f"<div>{escape(line)}</div>" for line in lines) + "</pre>") == text


@pytest.mark.parametrize(
    "html",
    [
        "<pre><div>if x:</div><div>    y()</div><div></div><div>z()</div></pre>",
        "<pre>if x:<br>    y()<br><br>z()</pre>",
        "<pre>if x:\r\n&nbsp;&nbsp;&nbsp; y()\r\n\r\nz()</pre>",
        "<pre><code><p>if x:</p><p>    y()</p><p>\n</p><p>z()</p></code></pre>",
        '<pre><code><span class="line">if x:</span><span class="line">    y()</span><span class="line"></span>'
        '<span class="line">z()</span></code></pre>',
        '<p><code style="white-space: pre">if x:\n    y()\n\nz()</code></p>',
        "<p><code>if x:<br>&nbsp;&nbsp;&nbsp;&nbsp;y()<br>\n<br>\nz()</code></p>",
        "<p><code>if x:</code><br>\n<code>&nbsp;&nbsp;&nbsp; y()</code><br><br><code>z()</code></p>",
        '<div class="w3-code notranslate">\n  if x:<br>&nbsp;&nbsp;&nbsp; <span>y</span>()<br><br>z()\n</div>',
        '<div style="font-family: Menlo, monospace; white-space: pre;"><div>if x:</div><div>    y()</div><br>'
        "<div>z()</div></div>",
        '<div class="ace_editor"><div class="ace_gutter"><div class="ace_gutter-cell">1</div></div><div '
        'class="ace_layer ace_text-layer"><div class="ace_line">if x:</div><div class="ace_line">    y()</div>'
        '<div class="ace_line"></div><div class="ace_line">z()</div></div></div>',
    ],
)
def test_lines_blank_lines_and_indentation_stay(html: str) -> None:
    assert around(html) == ["Before.", "if x:\n    y()\n\nz()", "After."]


@pytest.mark.parametrize(
    "html",
    [
        '<div class="code"><button>Copy</button><pre><code>x = 1</code></pre></div>',
        '<pre><code>x = 1</code><button class="b">Kopieren</button></pre>',
        '<div><pre>x = 1</pre><clipboard-copy value="x"><svg></svg>Copied!</clipboard-copy></div>',
        '<div class="codebox"><p>Code: <a href="#">Select all</a></p><pre><code>x = 1</code></pre></div>',
        '<div class="box"><div class="head"><span>Python</span><span>Copy code</span></div><div><pre>x = 1</pre></div></div>',
        '<pre>x = 1</pre><div class="copy-btn">コピー</div>',
        '<div class="cell"><div class="prompt input_prompt">In&nbsp;[1]:</div><div><pre>x = 1</pre></div></div>',
        '<pre><span class="copy-button">Copy</span>x = 1</pre>',
        '<div><div>Expand</div><pre>x = 1</pre><div role="button">Show more</div></div>',
    ],
)
def test_buttons_and_labels_of_a_listing_are_left_out(html: str) -> None:
    assert around(html) == ["Before.", "x = 1", "After."]


@pytest.mark.parametrize(
    ("html", "texts"),
    [
        ("<div><p>Copy the file first.</p><pre>x = 1</pre></div>", ["Copy the file first.", "x = 1"]),
        ("<div>app.py<pre>x = 1</pre></div>", ["app.py", "x = 1"]),
        ("<p>Python</p><pre>x = 1</pre>", ["Python", "x = 1"]),
        ("<table><tr><td>1</td><td><code>EPERM</code></td></tr><tr><td>2</td><td>b</td></tr></table>", None),
        ('<table><tr><td class="gutter"></td><td><p>A page.</p></td></tr></table>', ["A page."]),
        ('<table><tr><td class="num">1</td><td><pre>x</pre></td></tr></table>', ["1", "x"]),
        ("<pre>1 apple\n2 pears\n3 plums</pre>", ["1 apple\n2 pears\n3 plums"]),
        ('<pre><span class="mi">1</span> apple\n<span class="mi">2</span> pears</pre>', ["1 apple\n2 pears"]),
        ("<pre>1\n2\n3</pre><pre>one line</pre>", ["1\n2\n3", "one line"]),
        ("<pre><del>- old</del>\n<ins>+ new</ins></pre>", ["- old\n+ new"]),
        ("<pre><h2>1. Head</h2>\nBody of a memo.</pre>", ["1. Head", "Body of a memo."]),
    ],
)
def test_what_only_resembles_them_stays(html: str, texts: list[str] | None) -> None:
    expected = texts if texts is not None else ["1", "EPERM", "2", "b"]
    assert around(html) == ["Before.", *expected, "After."]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<pre><span class="gp">$ </span>make\n<span class="gp">$ </span>make check</pre>', "make\nmake check"),
        ('<pre><span class="gp">&gt;&gt;&gt; </span>for x in y:\n<span class="gp">... </span>    z(x)</pre>',
         "for x in y:\n    z(x)"),
        ('<pre><span class="gp">&gt;&gt;&gt; </span>1 + 1\n<span class="go">2</span></pre>', ">>> 1 + 1\n2"),
        ('<pre><span style="user-select: none">$</span> pip install x</pre>', "pip install x"),
        ('<pre><span class="prompt">user@host:~$</span> a \\\n  --b</pre>', "a \\\n  --b"),
        ('<pre><code class="prompt">db=&gt;</code> <b>SELECT 1;</b>\n 1\n(1 row)</pre>', "db=> SELECT 1;\n 1\n(1 row)"),
        ("<pre>$ make\n$ make check</pre>", "$ make\n$ make check"),
        ("<pre>&gt;&gt;&gt; 1 + 1\n2</pre>", ">>> 1 + 1\n2"),
        ('<pre><span class="gp">In [1]: </span>x = 2\n\n<span class="gp">In [2]: </span>y</pre>', "x = 2\n\ny"),
        ('<pre><span class="prompt">db=&gt;</span></pre>', "db=>"),
        ("<pre># a note\n# and another\n$PATH</pre>", "# a note\n# and another\n$PATH"),
    ],
)  # fmt: skip
def test_prompts_go_where_all_was_typed_and_stay_in_sessions(html: str, text: str) -> None:
    assert code(html) == text


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<pre><code class="language-python">x</code></pre>', "python"),
        ('<pre class="lang-js prettyprint">x</pre>', "js"),
        ('<div class="highlight-ruby notranslate"><div class="highlight"><pre><span></span>x</pre></div></div>', "ruby"),
        ('<pre class="brush: sql; gutter: true">x</pre>', "sql"),
        ('<pre data-lang="Go"><code>x</code></pre>', "go"),
        ('<div class="sourceCode"><pre class="sourceCode haskell"><code class="sourceCode haskell">x</code></pre></div>',
         "haskell"),
        ('<div class="highlight highlight-source-shell"><pre>x</pre></div>', "shell"),
        ('<code-block><div class="head"><span class="language-name">css</span></div><pre><code>x</code></pre></code-block>',
         "css"),
        ('<pre class="EnlighterJSRAW" data-enlighter-language="rust">x</pre>', "rust"),
        ('<div class="mw-highlight mw-highlight-lang-ini"><pre>x</pre></div>', "ini"),
        ('<pre><code class="language-none">x</code></pre>', ""),
        ('<pre class="literal-block">x</pre>', ""),
        ('<body class="lang-en"><div class="text"><pre>x</pre></div></body>', ""),
    ],
)  # fmt: skip
def test_the_language_is_kept_where_the_page_names_it(html: str, language: str) -> None:
    [block] = listings(html)
    assert (block.text, block.fence) == ("x", language)
    assert render([block]) == f"```{language}\nx\n```"


def test_a_fence_is_longer_than_any_in_the_code() -> None:
    [block] = listings("<pre><code class='language-md'>```\nx\n```\n````</code></pre>")
    assert render([block]) == "`````md\n```\nx\n```\n````\n`````"


def test_preformatted_prose_has_no_fence() -> None:
    html = "<pre>The fog comes\non little cat feet, softly.\n\nIt sits looking\nover harbour and city, quietly.</pre>"
    assert render(listings(html)).startswith("The fog")
    assert render(listings("<pre>if (a) { b(); }</pre>")).startswith("```")


def test_a_page_cannot_name_a_fence_itself() -> None:
    assert [block.fence for block in listings('<pre fence="x y">Dear Ann, we came, we saw. All is well.</pre>')] == [
        None
    ]


def test_a_listing_in_a_list_or_table_keeps_its_place() -> None:
    html = "<ul><li>Run:<pre><code>a\n  b</code></pre></li><li>Done</li></ul>"
    assert render(walk(parse_html(html))) == "- Run:\n\n```\na\n  b\n```\n\n- Done"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("1 odd|2 even|4 even", "1\nodd\n2\neven\n4\neven"),
        ("2 odd|1 even", "2\nodd\n1\neven"),
        ("1 odd", "1\nodd"),
        ("1 |2 |3 ", "1\n\n2\n\n3"),
        ("01 a|x b", "01\na\nx\nb"),
    ],
)
def test_numbers_before_blocks_that_do_not_count_are_code(rows: str, text: str) -> None:
    lines = (row.split(" ") for row in rows.split("|"))
    html = "".join(f"<div><span>{number}</span><div>{line}</div></div>" for number, line in lines)
    assert code(f"<pre>{html}</pre>").rstrip("\n") == text
