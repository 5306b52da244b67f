"""The config `chat`, and what Axolotl and LLaMA-Factory make of it."""

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from support import read_by_axolotl, read_by_llama_factory
from support.crawl_build import CrawlBuild
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.records import training_schema
from builder.data.storage import read_rows, write_rows
from builder.results.release.checks.files import check_data
from builder.results.release.checks.trainers import check_trainers
from builder.results.release.content.parquet import write_config
from builder.results.release.content.trained import conversation_schema
from builder.results.release.folder import assemble
from builder.results.release.portable.chat import chat_rows
from builder.results.release.portable.trainers import DEFAULTS, NAMES, axolotl_recipe

TRL = {"model_name_or_path": "org/base", "chat_template_path": "training/chat_template.jinja", "output_dir": "tiny"}
PYTHONS = {"axolotl": "HUMPBACK_AXOLOTL", "llama_factory": "HUMPBACK_LLAMA_FACTORY"}
"""Variables that name a Python with the trainer; each needs other versions of the libraries than we do."""


def messages_of(dataset: Path) -> list[list[dict[str, str]]]:
    """The conversations of `sft`."""
    return [[*row["prompt"], *row["completion"]] for row in read_rows(dataset / "sft")]


def test_chat_has_the_rows_of_sft_as_messages_with_their_tags(release: Path, build: FakeBuild, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(release / "dataset"), "chat", cache_dir=str(tmp_path))
    rows, sft = loaded["train"].to_list(), list(read_rows(release / "dataset" / "sft"))
    assert list(rows[0]) == ["messages", "id", "source", "license"]
    assert [row["messages"] for row in rows] == messages_of(release / "dataset")
    assert [[row[key] for key in ("id", "source", "license")] for row in rows] == [
        [row[key] for key in ("id", "source", "license")] for row in sft
    ]
    tags = {row["source"]: row["messages"][0] for row in rows}
    chat = build.recipe.chat
    assert {source: tag["content"] for source, tag in tags.items()} == {
        "people": chat.system_seed, "web": chat.system_web,
    }  # fmt: skip
    assert {tag["role"] for tag in tags.values()} == {"system"}


@pytest.mark.parametrize("rows", [1, 7])
def test_turns_stay_in_order_however_many_there_are_and_the_size_is_that_of_the_table(
    tmp_path: Path, rows: int
) -> None:
    def turns(number: int, who: str) -> list[dict[str, str]]:
        return [{"role": who, "content": f"{who} {number}.{turn}"} for turn in range(number % 3 + 1)]

    made = [
        {"id": str(n), "source": "web", "license": None if n % 2 else "mit", "prompt": turns(n, "user"),
         "completion": turns(n + 1, "assistant")} for n in range(rows)
    ]  # fmt: skip
    write_rows(tmp_path / "sft" / "train-00000-of-00001.parquet", made, conversation_schema())
    written = write_config(tmp_path, "chat", chat_rows(tmp_path / "sft"))
    assert [row["messages"] for row in read_rows(tmp_path / "chat")] == messages_of(tmp_path)
    assert written.splits[0].memory_bytes == pq.read_table(written.splits[0].files[0]).combine_chunks().nbytes


def test_check_finds_a_conversation_that_lost_its_tag(release: Path, tmp_path: Path) -> None:
    dataset = shutil.copytree(release / "dataset", tmp_path / "dataset")
    path = dataset / "chat" / "train-00000-of-00001.parquet"
    rows, schema = list(read_rows(path)), pq.read_schema(path)
    rows[3]["messages"] = rows[3]["messages"][1:]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    assert list(check_data(dataset)) == [
        "chat: the rows are not those the final model was trained on, by the digest in manifest.json"
    ]


def test_a_stand_off_release_has_neither_chat_nor_recipes_for_it(tmp_path: Path) -> None:
    folder = assemble(tmp_path / "r", CrawlBuild(tmp_path / "b", text="standoff", models=[]).build, "1.0.0") / "dataset"
    assert not (folder / "chat").exists()
    assert [
        path.name for path in (folder / "training").iterdir() if path.name in ("axolotl.yml", "dataset_info.json")
    ] == []
    (folder / "training" / "dataset_info.json").write_text("{}")
    assert list(check_trainers(folder)) == [
        "training/dataset_info.json: there is no config chat that it could read; take it out"
    ]


