from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from builder.llm.contract import make_contract
from builder.llm.conversations import rating_prompt
from builder.llm.engine import load_tokenizer
from builder.llm.renderer import Renderer
from builder.llm.shared_text import encode
from builder.recipe import Chat

BASE = Path(__file__).parents[1] / "builder" / "sample" / "base"
RUBRIC = "".join(f"{level}: The answer is of level {level}, whatever that may be.\n" for level in range(1, 13))


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
