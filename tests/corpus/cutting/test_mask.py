"""Each rule by a page made up for it: what speaks for a block, what against it, and who is asked."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_pages import page, paragraphs, sentence

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.content import extractors
from builder.method.corpus.cutting.content.extractors import Mode, main_blocks, resiliparse_text, trafilatura_text
from builder.method.corpus.cutting.content.heard import key
from builder.method.corpus.cutting.content.mask import Evidence
from builder.method.corpus.cutting.content.points import points_of
from builder.method.corpus.cutting.markup.source import MAX_TAGS, parse_html, refuse
from builder.method.corpus.cutting.regions import settle
from builder.method.corpus.cutting.segmenter import cut
from builder.method.corpus.cutting.walk import walk

TEXTS = paragraphs(11, count=12, words=30)
LINE = "a line without a full stop that no extractor has kept"


def kept(html: str, mode: Mode = "cascade") -> list[str]:
    """Texts of the blocks that are main content."""
    blocks = walk(tree := parse_html(html))
    numbers = main_blocks(html, tree, blocks, mode)
    return [block.text for block in blocks if block.number in numbers]


def judged(html: str, resiliparse: list[str], trafilatura: list[str] | None = None, **facts: bool) -> list[str]:
    """The same, with extractors that say what they are told to."""
    blocks = walk(parse_html(html))
    evidence = Evidence(blocks, "\n".join(resiliparse), **facts)
    numbers = evidence.main_content(None if trafilatura is None else "\n".join(trafilatura)).kept
    return [block.text for block in blocks if block.number in numbers]


def article(*more: str, end: str = "") -> str:
    """A page with a title, two sections, `more` between them and `end` after them."""
    body = f"<h1>On rivers</h1><p>{TEXTS[0]}</p><h2>Sources</h2><p>{TEXTS[1]}</p><p>{TEXTS[2]}</p>"
    end = f"<h2>Mouths</h2><p>{TEXTS[3]}</p><p>{TEXTS[4]}</p>{end}"
    return f"<html><body><div class=page>{body}{''.join(more)}{end}</div></body></html>"


@pytest.mark.parametrize("mode", ["learned", "cascade", "overlay", "fast"])
def test_the_paragraphs_of_a_plain_page_stay_in_every_mode(mode: Mode) -> None:
    assert kept(page(7), mode) == [text for index in range(3) for text in paragraphs(7_000 + index)]


def test_what_the_extractors_keep_stays_and_what_they_leave_out_at_the_end_goes() -> None:
    found = judged(article(end=f"<p>{LINE}</p>"), TEXTS[:5], TEXTS[:5])
    assert found == TEXTS[:5]
    assert LINE in judged(article(end=f"<p>{LINE}</p>"), [*TEXTS[:5], LINE], [*TEXTS[:5], LINE])


@pytest.mark.parametrize(
    "box",
    [
        "<aside>{}</aside>",
        "<footer>{}</footer>",
        "<div role=dialog>{}</div>",
        "<div class=related-posts>{}</div>",
        "<div id=comments>{}</div>",
        "<div class='newsletter-signup'>{}</div>",
        "<div class=cookieBanner>{}</div>",
        "<div class=site-footer>{}</div>",
        "<h3>Related articles</h3>{}",
        "<h3>Leave a reply</h3>{}",
    ],
)
def test_boxes_that_are_not_content_go_and_what_is_around_them_stays(box: str) -> None:
    assert judged(article(f"<div><p>{LINE}</p></div>"), TEXTS[:5]) == [*TEXTS[:3], LINE, *TEXTS[3:5]]
    assert judged(article(box.format(f"<p>{LINE}</p>")), TEXTS[:5]) == TEXTS[:5]


def test_what_resiliparse_alone_leaves_out_counts_less_than_what_both_leave_out() -> None:
    card = f"<h3><a href=/more>A card</a></h3><p>{LINE}</p>"
    assert LINE in judged(article(card), TEXTS[:5])
    assert LINE not in judged(article(card), TEXTS[:5], TEXTS[:5])
    assert LINE not in judged(article(f"<div class=related>{card}</div>"), TEXTS[:5])


def test_margins_go_whatever_they_say_unless_an_extractor_keeps_them() -> None:
    html = article(f"<aside><p>{TEXTS[5]}</p></aside>")
    assert TEXTS[5] not in judged(html, TEXTS[:5])
    assert TEXTS[5] in judged(html, TEXTS[:6])


@pytest.mark.parametrize("name", ["legal-text", "disclaimer", "offerDisclaimers"])
def test_legal_text_goes_though_both_extractors_keep_it(name: str) -> None:
    html = article(end=f"<div class={name}><p>{TEXTS[5]}</p></div>")
    assert judged(html, TEXTS[:6], TEXTS[:6]) == TEXTS[:5]
    assert judged(html.replace(name, "closing-words"), TEXTS[:6], TEXTS[:6]) == TEXTS[:6]


def test_a_page_of_legal_text_and_a_text_on_law_stay() -> None:
    html = article().replace("class=page", "class=legal")
    assert judged(html, TEXTS[:5], TEXTS[:5]) == TEXTS[:5]
    box = article(end=f"<div class='post category-legal'><p>{TEXTS[5]}</p></div>")
    assert judged(box, TEXTS[:6], TEXTS[:6]) == TEXTS[:6]


def test_testimonials_are_worth_more_than_reviews() -> None:
    marks = [points_in(name) for name in ("testimonials", "plain", "reviews")]
    assert marks == sorted(set(marks), reverse=True)


def points_in(name: str) -> float:
    """Points of a line in a box with this class."""
    blocks = walk(parse_html(article(f"<div class={name}><p>{LINE}</p></div>")))
    (number,) = [block.number for block in blocks if block.text == LINE]
    keys, sizes = [key(block.text) for block in blocks], [0 if block.level else len(block.text) for block in blocks]
    return points_of(blocks, keys, sizes, [settle(block.region, sum(sizes)) for block in blocks])[number]


def test_a_name_that_most_of_the_text_has_says_nothing() -> None:
    posts = "".join(
        f"<div class=comment><h3>Member {index}</h3><p>{text}</p></div>" for index, text in enumerate(TEXTS)
    )
    assert judged(f"<h1>A thread</h1>{posts}", TEXTS, []) == TEXTS
    few = "".join(f"<div class=comment><p>{LINE} {index}</p></div>" for index in range(3))
    assert judged(article(few), TEXTS[:5]) == TEXTS[:5]


def test_comments_are_the_content_of_conversations() -> None:
    html = article(f"<div class=comments><p>{LINE}</p></div>")
    assert LINE not in judged(html, TEXTS[:5])
    assert LINE in judged(html, TEXTS[:5], conversation=True)


def test_pages_say_themselves_that_they_are_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractors, "resiliparse_text", lambda tree: "\n".join(TEXTS[:5]))
    script = '<script type="application/ld+json">{"@type": "KIND"}</script>'
    html = article(f"<div class=comments><p>{LINE}</p></div>")
    assert LINE not in kept(html, "fast")
    declared = html.replace("<body>", f"<body>{script}")
    assert LINE in kept(declared.replace("KIND", "DiscussionForumPosting"), "fast")
    assert LINE not in kept(declared.replace("KIND", "QAPage"), "fast")  # remarks under answers


def test_short_texts_must_be_lines_of_their_own() -> None:
    html = article(end="<p>Rivers</p>")
    assert "Rivers" not in judged(html, [*TEXTS[:4], f"Rivers {TEXTS[4]}"])
    assert "Rivers" in judged(html, [*TEXTS[:5], "Rivers"])


def test_lists_of_short_items_stay_whole() -> None:
    items = [f"piece {index}" for index in range(40)]
    html = article("<ul>" + "".join(f"<li>{item}" for item in items) + "</ul>")
    found = judged(html, [*TEXTS[:5], *items], [*TEXTS[:5], *items[:30]])
    assert [text for text in found if text.startswith("piece")] == items


def test_tables_stay_whole_or_go() -> None:
    rows = [["reach", "length"], ["upper", "12 km"], ["lower", "30 km"]]
    cells = [cell for row in rows for cell in row]
    table = "<table>" + "".join("<tr><td>" + "<td>".join(row) for row in rows) + "</table>"
    html = article(table)
    found = judged(html, [*TEXTS[:5], *cells[:5]], [*TEXTS[:5], *cells[:4]])
    assert [text for text in found if text in cells] == cells
    box = f"<div class=related>{table}</div>"
    assert [text for text in judged(article(box), [*TEXTS[:5], "upper"], TEXTS[:5]) if text in cells] == []


def test_code_stays_though_the_extractors_have_lost_it() -> None:
    code = "for item in range(10):\n    print(item, end='')"
    assert code in judged(article(f"<pre>{code}</pre>"), TEXTS[:5], TEXTS[:5])


@pytest.mark.parametrize("line", ["Tags: rivers, water", "Posted in Travel", "Share this", "© 2020 River Press"])
def test_lines_of_furniture_at_the_end_go_though_resiliparse_keeps_them(line: str) -> None:
    assert line not in judged(article(end=f"<p>{line}</p>"), [*TEXTS[:5], line])
    assert "Nothing new" in judged(article(end="<p>Nothing new</p>"), [*TEXTS[:5], "Nothing new"])


def test_answers_under_questions_stay_where_other_sentences_of_their_box_go() -> None:
    answer = "It is four days away by boat."
    box = f"<div class=more-questions><h3>{{}}</h3><p>{answer}</p></div>"
    assert answer in judged(article(box.format("How far is the mouth?")), TEXTS[:2])
    assert answer not in judged(article(box.format("To the mouth")), TEXTS[:2])


def test_texts_that_stand_three_times_on_a_page_go() -> None:
    def cards(count: int) -> str:
        return article("".join(f"<div><p>Card {index}</p><p>Look closer</p></div>" for index in range(count)))

    assert "Look closer" in judged(cards(2), [*TEXTS[:5], "Look closer"], [*TEXTS[:5], "Look closer"])
    assert "Look closer" not in judged(cards(3), [*TEXTS[:5], "Look closer"], TEXTS[:5])


def test_links_are_the_content_of_pages_that_list_others() -> None:
    links = [f"{LINE} of entry {index}" for index in range(12)]

    def listing(prose: str) -> str:
        items = "".join(f"<p><a href='/entry/{index}'>{link}</a></p>" for index, link in enumerate(links))
        return f"<html><body><h1>All entries</h1>{items}{prose}</body></html>"

    box = "".join(f"<p>{text}</p>" for text in TEXTS) * 2
    assert judged(listing(""), [], links) == links
    assert points_of_link(listing(box)) < points_of_link(listing(""))


def points_of_link(html: str) -> float:
    """Points of the second block of a page, which is a link."""
    blocks = walk(parse_html(html))
    sizes = [0 if block.level else len(block.text) for block in blocks]
    return points_of(blocks, [key(block.text) for block in blocks], sizes, [0] * len(blocks))[1]


def test_trafilatura_is_not_asked_on_pages_of_too_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(extractors, "trafilatura_text", lambda tree: asked.append(True) or "")
    monkeypatch.setattr(extractors, "MOST_BLOCKS", 5)
    kept(article(), "overlay")
    assert asked == []
    monkeypatch.setattr(extractors, "MOST_BLOCKS", 50)
    kept(article(), "overlay")
    assert asked == [True]


def test_what_is_outside_of_the_container_of_the_content_counts_less() -> None:
    paragraphs_ = "".join(f"<p>{text}</p>" for text in TEXTS[:5])
    box = f"<div><p>{LINE}</p></div>"
    inside = f"<div><div><h1>A</h1>{paragraphs_}{box}</div></div>"
    outside = f"<div><div><h1>A</h1>{paragraphs_}</div>{box}</div>"
    assert LINE in judged(inside, [*TEXTS[:5], LINE], TEXTS[:5])
    assert LINE not in judged(outside, [*TEXTS[:5], LINE], TEXTS[:5])


def test_trafilatura_is_asked_only_where_there_is_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(extractors, "trafilatura_text", lambda tree: asked.append(tree) or "\n".join(TEXTS))
    kept(page(3))
    kept(page(3), "fast")
    assert asked == []
    kept(page(3), "overlay")
    assert len(asked) == 1
    monkeypatch.setattr(extractors, "DOUBT", -1.0)
    kept(page(3))
    assert len(asked) == 2


def test_a_page_without_text_has_no_content() -> None:
    assert judged("<h1>Nothing</h1>", []) == []


def test_extractors_survive_half_of_a_surrogate_pair() -> None:
    html = page(2).replace("<h2>", "<p>\ud83d half</p><h2>", 1)
    assert resiliparse_text(parse_html(html))
    assert trafilatura_text(parse_html(html))
    assert kept(html)


def test_the_guard_refuses_what_parsers_hang_on_and_what_has_no_heading() -> None:
    assert refuse("<p>text</p>") == "no_headings"
    assert refuse("<h1>x</h1>" + "<p>x" * (MAX_TAGS + 1)) == "too_many_tags"
    assert refuse("<h1>x</h1>" + "<b>x</b>" * (MAX_TAGS + 1)) == ""
    assert refuse(page(1)) == ""


def test_keys_know_no_white_space() -> None:
    assert key("one\n two\u00a0three") == key("onetwothree")


_tags = st.sampled_from(
    [
        "div",
        "p",
        "h1",
        "h2",
        "h3",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "td",
        "pre",
        "nav",
        "aside",
        "article",
        "main",
        "a",
        "b",
    ]
)
_names = st.sampled_from(["", " class=content", " class='post comment'", " id=footer", " role=main", " hidden"])
_leaf = st.integers(0, 10**6).map(lambda seed: f"t{seed}x " + sentence(random.Random(seed), seed % 25))
_trees = st.recursive(
    _leaf,
    lambda inner: st.tuples(_tags, _names, st.lists(inner, max_size=5)).map(
        lambda made: f"<{made[0]}{made[1]}>{''.join(made[2])}</{made[0]}>"
    ),
    max_leaves=40,
)


@settings(max_examples=150, deadline=None)
@given(
    _trees,
    st.sampled_from(["tree", "any"]),
    st.sampled_from(["learned", "cascade", "overlay", "fast"]),
    st.integers(50, 2_000),
)
def test_any_tree_gives_each_text_once_in_order(html: str, boundary: str, mode: Mode, most: int) -> None:
    html = f"<html><body><h1>Start</h1>{html}</body></html>"
    blocks = walk(tree := parse_html(html))
    segments = cut(blocks, main_blocks(html, tree, blocks, mode), boundary=boundary, max_chars=most)  # type: ignore[arg-type]
    numbers = [number for segment in segments for number in segment.kept_blocks]
    assert numbers == sorted(set(numbers))
    positions = [segment.position for segment in segments]
    assert positions == sorted(set(positions))
    for segment in segments:
        assert segment.text == render(blocks[number] for number in segment.kept_blocks)
