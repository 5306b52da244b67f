"""`scripts/small_model.sh`, and the model folder that it makes."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    command = [str(ROOT / "scripts" / "small_model.sh"), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert f"{tmp_path} is there already" in result.stderr or "make install" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_model_is_one_that_a_build_can_start_from(real_model: Path) -> None:
    from builder.llm.tokenizer import load_tokenizer

    config = json.loads((real_model / "config.json").read_text())
    assert "quantization_config" not in config
    assert config["architectures"] == ["LlamaForCausalLM"]
    tokenizer = load_tokenizer(real_model)
    assert [len(tokenizer(marker)["input_ids"]) for marker in ("<|im_start|>", "<|im_end|>")] == [1, 1]
    card = (real_model / "README.md").read_text()
    assert "dequantised" in card
    assert "instruction-tuned" in card
    assert (real_model / "LICENSE").is_file()


@pytest.mark.full
def test_the_model_answers_in_english(real_model: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(real_model), AutoModelForCausalLM.from_pretrained(real_model)
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    tokens = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    written = model.generate(**tokens, max_new_tokens=24, do_sample=False)[0]
    assert "Paris" in tokenizer.decode(written[tokens["input_ids"].shape[1] :])
