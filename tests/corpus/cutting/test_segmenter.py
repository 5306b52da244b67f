from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.languages import LANGUAGES

from builder.method.corpus.cutting.blocks import render
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.segmenter import Segment, cut
from builder.method.corpus.cutting.walk import walk
from builder.text.scripts import size

ALL = 10**9


def segments_of(
    html: str, boundary: str = "tree", max_chars: int = ALL, without: str = "", min_chars: int = 1
) -> list[Segment]:
    """Segments of all blocks but those with the text `without`."""
    blocks = walk(parse_html(html))
    kept = {block.number for block in blocks if not block.level and not (without and without in block.text)}
    return cut(blocks, kept, boundary=boundary, max_chars=max_chars, min_chars=min_chars)  # type: ignore[arg-type]


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


CARDS = "<h2>Tools</h2><p>What we use.</p>" + "".join(f"<h3>Tool {n}</h3><p>It cuts wood.</p>" for n in range(4))


def test_sections_that_are_too_short_one_by_one_are_one_segment_of_the_heading_above() -> None:
    assert [item.header for item in segments_of(CARDS, "any", min_chars=10)][:2] == ["Tools", "Tool 0"]
    (whole,) = segments_of(CARDS, "any", min_chars=50)
    assert (whole.header, len(whole.text)) == ("Tools", 104)
    assert whole.text.startswith("What we use.\n\nTool 0\n\nIt cuts wood.\n\nTool 1")


def test_the_first_section_that_is_long_enough_ends_them() -> None:
    html = f"{CARDS}<h3>Saw</h3>{long('saw')}<h3>Oil</h3><p>It is black.</p><h2>End</h2><p>No more.</p>"
    for boundary, most in (("any", ALL), ("tree", 250)):
        segments = segments_of(html, boundary, most, min_chars=100)
        assert [item.header for item in segments] == ["Tools", "Saw", "Oil", "End"]
        assert segments[0].text.endswith("Tool 3\n\nIt cuts wood.")


def test_a_text_that_is_long_enough_takes_in_none() -> None:
    segments = segments_of(CARDS.replace("What we use.", "What we use. " * 10), "any", min_chars=100)
    assert [item.header for item in segments][:2] == ["Tools", "Tool 0"]


def test_sections_are_put_together_up_to_the_longest_text_allowed() -> None:
    first, *others = segments_of(CARDS, "any", 60, min_chars=50)
    assert first.text.endswith("Tool 1\n\nIt cuts wood.")
    assert len(first.text) <= 60
    assert [item.header for item in others] == ["Tool 2", "Tool 3"]


def test_short_sections_of_short_sections_belong_to_the_nearest_heading_that_makes_them_long_enough() -> None:
    html = f"<h1>House</h1><p>Old.</p>{CARDS}"
    (tools,) = [item for item in segments_of(html, "any", min_chars=50) if item.header == "Tools"]
    assert tools.path == ("House",)
    (house,) = segments_of(html, "any", min_chars=150)
    assert house.header == "House"
    assert "Old.\n\nTools\n\nWhat we use." in house.text


def test_what_is_not_kept_is_left_out_and_headings_without_text_die() -> None:
    html = f"<h1>Top</h1>{long('alpha')}<h2>Related</h2>{long('other')}<h2>Empty</h2>"
    (only,) = segments_of(html, without="other")
    assert only.header == "Top"
    assert "other" not in only.text
    assert "Related" not in only.text


def test_a_repeated_header_is_taken_off_the_text() -> None:
    (only,) = segments_of(f"<h2>The same words, here as there!</h2><p>The same words here as there</p>{long('x')}")
    assert only.text.startswith("x this")


def test_no_content_means_no_segments() -> None:
    assert cut(walk(parse_html(NESTED)), set(), boundary="tree", max_chars=ALL) == []
    assert segments_of("<p>no heading at all</p>") == []


_pages = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["h1", "h2", "h3", "h6"]), st.sampled_from(["Alpha", "Beta", "Gamma", ""])),
        st.tuples(st.sampled_from(["p", "li", "pre", "td"]), st.text("ab \n", max_size=80)),
    ),
    max_size=25,
).map(lambda items: "<p>.</p>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in items))


@settings(max_examples=200, deadline=None)
@given(_pages, st.sampled_from(["tree", "any"]), st.integers(1, 400), st.integers(1, 200))
def test_segments_are_ordered_disjoint_and_rebuilt_from_their_blocks(
    html: str, boundary: str, most: int, least: int
) -> None:
    blocks = walk(parse_html(html))
    segments = segments_of(html, boundary, most, min_chars=least)
    numbers = [number for item in segments for number in item.kept_blocks]
    assert numbers == sorted(set(numbers))
    for item in segments:
        assert item.text == render(blocks[number] for number in item.kept_blocks)
        assert item.text.strip()
    for first, second in pairwise(segments):
        assert first.position < second.position
    alone = segments_of(html, boundary, most)
    assert sum(len(item.text) for item in segments) >= sum(len(item.text) for item in alone)


@pytest.mark.parametrize("boundary", ["tree", "any"])
@pytest.mark.parametrize("max_chars", [1, 300, 450, 700, ALL])
def test_the_last_section_of_a_truncated_page_is_a_segment_of_its_own(boundary: str, max_chars: int) -> None:
    blocks = walk(parse_html(NESTED))
    kept = {block.number for block in blocks if not block.level}
    segments = cut(blocks, kept, boundary=boundary, max_chars=max_chars, truncated=True)  # type: ignore[arg-type]
    assert [item.truncated for item in segments] == [False] * (len(segments) - 1) + [True]
    assert (segments[-1].header, segments[-1].text.split()[0], segments[-1].path) == ("B", "beta", ("Top",))
    assert not any("beta" in item.text or "\n\nB" in item.text for item in segments[:-1])
    assert any("deep" in item.text for item in segments[:-1])
    assert segments[-1].position == 3


def test_a_truncated_page_of_one_section_has_a_truncated_segment_and_one_without_text_none() -> None:
    blocks = walk(parse_html(f"<h1>Top</h1>{long('lead')}"))
    (only,) = cut(blocks, {1}, boundary="tree", max_chars=ALL, truncated=True)
    assert only.truncated
    blocks = walk(parse_html(f"<h1>Top</h1>{long('lead')}<h2>Cut he</h2>"))
    (only,) = cut(blocks, {1}, boundary="tree", max_chars=ALL, truncated=True)
    assert not only.truncated
    assert cut(walk(parse_html("<p>no heading</p>")), {0}, boundary="any", max_chars=ALL, truncated=True) == []


@pytest.mark.parametrize("language", ["zh", "ja", "ko"])
def test_what_fits_together_is_measured_by_what_it_says(language: str) -> None:
    text = LANGUAGES[language].text()
    html = f"<h1>A</h1><p>{text}</p><h2>B</h2><p>{text[::-1]}</p>"
    most = 3 * len(text)
    blocks = walk(parse_html(html))
    numbers = {block.number for block in blocks if not block.level}
    assert len(cut(blocks, numbers, boundary="tree", max_chars=most)) == 2
    assert len(cut(blocks, numbers, boundary="tree", max_chars=most, length=len)) == 1
    assert len(cut(blocks, numbers, boundary="any", max_chars=most, min_chars=size(text))) == 2
    assert len(cut(blocks, numbers, boundary="any", max_chars=9 * most, min_chars=size(text) + 9)) == 1