@pytest.mark.parametrize("repository", [None, "org/tiny"])
def test_axolotl_is_told_the_rows_template_and_settings(
    build: FakeBuild, tmp_path: Path, repository: str | None
) -> None:
    changed = build.recipe.release.model_copy(update={"dataset": repository, "models": []})
    recipe = build.recipe.model_copy(update={"release": changed})
    dataset = assemble(tmp_path / "r", Build(recipe, build.artifacts), "1.2.3") / "dataset"
    told = yaml.safe_load((dataset / "training" / "axolotl.yml").read_text())
    (rows,) = told["datasets"]
    where = {key: rows.get(key) for key in ("path", "name", "revision", "data_files")}
    assert where == (
        {"path": "org/tiny", "name": "chat", "revision": "v1.2.3", "data_files": None} if repository
        else {"path": "chat", "name": None, "revision": None, "data_files": "chat/train-*.parquet"}
    )  # fmt: skip
    assert (dataset / told["chat_template_jinja"]).is_file()
    assert told["special_tokens"] == {"eos_token": "<|im_end|>"}
    assert (told["learning_rate"], told["sequence_len"], told["micro_batch_size"], told["num_epochs"]) == (
        1e-3,
        512,
        4,
        1,
    )
    assert list(check_trainers(dataset)) == []
    (dataset / "training" / "axolotl.yml").write_text("datasets: [{path: somebody/else}]\n")
    assert list(check_trainers(dataset)) == [
        "training/axolotl.yml: its datasets are not the config chat of this release; release it again"
    ]


def test_llama_factory_finds_the_rows_beside_its_file(release: Path) -> None:
    training = release / "dataset" / "training"
    entry = json.loads((training / "dataset_info.json").read_text())["tiny"]
    assert (training / entry["file_name"]).resolve() == (release / "dataset" / "chat").resolve()
    assert entry["formatting"] == "sharegpt"  # its form `openai` adds a sentence to every system message


def test_defaults_that_axolotl_is_told_are_those_of_trl() -> None:
    trl = pytest.importorskip("trl")
    known = {field.name: field.default for field in dataclasses.fields(trl.SFTConfig)}
    assert {key: known[key] for key in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, {"lr_scheduler": "linear", "micro_batch_size": 8, "num_epochs": 3.0, "sequence_len": 1024}),
        ({"warmup_steps": 0.1}, {"warmup_ratio": 0.1}),
        ({"max_steps": 200, "optim": "adafactor"}, {"max_steps": 200, "optimizer": "adafactor"}),
        (
            {"use_peft": True, "lora_r": 8, "lora_target_modules": "all-linear"},
            {"adapter": "lora", "lora_r": 8, "lora_target_linear": True},
        ),
    ],
)
def test_settings_have_their_names_in_axolotl(given: dict[str, Any], told: dict[str, Any]) -> None:
    recipe = axolotl_recipe(TRL | given, None)
    assert told.items() <= recipe.items()
    assert not {key for key, name in NAMES.items() if key != name} & recipe.keys()
    assert "lora_target_modules" not in recipe


def said(trainer: Any, variable: str, release: Path, scratch: Path, *options: str) -> dict[str, Any]:
    """What a trainer makes of a release, in a Python that has it."""
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} names no Python with that trainer")
    command = [python, trainer.__file__, str(scratch), *options]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(scratch / "home"), "AXOLOTL_DO_NOT_TRACK": "1"}
    offline |= {
        "DISABLE_VERSION_CHECK": "1"
    }  # LLaMA-Factory asks for torchvision and more, which it does not need here
    ran = subprocess.run(
        command, cwd=release / "dataset", env=os.environ | offline, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    answer: dict[str, Any] = json.loads((scratch / "said.json").read_text())
    return answer


def rendered(release: Path) -> list[str]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(release / "models" / "final")
    return [tokenizer.apply_chat_template(row, tokenize=False) for row in messages_of(release / "dataset")]


@pytest.mark.full
def test_axolotl_reads_the_rows_and_trains_on_their_answers(release: Path, tmp_path: Path) -> None:
    told = said(read_by_axolotl, PYTHONS["axolotl"], release, tmp_path)
    assert told["messages"] == messages_of(release / "dataset")
    assert told["texts"] == rendered(release)
    assert told["trained"] == [row[-1]["content"] + "<|im_end|>" for row in told["messages"]]
    assert told["settings"] == {"sequence_len": 512, "learning_rate": 1e-3, "micro_batch_size": 4, "num_epochs": 1.0}


@pytest.mark.full
def test_llama_factory_reads_the_rows_and_trains_on_their_answers(release: Path, tmp_path: Path) -> None:
    told = said(read_by_llama_factory, PYTHONS["llama_factory"], release, tmp_path, "tiny")
    assert told["texts"] == [f"{text}\n" for text in rendered(release)]  # its ChatML ends with a line break
    answers = [row[-1]["content"] for row in messages_of(release / "dataset")]
    assert told["trained"] == [f"{answer}<|im_end|>\n" for answer in answers]


def test_schema_of_messages_is_that_of_prompts(release: Path) -> None:
    schema = pq.read_schema(release / "dataset" / "chat" / "train-00000-of-00001.parquet")
    assert schema.field("messages").type == training_schema().field("prompt").type
