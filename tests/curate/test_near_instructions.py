import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import LANGUAGES, composed, decomposed

from builder.method.curate.near_instructions import NearInstructions, word_pairs

words = st.lists(st.sampled_from(["how", "do", "I", "store", "figs", "plums", "now", "?", ""]), max_size=9)
instructions = st.lists(words.map(" ".join), max_size=25)


def index(one, other):
    left, right = word_pairs(one), word_pairs(other)
    return len(left & right) / len(left | right)


def admitted(texts, threshold):
    """Numbers of the kept instructions, and for each other one the number that it repeats."""
    near = NearInstructions(((str(at), text) for at, text in enumerate(texts)), threshold)
    twins = {at: near.admit(str(at)) for at in range(len(texts))}
    return [at for at, twin in twins.items() if twin is None], {at: int(twin) for at, twin in twins.items() if twin}


@given(instructions, st.floats(0.5, 1) | st.sampled_from([0.5, 0.6, 0.75, 0.8, 1.0]))
def test_exactly_those_go_that_reach_the_index_with_a_kept_one(texts, threshold):
    kept, twins = admitted(texts, threshold)
    wanted = []
    for at, text in enumerate(texts):
        like = [other for other in wanted if index(text, texts[other]) >= threshold]
        if like:
            assert twins[at] == like[0]
        else:
            wanted.append(at)
    assert kept == wanted


def test_case_and_signs_do_not_count_and_the_order_of_words_does():
    assert admitted(["How do I store figs?", "how do i STORE figs", "Do I how store figs?"], 1)[1] == {1: 0}
    assert admitted(["Is milk better than tea?", "Is tea better than milk?"], 0.8)[1] == {}


def test_one_other_word_makes_a_short_question_another_one_and_a_long_one_not():
    short = ["How do I store figs?", "How do I store plums?"]
    long = "Write a friendly letter to the people of my street that asks them to keep {} off the road from now on"
    assert admitted(short, 0.8)[0] == [0, 1]
    assert admitted([long.format("cars"), long.format("bins")], 0.8)[0] == [0]


def test_texts_without_words_are_compared_as_they_are():
    assert admitted(["++ --", "++ --", "??", ""], 0.8)[1] == {1: 0}


def test_only_instructions_that_were_read_can_be_asked_for():
    with pytest.raises(KeyError):
        NearInstructions([("a", "How?")], 0.8).admit("b")


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
def test_another_name_in_a_long_instruction_nearly_repeats_it_in_every_language(spoken):
    asked = [
        f"{spoken.sentences[0].replace('{}', name)} {spoken.sentences[1]} {spoken.question}" for name in spoken.names
    ]
    assert admitted(asked, 0.75)[0] == [0]
    assert admitted([*spoken.sentences, spoken.question], 0.5)[1] == {}
    assert admitted([composed(asked[0]), decomposed(asked[0]), asked[0].upper()], 1)[0] == [0]
