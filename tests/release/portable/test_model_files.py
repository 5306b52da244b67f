"""Settings of released models: in the form that transformers 4 and 5 both read, and what loads them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import asked_tokenizers
from support.release_build import FakeBuild

from builder.results.release.checks.card import check_libraries
from builder.results.release.checks.check import OF_MODELS
from builder.results.release.folder import assemble
from builder.results.release.portable.model_files import (
    config_for_both,
    libraries_of,
    tokenizer_for_both,
    write_for_both,
)

PYTHON_4 = "HUMPBACK_TRANSFORMERS_4"
"""Names a Python that has transformers 4, and torch to compare logits as well."""
LLAMA = {"model_type": "llama", "dtype": "bfloat16", "rope_parameters": {"rope_type": "default", "rope_theta": 7e5}}
SAVED_BY_5 = {
    "backend": "tokenizers", "is_local": True, "local_files_only": False, "eos_token": "</s>",
    "extra_special_tokens": ["<|one|>"], "tokenizer_class": "LlamaTokenizer",
}  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = FakeBuild(tmp_path_factory.mktemp("build"))
    model = build.artifacts["model-2"].model
    write(model / "tokenizer_config.json", read(model / "tokenizer_config.json") | SAVED_BY_5)
    return assemble(tmp_path_factory.mktemp("release") / "1.0.0", build.build, "1.0.0")


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value))


@pytest.mark.parametrize("name", ["final", "backward", "base"])
def test_settings_of_a_released_model_have_names_of_both_versions(release: Path, name: str) -> None:
    tokenizer, config = (read(release / "models" / name / f"{kind}.json") for kind in ("tokenizer_config", "config"))
    assert tokenizer["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert not {"is_local", "local_files_only", "backend", "extra_special_tokens"} & tokenizer.keys()
    assert config["torch_dtype"] == config["dtype"] == "float32"
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 10000.0


def test_extra_special_tokens_are_kept_in_a_form_that_both_read(release: Path) -> None:
    assert read(release / "models" / "final" / "tokenizer_config.json")["additional_special_tokens"] == ["<|one|>"]


def test_card_and_manifest_name_the_versions_that_load_a_model(release: Path) -> None:
    for name in ("final", "backward", "base"):
        assert read(release / "models" / name / "manifest.json")["libraries"] == {"transformers": ">=4.57,<6"}
    assert "| libraries | transformers 4 (from 4.57) or 5 |" in (release / "models/final/README.md").read_text()


@pytest.mark.parametrize(
    ("file", "key", "value", "problem"),
    [
        ("tokenizer_config.json", "is_local", True, "only one version of transformers reads is_local"),
        ("tokenizer_config.json", "tokenizer_class", "TokenizersBackend", "reads tokenizer_class as they stand"),
        (
            "tokenizer_config.json",
            "extra_special_tokens",
            ["<|two|>"],
            "additional_special_tokens, extra_special_tokens",
        ),
        ("config.json", "dtype", "bfloat16", "config.json: only one version of transformers reads torch_dtype"),
        ("config.json", "rope_theta", 5.0, "config.json: only one version of transformers reads rope_theta"),
        ("config.json", "model_type", "new", "libraries is {'transformers': '>=4.57,<6'}, by the files they are"),
        ("README.md", "libraries", "card", "lacks the line '| libraries | transformers 4 (from 4.57) or 5 |'"),
    ],
)
def test_check_finds_what_one_version_does_not_read(
    release: Path, tmp_path: Path, file: str, key: str, value: Any, problem: str
) -> None:
    model = shutil.copytree(release / "models" / "final", tmp_path / "final")
    path = model / file
    if file == "README.md":
        path.write_text(path.read_text().replace(f"| {key} |", f"| {value} |"))
    else:
        write(path, read(path) | {key: value})
    found = [line for line in check_libraries(model) if problem in line]
    assert found
    assert all(line.endswith("; release it again") for line in found)
    assert check_libraries in OF_MODELS


def test_class_of_a_family_stays_where_version_4_has_written_it() -> None:
    given = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "additional_special_tokens": ["<|one|>"]}
    assert tokenizer_for_both(given) == given
    assert tokenizer_for_both(given | {"backend": "sentencepiece"}) == given | {"backend": "sentencepiece"}


@pytest.mark.parametrize(
    ("kind", "rotary", "old"),
    [
        ("llama", {"rope_type": "default", "rope_theta": 5e5}, {"rope_theta": 5e5}),
        (
            "llama",
            {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0},
            {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
        ),
        (
            "phi3",
            {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5},
            {"rope_theta": 1e4, "partial_rotary_factor": 0.5},
        ),
        (
            "gpt_neox",
            {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.25},
            {"rotary_emb_base": 1e4, "rotary_pct": 0.25},
        ),
        (
            "gemma3_text",
            {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
            {"rope_theta": 1e6, "rope_local_base_freq": 1e4, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        ),
        ("new", {"one": {"rope_type": "default", "rope_theta": 1.0}, "two": {"rope_theta": 2.0}}, {}),
    ],
)
def test_rotary_embedding_stands_under_the_names_of_version_4_too(
    kind: str, rotary: dict[str, Any], old: dict[str, Any]
) -> None:
    given = {"model_type": kind, "rope_parameters": rotary}
    both = config_for_both(given)
    assert both == given | old
    assert config_for_both(both) == both


def test_parts_of_a_model_are_written_for_both_too() -> None:
    both = config_for_both({"model_type": "llava", "text_config": LLAMA, "dtype": "float16"})
    assert both["text_config"]["torch_dtype"] == "bfloat16"
    assert both["text_config"]["rope_theta"] == 7e5
    assert both["torch_dtype"] == "float16"


@pytest.mark.parametrize(
    ("config", "tokenizer", "versions"),
    [
        ({}, {}, ">=4.57,<6"),
        ({"model_type": "unheard_of"}, {}, ">=5,<6"),
        ({"rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4}}, {}, ">=5,<6"),
        ({}, {"backend": "sentencepiece", "tokenizer_class": "SiglipTokenizer"}, ">=5,<6"),
        ({}, {"model_specific_special_tokens": {"image_token": "<img>"}}, ">=5,<6"),
    ],
)
def test_versions_follow_from_the_files_alone(
    tmp_path: Path, config: dict[str, Any], tokenizer: dict[str, Any], versions: str
) -> None:
    write(tmp_path / "config.json", LLAMA | config)
    write(tmp_path / "tokenizer_config.json", SAVED_BY_5 | tokenizer)
    assert libraries_of(tmp_path) == {"transformers": ">=5,<6"}  # as version 5 has written them
    write_for_both(tmp_path)
    assert libraries_of(tmp_path) == {"transformers": versions}


def test_adapter_needs_the_peft_that_wrote_it(tmp_path: Path) -> None:
    write(tmp_path / "adapter_config.json", {"peft_type": "LORA", "peft_version": "0.21.2"})
    assert libraries_of(tmp_path) == {"transformers": ">=5,<6", "peft": ">=0.21.2"}


def asked(python: str, *models: Path) -> dict[str, Any]:
    command = [python, asked_tokenizers.__file__, *map(str, models)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def python_4(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with transformers 4: the one that is named, or one that pip can make here."""
    if named := os.environ.get(PYTHON_4):
        return named
    place = tmp_path_factory.mktemp("transformers-4") / "venv"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    pip = [
        place / "bin" / "pip",
        "install",
        "-q",
        "--retries",
        "0",
        "--timeout",
        "20",
        "transformers==4.57.*",
        "jinja2",
    ]
    made = subprocess.run(pip, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"{PYTHON_4} names no Python, and pip cannot get transformers 4: {made.stderr.strip()[-200:]}")
    return str(place / "bin" / "python")


