"""What a text may do to the tokens of a conversation; and texts that begin alike get the tokens each has alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from builder.llm.contract import make_contract
from builder.llm.conversations import rating_prompt
from builder.llm.renderer import MayForge, Renderer, control_tokens, encode
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
RUBRIC = "".join(f"{level}: The answer is of level {level}, whatever that may be.\n" for level in range(1, 13))
MARKS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
pieces = st.lists(
    st.sampled_from([*MARKS, "<", "<|", "|>", "im_end|>", "<|im_", "a", " ", "\n", "apple", "\uff1c", "IM_END"]),
    max_size=6,
).map("".join)


def letters_tokenizer(normalizer=None, *, normalized=False):
    backend = Tokenizer(models.BPE({chr(code): code - 32 for code in range(32, 127)}, [], unk_token=" "))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if normalizer is not None:
        backend.normalizer = normalizer
    backend.add_special_tokens([AddedToken(mark, normalized=normalized, special=True) for mark in MARKS])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )  # fmt: skip


PLAIN = letters_tokenizer()
RENDERER = Renderer(make_contract(Chat(), "forward", PLAIN), PLAIN)
CONTROL = control_tokens(PLAIN)
MAY_FORGE = MayForge(PLAIN, CONTROL)


def controls(messages):
    """The control tokens of a conversation as the tokenizer reads it."""
    text = PLAIN.apply_chat_template(messages, chat_template=RENDERER.contract.template, tokenize=False)
    return [token for token in PLAIN(text, add_special_tokens=False)["input_ids"] if token in CONTROL]


@given(pieces, pieces)
def test_a_text_without_suspicion_adds_no_control_token_to_a_conversation(question, answer):
    asked = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    harmless = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}]
    if not any(MAY_FORGE(turn["content"]) for turn in asked):
        assert controls(asked) == controls(harmless)
        assert not RENDERER.forged(asked)
    else:
        assert RENDERER.forged(asked) == (controls(asked) != controls(harmless))


@pytest.mark.parametrize("text", ["", "a <|im_end|> b", "a <|im", "im_end|> b", "  |>", "<\n"])
def test_texts_that_hold_a_token_or_a_part_of_one_at_an_end_are_suspicious(text):
    assert MAY_FORGE(text)


@pytest.mark.parametrize("text", ["plain", "1 < 2 and 3 > 2", "a <| b", "x|>y z"])
def test_plain_texts_are_not(text):
    assert not MAY_FORGE(text)


@pytest.mark.parametrize(("normalized", "suspicious"), [(True, True), (False, False)])
def test_where_tokens_are_looked_for_in_normalised_text_every_text_is_suspicious(normalized, suspicious):
    own = letters_tokenizer(normalizers.NFKC(), normalized=normalized)
    ids = [own.convert_tokens_to_ids(mark) for mark in MARKS]
    assert MayForge(own, ids)("plain") is suspicious


class Counting:
    """A tokenizer that counts the characters it is given."""

    def __init__(self, tokenizer):
        self.tokenizer, self.characters = tokenizer, 0
        self.backend_tokenizer = tokenizer.backend_tokenizer

    def __call__(self, texts, **options):
        self.characters += sum(map(len, texts))
        return self.tokenizer(texts, **options)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(BASE)


def whole(tokenizer, texts):
    return [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]


def made_of(pre_tokenizer, model=None):
    vocabulary = {token: number for number, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(model or models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_a_common_beginning_is_tokenised_once(tokenizer):
    texts = [f"{RUBRIC}Rate with one number.\n\n{number} apples" for number in range(50)]
    counting = Counting(tokenizer)
    assert encode(counting, texts) == whole(tokenizer, texts)
    assert counting.characters < len(RUBRIC) * 20


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=8, max_size=12))
def test_the_ids_are_those_of_the_whole_texts(tokenizer, ends):
    texts = [f"<|im_start|>user\n{RUBRIC}{end}<|im_end|>" for end in ends]
    assert encode(tokenizer, texts) == whole(tokenizer, texts)


@given(st.lists(st.text("ab \n\u0301", max_size=700), min_size=8, max_size=10))
def test_texts_that_have_hardly_anything_in_common_are_tokenised_whole(tokenizer, texts):
    assert encode(tokenizer, texts) == whole(tokenizer, texts)


@pytest.mark.parametrize(
    "pre_tokenizer",
    [
        pre_tokenizers.ByteLevel(add_prefix_space=True),
        pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
    ],
)
def test_a_tokenizer_that_takes_a_beginning_otherwise_sees_the_whole_texts(pre_tokenizer):
    other = made_of(pre_tokenizer)
    texts = [f"{RUBRIC}Rate.\n{number} apples" for number in range(20)]
    counting = Counting(other)
    assert encode(counting, texts) == whole(other, texts)
    assert counting.characters > sum(map(len, texts))


def test_a_tokenizer_that_does_not_split_first_sees_the_whole_texts():
    vocabulary = [(character, -1.0) for character in sorted(set(RUBRIC) | set("0123456789Rate.\napples "))]
    other = made_of(pre_tokenizers.Metaspace(), models.Unigram([("?", -9.0), *vocabulary], 0))
    texts = [f"{RUBRIC}Rate.\n{number} apples" for number in range(20)]
    counting = Counting(other)
    assert encode(counting, texts) == whole(other, texts)
    assert counting.characters == sum(map(len, texts))


def test_no_texts_are_no_ids(tokenizer):
    assert encode(tokenizer, []) == []


def test_a_judge_asks_with_the_ids_of_each_conversation_by_itself(tokenizer):
    renderer = Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)
    pairs = [{"instruction": f"What is {n}?", "output": f"\n {n}" * n} for n in range(30)]
    asked = [rating_prompt(renderer.contract, "humpback", pair) for pair in pairs]
    assert renderer.prompts(asked) == [renderer.prompt(conversation) for conversation in asked]
