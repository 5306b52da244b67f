import pytest

from builder.method.corpus.cutting.around.boxes import boxed
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.segmenter import cut
from builder.method.corpus.cutting.walk import walk

OFFER = "<div class=offer><h3>Get the newsletter</h3><p>OUT: every week, at no cost.</p></div>"


def headed(html: str) -> list[tuple[str, str]]:
    """Headers and texts of a page whose text is main content but for what begins with OUT."""
    blocks = walk(parse_html(f"<body>{html}</body>"))
    kept = {block.number for block in blocks if not block.level and not block.text.startswith("OUT")}
    segments = cut(blocks, kept, boundary="any", max_chars=10**9)
    return [(segment.header, segment.text) for segment in segments]


@pytest.mark.parametrize(
    "text",
    [
        f"<p>One.</p>{OFFER}<p>Two.</p>",
        f"<ul><li>One.</ul>{OFFER}<blockquote><p>Two.</p></blockquote>",
        f"<p>One.</p><section>{OFFER}</section><p>Two.</p>",
        f"<p>One.</p>{OFFER.replace('h3', 'h2')}<p>Two.</p>",
    ],
)
def test_a_text_goes_on_behind_a_box_that_is_left_out(text: str) -> None:
    ((header, found), (last, _)) = headed(f"<div><h2>Rye bread</h2>{text}<h2>Oats</h2><p>Three.</p></div>")
    assert (header, last) == ("Rye bread", "Oats")
    assert [line.lstrip("- ") for line in found.split("\n\n")] == ["One.", "Two."]


@pytest.mark.parametrize(
    "text",
    [
        "<p>One.</p><div><h3>Oats</h3><p>Kept: every week, at no cost.</p></div><p>Two.</p>",
        "<p>One.</p><div><h3>Oats</h3><p>OUT: a label.</p></div><p>Two.</p>",
        "<p>One.</p><h3>Oats</h3><p>OUT: every week, at no cost.</p><p>Two.</p>",
        "<p>One.</p><div><h3>Oats</h3><p>OUT: every week, at no cost.</p><p>Two.</p></div>",
        "<div><p>One.</p></div><div><h3>Oats</h3><p>OUT: every week, at no cost.</p></div><div><p>Two.</p></div>",
        "<p>One.</p><div><h1>Oats</h1><p>OUT: by a writer, on the first of May.</p></div><p>Two.</p>",
    ],
)
def test_a_heading_heads_what_is_main_content_in_its_container_or_no_part_of_the_text_around(text: str) -> None:
    assert [header for header, _ in headed(f"<div><h2>Rye bread</h2>{text}</div>")] == ["Rye bread", "Oats"]


def test_text_before_all_headings_is_no_place_to_go_on() -> None:
    assert headed(f"<div><p>One.</p>{OFFER}<p>Two.</p></div>") == [("Get the newsletter", "Two.")]


def test_boxes_in_a_row_stay_headings() -> None:
    html = f"<div><h2>Rye bread</h2><p>One.</p>{OFFER}{OFFER}<p>Two.</p></div>"
    blocks = walk(parse_html(html))
    assert not boxed(blocks, {block.number for block in blocks if block.text in ("One.", "Two.")})
