"""The tiny base model in the package, and that the pretraining script makes such models."""

import json
import re
from pathlib import Path

import pytest
from pretrain import CHAT_TEXT, SPECIAL_TOKENS, VOCABULARY, learning_rate, measure, train_tokenizer

from builder.sample import SAMPLE_SEED
from builder.sample.english import SAFETY
from builder.sample.generate import BASE
from builder.sample.sections import pretraining_page
from builder.sample.web import World

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def tokenizer() -> "transformers.PreTrainedTokenizerFast":
    return transformers.AutoTokenizer.from_pretrained(BASE)


def test_the_folder_is_small_and_holds_no_pickles_and_no_code() -> None:
    files = [path for path in BASE.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 4_000_000
    assert {path.suffix for path in files} == {".json", ".safetensors", ".md"}


def test_the_model_loads_and_has_room_for_long_prompts() -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    assert model.config.max_position_embeddings >= 2_048
    assert model.config.tie_word_embeddings
    assert 700_000 < sum(weight.numel() for weight in model.parameters()) < 1_000_000


def test_the_tokenizer_has_single_marker_tokens_and_no_template(
    tokenizer: "transformers.PreTrainedTokenizerFast",
) -> None:
    assert tokenizer.chat_template is None
    assert len(tokenizer) == VOCABULARY
    assert [len(tokenizer.encode(token, add_special_tokens=False)) for token in SPECIAL_TOKENS] == [1, 1, 1]
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (
        "<|endoftext|>",
        "<|im_end|>",
        "<|endoftext|>",
    )
    assert len({tuple(tokenizer.encode(digit, add_special_tokens=False)) for digit in "12345"}) == 5
    assert len(tokenizer.encode("2023", add_special_tokens=False)) == 4


def test_the_tokenizer_knows_the_words_of_the_chat_and_of_the_seed(
    tokenizer: "transformers.PreTrainedTokenizerFast",
) -> None:
    for text in [*CHAT_TEXT, *(text for pair in SAFETY for text in pair)]:
        tokens = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(tokens) == text
        assert len(tokens) <= 2 * len(re.findall(r"\w+|[^\w\s]", text)), text
    strange = "Zürich \u2603 <b>x</b> 7%"
    assert tokenizer.decode(tokenizer.encode(strange, add_special_tokens=False)) == strange


def test_the_model_has_read_known_combinations_and_not_the_crawls() -> None:
    world = World(SAMPLE_SEED)
    known, crawl = measure(BASE, world, world.known[:40]), measure(BASE, world, world.crawl[:40])
    assert known < 0.5
    assert crawl > known + 0.1


def test_a_tokenizer_trained_again_is_the_same() -> None:
    rng = World(SAMPLE_SEED).stream("pretraining")
    pages = [pretraining_page(World(SAMPLE_SEED), rng) for _ in range(100)]
    assert train_tokenizer(pages).backend_tokenizer.to_str() == train_tokenizer(pages).backend_tokenizer.to_str()


def test_the_learning_rate_warms_up_and_decays() -> None:
    rates = [learning_rate(step, 300) for step in range(300)]
    assert rates[0] < rates[20] < rates[39]
    assert rates[60] > rates[200] > rates[299] > 0


def test_pretraining_writes_a_model_that_loads(tmp_path: Path) -> None:
    from pretrain import pretrain

    assert pretrain(3, tmp_path, steps=2, page_count=400) > 0
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "llama"
    transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
