"""What a release says of a base that is a folder here, from its files alone."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.release_build import BASE, FakeBuild

from builder.results.release.content.material import Material
from builder.results.release.facts.local_base import local_base
from builder.results.release.models import write_models

TOY = (
    "the toy model of humpback's quickstart: 0.75 million parameters, trained on a toy language; "
    "for trying the tool, not for use"
)


def base(folder: Path, config: dict[str, Any], *shapes: tuple[int, ...]) -> Path:
    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir()
    for number, shape in enumerate(shapes):
        save_file({"weight": np.zeros(shape, np.int8)}, folder / f"model-{number}.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_base_of_the_quickstart_is_known_by_its_weights_whatever_its_folder_is_called(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(BASE, tmp_path / "my-model"))
    (copy / "config.json").write_text((copy / "config.json").read_text() + "\n")
    assert local_base(copy) == TOY
    other = Path(shutil.copytree(BASE, tmp_path / "base"))
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    assert local_base(other) == "a local model of 0.75 million parameters (`LlamaForCausalLM`)"


@pytest.mark.parametrize(
    ("config", "shapes", "said"),
    [
        (
            {"architectures": ["OurModel"]},
            [(1000, 700), (1000, 800)],
            "a local model of 1.5 million parameters (`OurModel`)",
        ),
        ({}, [(20, 30)], "a local model of 600 parameters"),
        ({"architectures": ["a` <b>"]}, [], "a local model"),
        ({"architectures": "M", "quantization_config": {"bits": 4}}, [(9, 9)], "a local model"),
    ],
)
def test_another_is_told_by_its_size_and_its_architecture(
    tmp_path: Path, config: dict[str, Any], shapes: list[tuple[int, ...]], said: str
) -> None:
    assert local_base(base(tmp_path / "base", config, *shapes)) == said


def test_what_cannot_be_read_is_not_told(tmp_path: Path) -> None:
    folder = base(tmp_path / "base", {"architectures": ["M"]})
    (folder / "model.safetensors").write_bytes(b"no weights")
    assert local_base(folder) == "a local model (`M`)"
    assert local_base(tmp_path / "gone") == "a local model"


def test_cards_of_models_say_what_their_local_base_is(tmp_path: Path) -> None:
    write_models(tmp_path / "models", Material(FakeBuild(tmp_path / "build", models=["final"]).build, "1.0.0"))
    assert f"It is {TOY}.\n" in (tmp_path / "models" / "base" / "README.md").read_text()
    (row,) = (
        line for line in (tmp_path / "models" / "final" / "README.md").read_text().splitlines() if "../base" in line
    )
    assert row == f"| base model | `base`, beside this folder as `../base`: {TOY} |"
