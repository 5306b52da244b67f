import random

import pytest
from support.corpus_pages import settings
from support.languages import LANGUAGES, Language, composed, decomposed

from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.rules.body import is_cut, letter_share, repeated_sentences, teasers
from builder.method.corpus.rules.heuristics import why_reject_segment

every_language = pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)


@every_language
def test_prose_of_every_language_passes(spoken: Language, tmp_path) -> None:
    config = settings(tmp_path, min_chars=300, max_chars=900)
    for text in (spoken.text(), composed(spoken.text()), decomposed(spoken.text())):
        assert why_reject_segment(Segment(spoken.names[0], 2, (), 0, text, (1,)), config) is None


@every_language
def test_marks_count_with_their_letters(spoken: Language) -> None:
    assert letter_share(spoken.text()) > 0.93
    assert letter_share(decomposed(spoken.text())) > 0.93


def test_marks_of_pictures_are_no_letters() -> None:
    assert letter_share("❤\ufe0f☀\ufe0f") == 0
    assert letter_share("שָׁלוֹם") == 1
    assert letter_share("เด็ก 12") == pytest.approx(4 / 6)


@every_language
@pytest.mark.parametrize("space", [" ", "\n", ""])
def test_an_advert_that_comes_again_is_found(spoken: Language, space: str) -> None:
    advert, *others = (sentence.replace("{}", spoken.names[1]) for sentence in spoken.sentences)
    if not space and not advert.endswith(("。", "။", "।")):
        return  # there a sentence ends where white space follows
    once = space.join([advert, *others, spoken.question])
    often = space.join([*[advert] * 8, *others])
    assert repeated_sentences(once, 0.6) == 0
    assert repeated_sentences(often, 0.6) == pytest.approx(7 / 12)


@every_language
def test_a_sentence_with_another_name_nearly_repeats(spoken: Language) -> None:
    named = [spoken.sentences[0].replace("{}", name) for name in spoken.names]
    assert repeated_sentences(" ".join([*named, *spoken.sentences[1:]]), 0.4) == pytest.approx(2 / 7)
    assert repeated_sentences(" ".join([*named, *spoken.sentences[1:]]), 0.99) == 0


@every_language
def test_repeats_are_found_however_they_are_composed_and_written(spoken: Language) -> None:
    again = decomposed(spoken.sentences[2])
    assert repeated_sentences(" ".join([composed(spoken.sentences[2]), again]), 0.9) == 0.5
    assert repeated_sentences(" ".join([spoken.sentences[2], spoken.sentences[2].upper()]), 0.9) == 0.5


@pytest.mark.parametrize("line", ["是的。", "はい、そうです。", "ใช่", "हाँ।", "نعم.", "да."])
def test_short_sentences_are_not_compared(line: str) -> None:
    assert repeated_sentences(f"{line}\n" * 20, 0.6) == 0


@every_language
def test_an_invitation_to_read_on_is_a_cut_ending(spoken: Language) -> None:
    for text in (f"{spoken.text()} {spoken.more}", f"{spoken.question}{spoken.more} »", f"- {spoken.more}"):
        assert is_cut(text), text
    assert is_cut(decomposed(f"{spoken.text()}\n{spoken.more}"))
    assert not is_cut(spoken.text())
    assert not is_cut(spoken.question)


@every_language
@pytest.mark.parametrize("dots", ["...", "…"])
def test_a_sentence_that_stops_is_a_cut_ending_after_any_letter_or_mark(spoken: Language, dots: str) -> None:
    stopped = spoken.sentences[1].rstrip(".。။।")
    for length in range(4):
        half = stopped[: len(stopped) - length].rstrip(" ,'’\"")
        assert is_cut(half + dots), half
        assert is_cut(decomposed(half) + dots), half


@every_language
def test_teasers_are_counted_in_every_language(spoken: Language) -> None:
    lines = [f"{sentence.rstrip('.。။।')}…\n{spoken.more}" for sentence in spoken.sentences[1:4]]
    assert teasers("\n".join(lines)) == 6
    assert teasers(spoken.text()) == 0


@pytest.mark.parametrize(
    "line",
    [
        "详情请见【…】",
        "……そして彼は言った。。。",
        "他走了．．．",
        "未完（更多）",
        "全文［...］",
        "彼女は・・・",
        "他说⋯⋯",
    ],
)
def test_wide_dots_and_brackets_are_known(line: str) -> None:
    assert is_cut(line)


def test_random_letters_of_a_script_without_spaces_repeat_nothing() -> None:
    rng = random.Random(3)
    text = "".join("".join(rng.choices("青石镇港口船灯桥门钥匙", k=20)) + "。" for _ in range(40))
    assert repeated_sentences(text, 0.6) == 0
