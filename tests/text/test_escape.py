"""One function shows text of others in four places: nothing hides in it, drives the place or becomes markup there."""

import unicodedata
from html.parser import HTMLParser

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from builder.text.escape import escape, shortened

UNSEEN = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",  # direction of writing
    *"\u00ad\u034f\u115f\u1160\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2061\u2064\u206a\u206f\u3164\ufeff\uffa0",
    *"\ufff9\ufffb\ufffe\uffff\ufdd0\ufe00\U000e0001\U000e0041\U000e007f\U000e0100\U0001d173\U0001ffff",
    "\ud800",
    "\udfff",
]
ANY_TEXT = st.text(st.characters() | st.sampled_from(UNSEEN) | st.sampled_from("\\`*_[]<>#|~&!${}()-+=:.@'\" 1\n\t"))


@pytest.mark.parametrize("character", UNSEEN, ids=lambda character: f"{ord(character):04X}")
def test_what_cannot_be_seen_is_shown_everywhere(character: str) -> None:
    for target in ("html", "terminal", "markdown", "yaml"):
        shown = escape(f"a{character}b", target)
        if character not in "\n\t" or target == "yaml":
            assert character not in shown
        assert shown.isprintable() or character in "\n\t"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\click", "␛]0;title␇␛]8;;https://evil.example␛\\click"),
        ("\x9b2J\x9d52;c;\x9c", "⟨U+009B⟩2J⟨U+009D⟩52;c;⟨U+009C⟩"),
        ("done\rfailed\b\b\x7f", "done␍failed␈␈␡"),
        ("invoice_\u202egnp.exe", "invoice_⟨U+202E⟩gnp.exe"),
        ("pay\u200bpal \u2066x\u2069", "pay⟨U+200B⟩pal ⟨U+2066⟩x⟨U+2069⟩"),
        ("half \ud83d", "half ⟨U+D83D⟩"),
        ("two\nlines\tand <b>ünïcode</b> ❤\ufe0f 中文 😀", "two\nlines\tand <b>ünïcode</b> ❤\ufe0f 中文 😀"),
    ],
)
def test_terminal(text: str, shown: str) -> None:
    assert escape(text, "terminal") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert('x')</script>", "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;"),
        ('" onclick="x', "&quot; onclick=&quot;x"),
        ("&lt;b&gt; &amp;#60;", "&amp;lt;b&amp;gt; &amp;amp;#60;"),
        ("a\0<\u202eb", "a␀&lt;⟨U+202E⟩b"),
        ("--> ]]> </textarea>", "--&gt; ]]&gt; &lt;/textarea&gt;"),
    ],
)
def test_html(text: str, shown: str) -> None:
    assert escape(text, "html") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", r"a \| b"),
        ("# x\n# y", r"\# x \# y"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[a](b) ![c][d]", r"\[a\](b) \!\[c\]\[d\]"),
        ("- one\n- two", r"\- one - two"),
        ("1. one", r"1\. one"),
        ("--- | :--", r"\--- \| :--"),
        ("**b** _i_ `c` ~~s~~ $x$ {{ y }}", r"\*\*b\*\* \_i\_ \`c\` \~\~s\~\~ \$x\$ \{\{ y \}\}"),
        ("https://evil.example www.evil.example", r"https\://evil.example www\.evil.example"),
        ("&lt; a\u202eb \x1b", r"\&lt; a⟨U+202E⟩b ␛"),
        ("a\\|b\\", r"a\\\|b\\"),
    ],
)
def test_markdown(text: str, shown: str) -> None:
    assert escape(text, "markdown") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no", '"no"'),
        ("a: b # c", '"a: b # c"'),
        ('"quoted" \\ back', r'"\"quoted\" \\ back"'),
        ("x\n---\n- y\t", r'"x\n---\n- y\t"'),
        ("!!python/object", '"!!python/object"'),
        ("a\u202eb\x1b\x85", r'"a\u202Eb\u001B\u0085"'),
        ("\ud800 \U000e0041", r'"\uD800 \U000E0041"'),
    ],
)
def test_yaml(text: str, shown: str) -> None:
    assert escape(text, "yaml") == shown


@given(ANY_TEXT)
@example("".join(UNSEEN))
def test_the_terminal_gets_no_control_character(text: str) -> None:
    kinds = {unicodedata.category(character) for character in escape(text, "terminal") if character not in "\n\t"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}


class Reader(HTMLParser):
    """Collects the text of an element and the value of its attribute; anything else is markup that got through."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", list[tuple[str, list[tuple[str, str | None]]]]()
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


@given(ANY_TEXT)
@example("".join(UNSEEN))
@example("</p><script>&lt;&#60;&quot;\"'")
def test_html_is_read_back_as_the_text_that_is_seen(text: str) -> None:
    seen, shown = escape(text, "terminal"), escape(text, "html")
    for quote in "\"'":
        reader = Reader(f"<p title={quote}{shown}{quote}>{shown}</p>")
        assert reader.text == seen
        assert reader.tags == [("p", [("title", seen)])]


@given(ANY_TEXT)
@example("".join(UNSEEN))
def test_yaml_is_read_back_as_exactly_the_text(text: str) -> None:
    shown = escape(text, "yaml")
    assert "\n" not in shown
    assert shown.encode()  # no lone surrogate is left
    assert yaml.safe_load(f"a: {shown}\nb: [1, {shown}]\n") == {"a": text, "b": [1, text]}


@given(ANY_TEXT)
@example("1. one\n# two\n- three\n| a | b |\n[x]: y")
@example("\\\\|")
@example("    code")
@example("=")
def test_markdown_is_rendered_as_the_text_that_is_seen_wherever_it_stands(text: str) -> None:
    seen, shown = " ".join(escape(text, "terminal").split()), escape(text, "markdown")
    if not seen:
        assert not shown
        return
    plain = seen.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    assert markdown.render(shown) == f"<p>{plain}</p>\n"
    assert markdown.render(f"# {shown}") == f"<h1>{plain}</h1>\n"
    assert markdown.render(f"before\n{shown}") == f"<p>before\n{plain}</p>\n"
    assert markdown.render(f"- {shown}") == f"<ul>\n<li>{plain}</li>\n</ul>\n"
    table = markdown.render(f"| a | b |\n| --- | --- |\n| {shown} | last |\n")
    assert table.count("<td>") == 2
    assert f"<td>{plain}</td>\n<td>last</td>" in table


def test_what_is_no_text_is_shown_as_it_is_printed() -> None:
    assert escape(None, "terminal") == "None"
    assert escape([1, "\x1b"], "html") == "[1, &#x27;\\x1b&#x27;]"


def test_a_long_text_is_cut_at_its_end_or_in_its_middle_with_the_number_of_characters() -> None:
    text = "\x1b" + "a" * 999 + "b" * 1000
    assert shortened(text, 2000) == "␛" + "a" * 999 + "b" * 1000
    assert shortened(text, 6) == "␛aaaaa ... (2,000 characters)"
    assert shortened(text, 6, both_ends=True) == "␛aa ... (1,994 characters) ... bbb"
