"""Embeddings that were never trained are told from those that were."""

import shutil

import pytest
import torch
from support.training_pairs import BASE, train_here, write_pairs
from transformers import LlamaConfig, LlamaForCausalLM

from builder.llm.chat_tokens import untrained_tokens
from builder.llm.tokenizer import load_tokenizer
from builder.workspace.progress import read_notices

LORA = {"use_peft": True, "lora_r": 4, "lora_target_modules": ["v_proj", "q_proj"], "max_steps": 1}


@pytest.fixture
def model():
    torch.manual_seed(0)
    size = {"hidden_size": 64, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=400, **size, tie_word_embeddings=False))
    return model.requires_grad_(False)


def test_rows_of_their_own_and_of_usual_length_are_trained_ones(model):
    assert untrained_tokens(model, range(0, 400, 7)) == []
    assert untrained_tokens(model, [399, 400, 10_000]) == []


@pytest.mark.parametrize("part", ["input", "output"])
def test_rows_that_are_zero_short_or_the_same_as_another_were_never_trained(model, part):
    rows = (model.get_input_embeddings() if part == "input" else model.get_output_embeddings()).weight
    rows[3] = 0
    rows[5] *= 0.2
    rows[7] = rows[300] * 1.001  # a token for others to use, which nobody asks for
    rows[9] *= 0.5
    assert untrained_tokens(model, [3, 5, 7, 9, 11]) == [3, 5, 7]


def test_embeddings_that_are_trained_along_are_no_matter(model):
    model.get_input_embeddings().weight[3] = 0
    model.get_input_embeddings().requires_grad_(True)
    assert untrained_tokens(model, [3]) == []


def with_untrained_end(folder):
    from safetensors.torch import load_file, save_file

    base = shutil.copytree(BASE, folder)
    end = load_tokenizer(base).convert_tokens_to_ids("<|im_end|>")
    weights = load_file(base / "model.safetensors")
    weights["model.embed_tokens.weight"][end] = 0
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    return base


def test_a_training_of_an_adapter_names_the_tokens_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    pairs = write_pairs(tmp_path / "pairs")
    base = with_untrained_end(tmp_path / "base")
    train_here(pairs, tmp_path / "lora", base=base, **LORA)
    (said,) = read_notices(tmp_path / "lora")
    assert "never to have been trained on <|im_end|> of the chat template" in said
    assert "lora_modules_to_save" in said
    train_here(pairs, tmp_path / "known", **LORA)
    train_here(pairs, tmp_path / "whole", base=base, max_steps=1)
    train_here(pairs, tmp_path / "along", base=base, **LORA, lora_modules_to_save=["embed_tokens", "lm_head"])
    assert [read_notices(tmp_path / run) for run in ("known", "whole", "along")] == [[], [], []]
