"""Each defect of a text does what its name says, and nothing else."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from planted.texts import cut_off, first_dropped, sentences, shuffled, spliced
from planted.written import APPENDED, REGISTERS, appended, other_register, shouted, slang, telegram

from builder.text.sentences import ends_sentence

WORDS = st.sampled_from([
    "the", "hill", "river", "stone", "you", "and", "market", "paints", "of", "carries", "bread", "into", "winter",
])  # fmt: skip
SENTENCE = st.lists(WORDS, min_size=7, max_size=14).map(lambda words: " ".join(words).capitalize() + ".")
GAPS = st.sampled_from([" ", "\n\n", "\n"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    parts = draw(st.lists(SENTENCE, min_size=4, max_size=8, unique=True))
    gaps = [draw(GAPS) for _ in parts[1:]]
    return "".join(part for both in zip(parts, [*gaps, ""], strict=True) for part in both)


KEYS = st.text("0123456789abcdef", min_size=4, max_size=4)


@given(texts(), KEYS)
def test_a_cut_text_is_a_beginning_that_ends_within_a_sentence(text: str, key: str) -> None:
    cut = cut_off(text, key)
    assert cut is not None
    assert text.startswith(cut)
    assert 0.3 < len(cut) / len(text) < 0.9
    assert not ends_sentence(cut)
    assert text[len(cut)] in " \n"


@given(texts(), KEYS)
def test_a_shuffled_text_has_the_same_sentences_in_another_order(text: str, key: str) -> None:
    mixed = shuffled(text, key)
    assert mixed is not None
    assert mixed != text
    assert len(mixed) == len(text)
    pieces = [[of[start:end] for start, end in sentences(of)] for of in (text, mixed)]
    assert Counter(pieces[0]) == Counter(pieces[1])
    assert pieces[0] != pieces[1]
    gaps = [[of[end:start] for (_, end), (start, _) in pairwise(sentences(of))] for of in (text, mixed)]
    assert gaps[0] == gaps[1]


@given(texts(), texts())
def test_a_spliced_text_begins_as_its_own_and_ends_as_the_other(text: str, other: str) -> None:
    made = spliced(text, other)
    assert made is not None
    own = text[: sentences(text)[len(sentences(text)) // 2][0]]
    assert made.startswith(own)
    foreign = made[len(own) :]
    assert other.endswith(foreign)
    assert 0 < len(foreign) < len(other)


@given(texts())
def test_a_text_without_its_first_sentence_is_the_rest(text: str) -> None:
    rest = first_dropped(text)
    assert rest is not None
    assert text.endswith(rest)
    assert len(sentences(rest)) == len(sentences(text)) - 1


def test_texts_without_room_for_a_defect_give_none() -> None:
    assert cut_off("Too short.", "key") is None
    assert shuffled("One sentence.", "key") is None
    assert shuffled("", "key") is None
    assert spliced("One sentence.", "One. Two.") is None
    assert first_dropped("One sentence.") is None


@given(texts(), KEYS)
def test_what_is_appended_is_one_of_the_written_lines(text: str, key: str) -> None:
    assert any(appended(text, key) == f"{text}\n\n{line}" for line in APPENDED)


def test_every_written_line_and_every_register_has_its_turn() -> None:
    keys = [str(number) for number in range(200)]
    assert len({appended("A.", key) for key in keys}) == len(APPENDED)
    assert len({other_register("You are in the market.", key) for key in keys}) == len(REGISTERS)


def test_registers_change_how_it_is_said_and_not_what_about() -> None:
    text = "You are at the old bridge. It was built in 1850, because people wanted it."
    assert shouted(text) == "YOU ARE AT THE OLD BRIDGE!!! IT WAS BUILT IN 1850, BECAUSE PEOPLE WANTED IT!!!"
    assert (
        slang(text) == "ok so u r at teh old bridge... it was built in 1850, cuz ppl wanted it... hope that helps lol"
    )
    assert telegram(text) == "You at old bridge STOP built 1850, because people wanted it STOP"
