from itertools import pairwise

import pytest
from corpus_pages import page, paragraphs
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus.segmenter import Segment, choose_blocks, cut, main_content
from builder.corpus.walk import parse, render, walk

ALL = 10**9


def segments_of(html: str, boundary: str = "tree", max_chars: int = ALL, content: str | None = None) -> list[Segment]:
    tree = parse(html)
    blocks = walk(tree)
    text = render(blocks) if content is None else content
    return cut(blocks, text, boundary=boundary, max_chars=max_chars)  # type: ignore[arg-type]


def long(word: str) -> str:
    return f"<p>{word} " + "this is a paragraph of some length with many words in it. " * 3 + "</p>"


NESTED = f"<h1>Top</h1>{long('lead')}<h2>A</h2>{long('alpha')}<h3>A1</h3>{long('deep')}<h2>B</h2>{long('beta')}"


def test_any_ends_at_every_heading() -> None:
    segments = segments_of(NESTED, "any")
    assert [item.header for item in segments] == ["Top", "A", "A1", "B"]
    assert [item.text.split()[0] for item in segments] == ["lead", "alpha", "deep", "beta"]
    assert [item.position for item in segments] == [0, 1, 2, 3]
    assert segments[2].path == ("Top", "A")
    assert segments[3].path == ("Top",)


def test_tree_keeps_together_what_fits() -> None:
    (whole,) = segments_of(NESTED)
    assert (whole.header, whole.level) == ("Top", 1)
    assert [line for line in whole.text.splitlines() if len(line) < 10 and line] == ["A", "A1", "B"]


def test_tree_descends_where_it_does_not_fit() -> None:
    segments = segments_of(NESTED, max_chars=450)
    assert [item.header for item in segments] == ["Top", "A", "B"]
    assert segments[0].text.startswith("lead")
    assert "alpha" not in segments[0].text
    assert "\n\nA1\n\ndeep" in segments[1].text


@pytest.mark.parametrize("boundary", ["tree", "any"])
@pytest.mark.parametrize("max_chars", [1, 300, 450, 700, ALL])
def test_each_block_is_emitted_once(boundary: str, max_chars: int) -> None:
    numbers = [number for item in segments_of(NESTED, boundary, max_chars) for number in item.kept_blocks]
    assert len(numbers) == len(set(numbers))
    words = " ".join(item.text for item in segments_of(NESTED, boundary, max_chars))
    for word in ("lead", "alpha", "deep", "beta"):
        assert words.count(word) == 1


def test_a_heading_of_headings_merges_or_goes() -> None:
    html = f"<h2>Group</h2><h3>One</h3>{long('first')}<h3>Two</h3>{long('second')}"
    (whole,) = segments_of(html)
    assert whole.header == "Group"
    assert whole.text.startswith("One\n\nfirst")
    assert [item.header for item in segments_of(html, "any")] == ["One", "Two"]


def test_boilerplate_is_left_out_and_headings_without_text_die() -> None:
    content = "alpha " + "this is a paragraph of some length with many words in it. " * 3
    html = f"<h1>Top</h1>{long('alpha')}<p>Share</p><h2>Related</h2>{long('other')}<h2>Empty</h2>"
    (only,) = segments_of(html, content=content + "Share")
    assert only.header == "Top"
    assert "other" not in only.text
    assert "Related" not in only.text
    assert "Share" not in only.text  # short, with long text that stays on one side only


def test_short_blocks_between_long_ones_stay() -> None:
    html = f"<h1>Top</h1>{long('alpha')}<p>Note:</p><nav>Note:</nav>{long('beta')}<ul><li>end item</ul>"
    (only,) = segments_of(html)
    assert only.text.count("Note:") == 1
    assert only.text.endswith("- end item")


def test_code_between_text_stays_though_the_extractor_lost_it() -> None:
    html = f"<h1>Top</h1>{long('alpha')}<pre>x = [i for i in range(10)]\nprint(x, end='---')</pre>{long('beta')}"
    content = " ".join(block.text for block in walk(parse(html)) if block.kind != "code")
    (only,) = segments_of(html, content=content)
    assert "range(10)]\nprint" in only.text


def test_a_repeated_header_is_taken_off_the_text() -> None:
    (only,) = segments_of(f"<h2>The same words, here as there!</h2><p>The same words here as there</p>{long('x')}")
    assert only.text.startswith("x this")


def test_no_content_means_no_segments() -> None:
    assert segments_of(NESTED, content="") == []
    assert segments_of("<p>no heading at all</p>") == []


def test_the_extractor_finds_the_content_of_a_plain_page() -> None:
    tree = parse(page(7))
    blocks = walk(tree)
    content = main_content(tree)
    assert paragraphs(7_000)[0] in content
    kept = choose_blocks(blocks, content)[0]
    assert [block.text for block in blocks if block.number in kept] == [
        text for index in range(3) for text in paragraphs(7_000 + index)
    ]


_pages = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["h1", "h2", "h3", "h6"]), st.sampled_from(["Alpha", "Beta", "Gamma", ""])),
        st.tuples(st.sampled_from(["p", "li", "pre", "td"]), st.text("ab \n", max_size=80)),
    ),
    max_size=25,
).map(lambda items: "<p>.</p>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in items))


@settings(max_examples=200, deadline=None)
@given(_pages, st.sampled_from(["tree", "any"]), st.integers(1, 400))
def test_segments_are_ordered_disjoint_and_rebuilt_from_their_blocks(html: str, boundary: str, most: int) -> None:
    blocks = walk(parse(html))
    segments = segments_of(html, boundary, most)
    numbers = [number for item in segments for number in item.kept_blocks]
    assert numbers == sorted(set(numbers))
    for item in segments:
        assert item.text == render(blocks[number] for number in item.kept_blocks)
        assert item.text.strip()
    for first, second in pairwise(segments):
        assert first.position < second.position
