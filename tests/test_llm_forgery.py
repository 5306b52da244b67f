import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from builder.llm.contract import make_contract
from builder.llm.forgery import Suspicion
from builder.llm.renderer import Renderer, control_tokens
from builder.recipe import Chat

MARKS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
pieces = st.lists(
    st.sampled_from([*MARKS, "<", "<|", "|>", "im_end|>", "<|im_", "a", " ", "\n", "apple", "\uff1c", "IM_END"]),
    max_size=6,
).map("".join)


def tokenizer(normalizer=None, *, normalized=False):
    backend = Tokenizer(models.BPE({chr(code): code - 32 for code in range(32, 127)}, [], unk_token=" "))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if normalizer is not None:
        backend.normalizer = normalizer
    backend.add_special_tokens([AddedToken(mark, normalized=normalized, special=True) for mark in MARKS])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )  # fmt: skip


PLAIN = tokenizer()
RENDERER = Renderer(make_contract(Chat(), "forward", PLAIN), PLAIN)
CONTROL = control_tokens(PLAIN)
SUSPICION = Suspicion(PLAIN, CONTROL)


def controls(messages):
    """The control tokens of a conversation as the tokenizer reads it."""
    text = PLAIN.apply_chat_template(messages, chat_template=RENDERER.contract.template, tokenize=False)
    return [token for token in PLAIN(text, add_special_tokens=False)["input_ids"] if token in CONTROL]


@given(pieces, pieces)
def test_a_text_without_suspicion_adds_no_control_token_to_a_conversation(question, answer):
    asked = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    harmless = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}]
    if not any(SUSPICION.of(turn["content"]) for turn in asked):
        assert controls(asked) == controls(harmless)
        assert not RENDERER.forged(asked)
    else:
        assert RENDERER.forged(asked) == (controls(asked) != controls(harmless))


@pytest.mark.parametrize("text", ["", "a <|im_end|> b", "a <|im", "im_end|> b", "  |>", "<\n"])
def test_texts_that_hold_a_token_or_a_part_of_one_at_an_end_are_suspicious(text):
    assert SUSPICION.of(text)


@pytest.mark.parametrize("text", ["plain", "1 < 2 and 3 > 2", "a <| b", "x|>y z"])
def test_plain_texts_are_not(text):
    assert not SUSPICION.of(text)


@pytest.mark.parametrize(("normalized", "suspicious"), [(True, True), (False, False)])
def test_where_tokens_are_looked_for_in_normalised_text_every_text_is_suspicious(normalized, suspicious):
    own = tokenizer(normalizers.NFKC(), normalized=normalized)
    ids = [own.convert_tokens_to_ids(mark) for mark in MARKS]
    assert Suspicion(own, ids).of("plain") is suspicious