@pytest.mark.full
def test_version_4_makes_the_same_of_every_released_model(release: Path, python_4: str) -> None:
    pytest.importorskip("transformers")
    models = [release / "models" / name for name in ("final", "backward", "base")]
    old, new = asked(python_4, *models), asked(sys.executable, *models)
    assert (old["transformers"][0], new["transformers"][0]) == ("4", "5")
    for path, said in old["models"].items():
        ours = new["models"][path]
        assert {key: ours[key] for key in said if key != "class"} == {key: said[key] for key in said if key != "class"}
        assert said["class"] == "PreTrainedTokenizerFast"
    assert "<|im_start|>system" in old["models"][str(models[0])]["asked"]


@pytest.mark.full
def test_version_4_makes_the_same_of_every_family(tmp_path: Path, python_4: str) -> None:
    pytest.importorskip("transformers")
    from support.families import FAMILIES, write_base

    models = []
    for name, family in FAMILIES.items():
        models.append(write_base(family, tmp_path / name))
        if name == "gemma-2":  # it takes no system turn
            (models[-1] / "chat_template.jinja").unlink()
        theta = {"rope_type": "default", "rope_theta": 700.0}  # not the one that version 4 would take by itself
        config = read(models[-1] / "config.json")
        rotary = config["rope_parameters"]
        kinds = rotary if "full_attention" in rotary else None
        config["rope_parameters"] = dict.fromkeys(kinds, theta) if kinds else rotary | theta
        write(models[-1] / "config.json", config)
        write_for_both(models[-1])
        assert libraries_of(models[-1]) == {"transformers": ">=4.57,<6"}
    old, new = asked(python_4, *models)["models"], asked(sys.executable, *models)["models"]
    for path, said in old.items():
        ours = new[path]
        assert {key: ours[key] for key in said if key != "class"} == {key: said[key] for key in said if key != "class"}
