import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import LANGUAGES

from builder.text.scripts import HAN, HANGUL, KANA, is_latin, size

DENSE = ("zh", "ja", "ko")


@given(st.text(st.characters(max_codepoint=0x2FFF)))
def test_texts_without_dense_scripts_are_as_long_as_they_are(text: str) -> None:
    assert size(text) == len(text)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_sizes_add_up_and_are_never_below_the_characters(one: str, other: str) -> None:
    assert abs(size(one + other) - size(one) - size(other)) <= 1
    assert size(one) >= len(one)


def test_a_character_of_a_dense_script_counts_for_what_it_says() -> None:
    assert size("青" * 100) == 100 * HAN
    assert size("𠮷" * 100) == 100 * HAN
    assert size("み" * 50 + "ナ" * 50) == 100 * KANA
    assert size("항" * 100) == round(100 * HANGUL)
    assert size("青" * 10 + "abc。") == 10 * HAN + 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_account_is_about_as_long_in_every_language(language: str) -> None:
    text = LANGUAGES[language].text()
    assert 0.7 <= size(text) / size(LANGUAGES["en"].text()) <= 1.5
    assert (size(text) == len(text)) == (language not in DENSE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_latin_is_told_from_other_scripts(language: str) -> None:
    assert is_latin(LANGUAGES[language].text() + "“…” – €") == (language in ("en", "de", "fr", "tr"))
