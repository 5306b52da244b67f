import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import LANGUAGES

from builder.text.sentences import ends_sentence, sentence_spans, split_sentences


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("space", [" ", "\n"])
def test_sentences_are_found_in_every_language(language: str, space: str) -> None:
    spoken = LANGUAGES[language]
    sentences = [*(sentence.replace("{}", spoken.names[0]) for sentence in spoken.sentences), spoken.question]
    found = split_sentences(space.join(sentences))
    assert [piece.strip() for piece in found if piece.strip()] == sentences
    assert all(map(ends_sentence, sentences))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("你来吗？！我来。", ["你来吗？！", "我来。"]),
        ("「来る。」と言った。本当！", ["「来る。", "と言った。", "本当！"]),
        ("本店最好!快来买吧!", ["本店最好!", "快来买吧!"]),
        ("長さは３．５です．次です．", ["長さは３．５です．", "次です．"]),
        ("राम आया।सीता गई॥", ["राम आया।", "सीता गई॥"]),
        ("هل جاء؟ نعم۔ ثم ذهب!", ["هل جاء؟", "نعم۔", "ثم ذهب!"]),
        ("Ήρθε; Ναι.", ["Ήρθε;", "Ναι."]),
        ("បាទ។ ទេ៕", ["បាទ។", "ទេ៕"]),
        ("አዎ። አይደለም፧", ["አዎ።", "አይደለም፧"]),
    ],
)
def test_marks_of_every_script_end_sentences(text: str, sentences: list[str]) -> None:
    assert [piece for piece in split_sentences(text) if piece.strip()] == sentences
    assert all(map(ends_sentence, sentences))


@pytest.mark.parametrize("piece", ["rows | 10", "a; b;", "第一章", "Заголовок", "عنوان", "価格 100", ""])
def test_headings_and_code_end_no_sentence(piece: str) -> None:
    assert not ends_sentence(piece)


@given(st.text(st.sampled_from('ab .!?…"”)\n,é'), max_size=40))
def test_english_is_parted_as_it_always_was(text: str) -> None:
    assert split_sentences(text) == re.split(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+", text)


@given(st.text(st.sampled_from('ab .!?…"”)\n。！」青กι;।'), max_size=40))
def test_spans_are_in_order_and_hold_all_that_is_seen(text: str) -> None:
    spans = list(sentence_spans(text))
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
