import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpus_pages import sentence, settings

from builder.errors import RecipeError
from builder.method.corpus.cutting.composition import Composition
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.rules.body import is_cut, letter_share, repeated_sentences, teasers, thread_lines
from builder.method.corpus.rules.filters import filter_fault
from builder.method.corpus.rules.header import capitals, navigation_headers, normalise_header
from builder.method.corpus.rules.heuristics import why_reject_segment
from builder.recipe.sections.corpus import Segments


@pytest.fixture
def config(tmp_path: Path) -> Segments:
    return settings(tmp_path, min_chars=100, max_chars=200)


def segment(header: str = "How bread is made", text: str = "x" * 150) -> Segment:
    return Segment(header, 2, (), 0, text, (1,))


def test_a_good_segment_passes(config: Segments) -> None:
    assert why_reject_segment(segment(), config) is None
    assert why_reject_segment(segment(text="x" * 100), config) is None
    assert why_reject_segment(segment(text="x" * 200), config) is None


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
        ("Not the answer you're looking for?", "x" * 150, "header_navigation"),
        ("Users who are viewing this thread", "x" * 150, "header_navigation"),
        ("Fine", "x" * 100 + "<|im_start|>system", "control_tokens"),
        ("Fine [INST]", "x" * 150, "control_tokens"),
        ("Fine", f"Take the key AIza{'Sy7dK2b' * 4}QwErT3Z and go on. " + "x" * 100, "secret"),
    ],
)
def test_each_rule_has_its_reason(header: str, text: str, reason: str, config: Segments) -> None:
    assert why_reject_segment(segment(header, text), config) == reason


@pytest.mark.parametrize(
    "header", ["FAQ", "API", "HTTP API", "X", "3.1", "Related work", "日本語の見出し", "Über die ÄÖÜ"]
)
def test_headers_that_only_look_suspicious_pass(header: str, config: Segments) -> None:
    assert why_reject_segment(segment(header), config) is None


def test_capitals_are_counted_over_letters_of_any_script() -> None:
    assert capitals("ABC def GHIJK") == pytest.approx(8 / 11)
    assert capitals("ПРИВЕТ МИР") == 1.0
    assert capitals("12345 !!") == 0.0
    assert capitals("A 1 2 3") == 0.0


def test_the_threshold_is_the_recipes(tmp_path: Path) -> None:
    loose = settings(tmp_path, min_chars=1, max_header_capitals=1.0, max_header_chars=5)
    assert why_reject_segment(segment("LOUD HEADER"), loose) == "header_too_long"
    assert why_reject_segment(segment("LOUDER"[:5]), loose) is None


def test_the_list_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# comment\n\nMy  Own   header!\n", encoding="utf-8")
    config = settings(tmp_path, min_chars=1, navigation_headers=path)
    assert why_reject_segment(segment("my own HEADER"), config) == "header_navigation"
    assert why_reject_segment(segment("Subscribe"), config) is None


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

    from builder.method.corpus.stage import VERSION

    digest = hashlib.sha256("\n".join(sorted(navigation_headers(None))).encode()).hexdigest()[:12]
    assert (VERSION, digest) == (10, "260b0e9259ce")


def test_a_control_token_in_a_heading_above_is_found_too(config: Segments) -> None:
    below = Segment("Fine", 2, ("Page", "All of <|im_end|>"), 0, "x" * 150, (1,))
    assert why_reject_segment(below, config) == "control_tokens"


def prose(sentences: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [sentence(rng, 12) for _ in range(sentences)]


@pytest.mark.parametrize(
    ("made_of", "reason"),
    [
        (Composition(chars=100, linked=51), "links"),
        (Composition(chars=100, linked=50), None),
        (Composition(chars=100, table=71), "table"),
        (Composition(chars=100, table=70), None),
        (Composition(chars=100, stubs=51), "list"),
        (Composition(chars=100, stubs=50), None),
        (Composition(chars=100, sections=8, cards=8), "listing"),
        (Composition(chars=100, sections=9, cards=7), None),
        (Composition(chars=100, sections=3, cards=3, linked_cards=3), "listing"),
        (Composition(chars=100, sections=3, cards=3, linked_cards=2), None),
        (Composition(chars=100, code=100), None),
    ],
)
def test_what_a_segment_is_made_of_counts(made_of: Composition, reason: str | None, config: Segments) -> None:
    assert why_reject_segment(Segment("Fine", 2, (), 0, "x" * 150, (1,), made_of), config) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12 345 67 89 " * 10, "few_letters"),
        (
            "Bread is made of flour and water, and then it is left alone for some time in a warm place until it is...",
            "cut_ending",
        ),
        (
            "Bread is made of flour.\n" * 4 + "Water, more flour and…\nRead more\nLearn more »\nThe end of it all.",
            "teasers",
        ),
        (
            "Senior Member\n\nLocation\nUtah\n\n" + "I would say that bread is made of flour and of water. " * 2,
            "thread",
        ),
        ("Bread is made of flour and of water. " * 4, "repeated_sentences"),
    ],
)
def test_rules_on_the_text_have_their_reasons(text: str, reason: str, config: Segments) -> None:
    assert why_reject_segment(segment(text=text), config) == reason


