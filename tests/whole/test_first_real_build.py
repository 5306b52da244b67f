"""docs/first-real-build.md: its commands, in its order, with a real model on twelve segments."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from support.small_project import change_yaml, humpback

pytestmark = pytest.mark.full

PAGE = (Path(__file__).parents[2] / "docs" / "first-real-build.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_work_in_its_order(
    tmp_path: Path, real_model: Path, real_corpus: Path, real_seed: Path
) -> None:
    (settings,) = blocks("yaml")
    places = {
        "MODEL": real_model,
        "PAIRS": real_seed / "self_instruct_seed_175.jsonl",
        "PAGES": real_corpus / "en0001-00.warc.gz",
    }
    for name, path in places.items():
        settings = settings.replace(name, str(path))
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert [shlex.split(line)[1] for line in lines] == [
        "init", "check", "preview", "plan", "build", "show", "show", "show", "build", "show", "show", "release",
    ]  # fmt: skip
    for line in lines:
        program, verb, *words = shlex.split(line)
        assert program == "humpback"
        result = humpback(verb, *words, cwd=tmp_path)
        assert result.returncode == 0, f"{line}\n{result.stderr}"
        if verb == "init":
            change_yaml(tmp_path / "first" / "build.yaml", **yaml.safe_load(settings))
            change_yaml(tmp_path / "first" / "build.yaml", dedup={"sample": 12}, augment={"max_tokens": 48})
            for recipe in ("sft_backward_cpu.yaml", "sft_forward_cpu.yaml"):
                change_yaml(tmp_path / "first" / recipe, max_steps=4, num_train_epochs=None)
        elif verb == "check":
            assert "pairs" in result.stdout.splitlines()[-1]
        elif verb == "preview":
            assert result.stdout.strip()
    assert (tmp_path / "first" / "releases" / "0.1.0" / "dataset" / "README.md").is_file()
