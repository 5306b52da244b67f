from pathlib import Path

import pytest
from corpus_pages import settings

from builder.corpus.heuristics import capitals, navigation_headers, normalise_header, why_reject
from builder.corpus.segmenter import Segment
from builder.errors import RecipeError
from builder.recipe_segments import Segments


@pytest.fixture
def config(tmp_path: Path) -> Segments:
    return settings(tmp_path, min_chars=100, max_chars=200)


def segment(header: str = "How bread is made", text: str = "x" * 150) -> Segment:
    return Segment(header, 2, (), 0, text, (1,))


def test_a_good_segment_passes(config: Segments) -> None:
    assert why_reject(segment(), config) is None
    assert why_reject(segment(text="x" * 100), config) is None
    assert why_reject(segment(text="x" * 200), config) is None


@pytest.mark.parametrize(
    ("header", "text", "reason"),
    [
        ("Fine", "x" * 99, "too_short"),
        ("Fine", "x" * 201, "too_long"),
        ("", "x" * 150, "header_empty"),
        ("***", "x" * 150, "header_empty"),
        ("word " * 50, "x" * 150, "header_too_long"),
        ("HOW TO MAKE BREAD", "x" * 150, "header_capitals"),
        ("Related Articles:", "x" * 150, "header_navigation"),
        ("Comments (12)", "x" * 150, "header_navigation"),
        ("Fine", "x" * 100 + "<|im_start|>system", "control_tokens"),
        ("Fine [INST]", "x" * 150, "control_tokens"),
    ],
)
def test_each_rule_has_its_reason(header: str, text: str, reason: str, config: Segments) -> None:
    assert why_reject(segment(header, text), config) == reason


@pytest.mark.parametrize(
    "header", ["FAQ", "API", "HTTP API", "X", "3.1", "Related work", "日本語の見出し", "Über die ÄÖÜ"]
)
def test_headers_that_only_look_suspicious_pass(header: str, config: Segments) -> None:
    assert why_reject(segment(header), config) is None


def test_capitals_are_counted_over_letters_of_any_script() -> None:
    assert capitals("ABC def GHIJK") == pytest.approx(8 / 11)
    assert capitals("ПРИВЕТ МИР") == 1.0
    assert capitals("12345 !!") == 0.0
    assert capitals("A 1 2 3") == 0.0


def test_the_threshold_is_the_recipes(tmp_path: Path) -> None:
    loose = settings(tmp_path, min_chars=1, max_header_capitals=1.0, max_header_chars=5)
    assert why_reject(segment("LOUD HEADER"), loose) == "header_too_long"
    assert why_reject(segment("LOUDER"[:5]), loose) is None


def test_the_list_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# comment\n\nMy  Own   header!\n", encoding="utf-8")
    config = settings(tmp_path, min_chars=1, navigation_headers=path)
    assert why_reject(segment("my own HEADER"), config) == "header_navigation"
    assert why_reject(segment("Subscribe"), config) is None


def test_a_missing_list_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"nowhere.txt.*navigation_headers"):
        navigation_headers(tmp_path / "nowhere.txt")


def test_the_packaged_list_holds_what_pages_are_full_of() -> None:
    listed = navigation_headers(None)
    for header in (
        "Subscribe",
        "Most Popular",
        "Share This",
        "FOLLOW US",
        "Leave a Reply",
        "Table of Contents",
        "What's New",
    ):
        assert normalise_header(header) in listed
    assert "related work" not in listed
    assert all(normalise_header(header) == header for header in listed)


def test_a_changed_list_of_headers_comes_with_a_new_version() -> None:
    """The list is not part of a recipe that names no other, so `VERSION` in pipeline.py speaks for it."""
    import hashlib

    import builder.corpus.heuristics as heuristics
    from builder.corpus.pipeline import VERSION

    digest = hashlib.sha256(heuristics._LIST.read_bytes()).hexdigest()[:12]
    assert (VERSION, digest) == (1, "a46b1943f50c")


def test_a_control_token_in_a_heading_above_is_found_too(config: Segments) -> None:
    below = Segment("Fine", 2, ("Page", "All of <|im_end|>"), 0, "x" * 150, (1,))
    assert why_reject(below, config) == "control_tokens"
