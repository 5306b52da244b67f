import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import LANGUAGES, composed, decomposed

from builder.text.words import fold, normalise, parted, runs, units, widened, words

UNSPACED = ("zh", "ja", "th", "my")
_texts = st.lists(
    st.sampled_from([sentence for language in LANGUAGES.values() for sentence in language.sentences]), max_size=4
).map(" ".join)
_letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(_texts | _letters)
def test_a_text_has_the_same_words_however_it_is_composed(text: str) -> None:
    assert words(decomposed(text)) == words(composed(text)) == words(text)
    assert normalise(decomposed(text)) == normalise(composed(text))


@given(_letters, _letters)
def test_words_of_two_lines_are_the_words_of_both(one: str, other: str) -> None:
    assert words(f"{one}\n{other}") == words(one) + words(other)
    assert normalise(f"{one}\n{other}").split() == normalise(one).split() + normalise(other).split()


@given(_letters)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert words(fold(text)) == words(text)


@given(_letters, st.integers(1, 6))
def test_no_word_is_lost_by_widening(text: str, length: int) -> None:
    found = words(text)
    wide = widened(found, length)
    assert len(wide) == len(found)
    assert all(one.startswith(word) for one, word in zip(wide, found, strict=True))
    assert widened(found, 1) == found


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_part_no_word(language: str) -> None:
    text = LANGUAGES[language].text()
    found = words(text)
    assert not any(word[0] in "ัิีึ็่้์ุูि्ाेैֹּׁ" for word in found), found
    if language not in UNSPACED:
        spaced = text.replace("’", "").split()
        assert len(found) == sum(any(character.isalnum() for character in word) for word in spaced) + text.count("-")
        assert units(5, found) == 5
        assert widened(found, 5) == found
    else:
        assert max(len(word) for word in found) < 7
        assert units(5, found) == 10


def test_words_of_scripts_without_spaces_are_letters_with_their_marks() -> None:
    assert words("ที่๑๒ ใน") == ["ที่", "๑๒", "ใ", "น"]
    assert words("မြစ်။ ၁၂") == ["မြ", "စ်", "၁၂"]
    assert words("が") == words("か\u3099") == ["が"]
    assert words("한국어 책") == words(decomposed("한국어 책")) == ["한국어", "책"]
    assert words("شـــاي می\u200cخواهم") == ["شاي", "میخواهم"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ISPARTA ıspanak İnce", "ısparta ISPANAK ince"),
        ("STRASSE Straße", "straße STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("ΠΏΣ ΨΉΝΕΤΑΙ ΤΟ ΨΩΜΙ", "πως ψήνεται το ψωμί"),
        ("ΑΫΛΟΣ ΠΡΑΫΝΩ ΡΟΪΔΗ", "άυλος πραΰνω Ροΐδη".replace("άυ", "αϋ")),
        ("Ёлка", "ЁЛКА"),
        ("ＡＢＣ１２ ｶﾅ", "abc12 カナ"),
        ("Où ? ÉTÉ", "où été"),
    ],
)
def test_capitals_and_forms_make_no_difference(one: str, other: str) -> None:
    assert words(one) == words(other)
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize("text", ["don't stop", "snake_case is_one  word", "a-b 3.14 (x) – “quoted” naïve"])
def test_english_has_the_words_that_it_has(text: str) -> None:
    assert normalise(text).split() == re.findall(r"\w+", text.lower())
    assert parted(text, 5) == text.split()


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language not in ("ko",)])
def test_another_word_changes_about_as_many_runs_in_every_language(language: str) -> None:
    one, other = (widened(words(LANGUAGES[language].text(name)), 5) for name in (0, 1))
    left, right = runs(one, 5), runs(other, 5)
    assert 0.75 <= len(left & right) / len(left | right) < 1


def test_widened_words_of_mixed_texts_keep_the_others_whole() -> None:
    assert widened(["see", "青", "石", "镇", "now"], 2) == ["see", "青石", "石镇", "镇", "now"]
    assert parted("see 青石镇 now!", 2) == ["see", "青石", "石镇", "镇", "now!"]
    assert widened(["plain", "words"], 5) == ["plain", "words"]


def test_a_long_text_takes_linear_time() -> None:
    letters = random.Random(0).choices("青石镇港口", k=200_000)
    assert len(widened(words("".join(letters)), 13)) == 200_000
