"""An adapter changes modules that the base has; `all-linear` names them all."""

from pathlib import Path
from typing import Any

import pytest

from builder.cli.checks.adapters import module_problems

FILE = Path("sft.yaml")
BASE = Path(__file__).parents[3] / "builder" / "sample" / "base"


def problems(modules: Any, base: Path | None) -> list[str]:
    return list(module_problems(FILE, {"use_peft": True, "lora_target_modules": modules}, base))


@pytest.mark.parametrize(
    "modules", ["all-linear", ["q_proj", "v_proj"], ["self_attn.q_proj", "down_proj"], ["all-linear"], [r".*\.q_proj"]]
)
def test_modules_of_the_base_are_taken(modules: Any) -> None:
    assert problems(modules, BASE) == []


def test_a_module_that_the_base_has_not_is_named_with_one_that_it_has() -> None:
    (problem,) = problems(["q_proj", "v_porj"], BASE)
    assert problem.startswith(f"sft.yaml: lora_target_modules has 'v_porj', and the base {BASE} has no module of that")
    assert problem.endswith("did you mean v_proj?")
    assert "down_proj, " in problems(["c_attn", "q_proj"], BASE)[0]


def test_one_plain_name_alone_would_be_taken_for_a_pattern() -> None:
    (problem,) = problems(["q_proj"], BASE)
    assert r"write it as ['.*\.q_proj']" in problem


def test_of_a_base_that_is_not_here_or_cannot_be_read_nothing_is_said(tmp_path: Path) -> None:
    assert problems(["c_attn", "c_proj"], None) == []
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 20)
    assert problems(["c_attn", "c_proj"], tmp_path) == []