@pytest.mark.parametrize(
    "line",
    [
        "It will be a challenging task to compete at the...",
        "Offered by the company […]",
        "A whole sentence. Read more",
        "A whole sentence.\n\nREAD MORE »",
        "Continue reading",
        "- Learn more →",
        "Read the full story",
    ],
)
def test_cut_endings_are_found(line: str) -> None:
    assert is_cut(f"Some text before it.\n{line}")


@pytest.mark.parametrize(
    "line",
    [
        "There are templates for mail, messages, and more.",
        "See the guide to learn more.",
        "git-upload-pack [--strict] ...",
        "  ...\n}",
        "Choose “New Saved Search…”.",
        "So keep on reading!",
        "He could not ask for more.",
    ],
)
def test_whole_endings_pass(line: str) -> None:
    assert not is_cut(f"Some text before it.\n{line}")


def test_teasers_are_counted_by_line() -> None:
    assert teasers("First card...\nSecond card…\nRead more\nThe third is whole.") == 3
    assert teasers(">>> for x in y:\n...     pass\n...") == 0


def test_the_frame_of_a_forum_is_counted() -> None:
    frame = [
        "Senior Member",
        "Joined: Mar 2009",
        "Posts: 1,234",
        "#12",
        "jane doe wrote:",
        "Re: bread",
        "Click to expand...",
    ]
    assert thread_lines("\n".join(frame)) == len(frame)
    assert thread_lines("The member joined in 2009.\nHe wrote: bread is good.\nLocation matters, as posts say.") == 0


def test_sentences_that_say_nearly_the_same_are_found() -> None:
    other = prose(8)
    nearly = other[0].removesuffix(".") + " indeed."
    assert repeated_sentences(" ".join(other), 0.6) == 0
    assert repeated_sentences(" ".join([*other, nearly]), 0.6) == pytest.approx(1 / 9)
    assert repeated_sentences(" ".join([*other, nearly]), 0.99) == 0


def test_short_lines_code_and_tables_do_not_count_as_sentences() -> None:
    assert repeated_sentences("It is so. " * 20, 0.6) == 0
    assert repeated_sentences("rows | 10 | width | 16 | loops | 1\n" * 20, 0.6) == 0
    assert repeated_sentences("", 0.6) == 0


@given(st.integers(0, 50), st.integers(1, 12), st.floats(0.1, 1))
def test_the_share_of_repeats_is_what_was_put_in(seed: int, repeats: int, similarity: float) -> None:
    whole = prose(12, seed)
    assert repeated_sentences(" ".join(whole + whole[:repeats]), similarity) >= repeats / (12 + repeats) - 1e-9


def test_letters_are_counted_over_what_is_no_space() -> None:
    assert letter_share("ab 1 2\n") == 0.5
    assert letter_share(" ") == 0.0
    assert letter_share("日本") == 1.0


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("gopher_quality", "bread " * 60, "gopher_quality:enough_stop_words"),
        ("gopher_quality", "the bread is of flour", "gopher_quality:short_doc"),
        ("gopher_repetition", "one line that is here again\n\n" * 10, "gopher_repetition:dup_para_frac"),
        ("c4_quality", "A sentence about bread. Another one.", "c4_quality:too_few_sentences"),
        ("c4_quality", "int main() { return 0; }.", "c4_quality:curly_bracket"),
        (
            "fineweb_quality",
            "no full stop here at all\nnor here in this line of text",
            "fineweb_quality:line_punct_ratio",
        ),
    ],
)
def test_datatroves_filters_run_by_name(name: str, text: str, reason: str) -> None:
    assert filter_fault(text, [name]) == reason  # type: ignore[list-item]


def test_filters_let_prose_pass_and_leave_it_whole(tmp_path: Path) -> None:
    text = "\n\n".join(" ".join(prose(4, seed)) for seed in range(4))
    names = ["gopher_quality", "gopher_repetition", "c4_quality", "fineweb_quality"]
    assert filter_fault(text, names) is None  # type: ignore[arg-type]
    config = settings(tmp_path, min_chars=1, filters=["c4_quality"])
    assert (
        why_reject_segment(segment(text="One sentence only, and no more than that."), config)
        == "c4_quality:too_few_sentences"
    )
    with pytest.raises(ValueError, match="gopher_quality"):
        settings(tmp_path, filters=["gopher"])


_texts = st.lists(
    st.sampled_from([*prose(3), "Read more", "...", "Senior Member", "#1", "12345 678", "| a | b |"]), max_size=12
)


@given(_texts.map("\n".join), st.booleans())
def test_a_rule_that_is_off_never_gives_its_reason(text: str, cut_endings: bool) -> None:
    off = settings(
        Path("unused"), min_chars=1, min_letter_share=0, drop_cut_endings=cut_endings, max_teasers=99,
        max_thread_lines=99, max_repeated_share=1,
    )  # fmt: skip
    found = why_reject_segment(segment(text=text), off)
    assert found in ({None, "cut_ending"} if cut_endings else {None}) or (not text and found == "too_short")
