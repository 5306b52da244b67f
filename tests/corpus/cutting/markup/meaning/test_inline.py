"""Texts of pages with inline elements: visible text in, the same text out."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk


def text_of(html: str) -> str:
    return render(walk(parse_html(html)))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a field of 10<sup>4</sup> ares", "a field of 10⁴ ares"),
        ("9 km<sup>2</sup>, 3 m s<sup>-1</sup>", "9 km², 3 m s⁻¹"),
        ("CO<sub>2</sub> and SO<sub>4</sub><sup>2−</sup>", "CO₂ and SO₄²⁻"),
        ("<sup>235</sup>U is heavy", "²³⁵U is heavy"),
        ("half is <sup>1</sup>/<sub>2</sub>", "half is ¹/₂"),
        ("x<sup>n+1</sup>, x<sub>i</sub>, x<sub>i</sub>y, k<sub>max</sub>", "x^(n+1), x_i, x_(i)y, k_max"),
        ("x<sup>n<sub>1</sub></sup>", "x^(n₁)"),
        ("<b>10</b><sup><i>6</i></sup> cells", "10⁶ cells"),
        ("the 3<sup>rd</sup> and the XIX<sup>th</sup>", "the 3rd and the XIXth"),
        ("Oak<sup>TM</sup> at 20<sup>o</sup>C", "Oak™ at 20°C"),
        ("<sub>a photograph by the river</sub>", "a photograph by the river"),
        ("f(x)<sup>2</sup>, sin<sup>2</sup> y, π r<sup>2</sup>", "f(x)², sin² y, π r²"),
    ],
)
def test_raised_and_lowered_text_keeps_its_place(html: str, text: str) -> None:
    assert text_of(f"<p>{html}</p>") == text
    assert text_of(f"<h2>{html}</h2>") == text
    assert text_of(f"<table><tr><td>left<td>{html}</table>") == f"left | {text}"


def test_ordinals_follow_the_language_of_the_page() -> None:
    sentence = "<body><p>le 2<sup>e</sup> étage, M<sup>me</sup> Roux"
    assert text_of(f"<html lang=fr-FR>{sentence}") == "le 2e étage, Mme Roux"
    assert text_of("<html lang=en><body><p>2<sup>e</sup> grows") == "2^e grows"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("old <del>tin</del> pots", "old pots"),
        ("pots <s>of tin</s><ins>of iron</ins>", "pots of iron"),
        ("pots <strike>of <b>tin</b></strike>.", "pots."),
        ("<del><p>gone</p></del>there", "there"),
        ("<ins><p>new</p></ins>", "new"),
        ("<s><h2>Still open</h2> by accident", "Still open\n\nby accident"),
    ],
)
def test_struck_text_goes_and_inserted_text_stays(html: str, text: str) -> None:
    assert text_of(f"<div>{html}</div>") == text


@pytest.mark.parametrize(
    "html",
    [
        "<ruby>川<rt>かわ</rt></ruby>と<ruby>山<rt>やま</rt></ruby>",
        "<ruby>川<rp>(</rp><rt>かわ</rt><rp>)</rp></ruby>と<ruby>山<rp>(</rp><rt>やま</rt><rp>)</rp></ruby>",
        "<ruby>川<rt>かわ</ruby>と<ruby>山<rp>(<rt>やま<rp>)</ruby>",
        "<ruby>川<rt>かわ<rb>と<rt>と<rb>山<rt>やま</ruby>",
        "<ruby><rb>川</rb><rtc><rt>かわ</rt></rtc></ruby>と<ruby><ruby>山<rt>やま</rt></ruby><rt>mountain</rt></ruby>",
        "<ruby>川<rt><b>か<i>わ</i></b></rt>と</ruby><b><ruby>山<rt>やま</rt></ruby></b>",
    ],
)
def test_readings_of_ruby_text_go(html: str) -> None:
    assert text_of(f"<p>{html}</p>") == "川と山"


@pytest.mark.parametrize(
    ("language", "html", "text"),
    [
        ("en", "<q>one <q>two</q></q>", "“one ‘two’”"),
        ("en", "<q><q>two</q></q>", "“‘two’”"),
        ("de", "<q>eins <b><q>zwei</q></b></q>.", "„eins ‚zwei‘“."),
        ("fr", "<q>un</q>", "« un »"),
        ("ja", "<q>一<q>二</q></q>", "「一『二』」"),
        ("en", "<q lang=de>eins</q>", "„eins“"),
        ("en", "<q>“one”</q> and “<q>two</q>”", "“one” and “two”"),
        ("en", "an empty <q></q> one", "an empty one"),
    ],
)
def test_quotations_have_their_marks(language: str, html: str, text: str) -> None:
    assert text_of(f"<html lang={language}><body><p>{html}</p></html>") == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("hippo<wbr>potamus", "hippopotamus"),
        ("hippo&shy;po&shy;tamus", "hippopotamus"),
        ("<abbr title='and so on'>etc.</abbr> stays", "etc. stays"),
        ("a <bdo dir=rtl>cba</bdo> <bdi>x</bdi> b", "a cba x b"),
        ("well <img alt='🙂' src=a.png> done <img alt='a smiling face' src=b.png>", "well 🙂 done"),
        ("&lt;b&gt; is <kbd>bold</kbd>, <var>x</var> <mark>here</mark>", "<b> is bold, x here"),
    ],
)
def test_words_stay_whole(html: str, text: str) -> None:
    assert text_of(f"<p>{html}</p>") == text


class Piece(NamedTuple):
    """HTML, and what a reader sees of it at some depth of quotations."""

    html: str
    seen: Callable[[int], str]


UP, DOWN = "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"
WORDS = ["river", "stone", "Apfel", "тень", "water", "mill", "εδώ", "lanterns"]


def _plain(html: str, text: str) -> Piece:
    return Piece(html, lambda _: text)


def _levels(number: int, base: str) -> list[Piece]:
    digits = str(number)
    return [
        _plain(f"{base}<sup>{digits}</sup>", base + "".join(UP[int(digit)] for digit in digits)),
        _plain(f"{base}<sub>{digits}</sub>", base + "".join(DOWN[int(digit)] for digit in digits)),
    ]


def _marks(number: int, word: str) -> list[Piece]:
    return [
        _plain(f'{word}<sup><a href="#fn{number}">{number}</a></sup>', word),
        _plain(f'{word}<a role="doc-noteref" href="#n{number}">{number}</a>', word),
        _plain(f'{word}<sup class="reference"><a href="#cite_note-{number}">[{number}]</a></sup>', word),
        _plain(f'{word}<a href="#fn{number}"><sup>{number}</sup></a>', word),
    ]


_word = st.sampled_from(WORDS)
_leaf = st.one_of(
    _word.map(lambda word: _plain(word, word)),
    st.tuples(st.integers(0, 999), st.sampled_from(["10", "m", "H", "x"])).flatmap(
        lambda drawn: st.sampled_from(_levels(*drawn))
    ),
    st.tuples(st.integers(1, 99), _word).flatmap(lambda drawn: st.sampled_from(_marks(*drawn))),
    st.tuples(_word, st.sampled_from(["<wbr>", "&shy;", "&#8203;"]), _word).map(
        lambda drawn: _plain("".join(drawn), drawn[0] + drawn[2])
    ),
    _word.map(lambda word: _plain(f"<ruby>{word}<rp>(</rp><rt>reading</rt><rp>)</rp></ruby>", word)),
    _word.map(lambda word: _plain(f"<math alttext='{word}^2'><mi>{word}</mi></math>", f"${word}^2$")),
)


def _inside(tag: str, pieces: list[Piece]) -> Piece:
    html = f"<{tag}>{' '.join(piece.html for piece in pieces)}</{tag}>"

    def seen(depth: int) -> str:
        if tag in ("del", "s", "strike"):
            return ""
        inner = " ".join(piece.seen(depth + (tag == "q")) for piece in pieces)
        return ("‘" + inner + "’" if depth % 2 else "“" + inner + "”") if tag == "q" else inner

    return Piece(html, seen)


_tree = st.recursive(
    _leaf,
    lambda inner: st.builds(
        _inside,
        st.sampled_from(["b", "i", "span", "ins", "abbr", "bdi", "em", "q", "del", "s", "strike", "small", "u"]),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(_tree, min_size=1, max_size=5), st.sampled_from(["p", "h2", "li", "blockquote", "td"]))
def test_visible_text_in_is_text_out(pieces: list[Piece], container: str) -> None:
    html = " ".join(piece.html for piece in pieces)
    seen = " ".join(" ".join(piece.seen(0) for piece in pieces).split())
    around = f"<table><tr><td>{html}</td></tr></table>" if container == "td" else f"<{container}>{html}</{container}>"
    blocks = walk(parse_html(f"<html><body>{around}<p>end</p></body></html>"))
    assert [block.text for block in blocks] == ([seen] if seen else []) + ["end"]
