"""Stages of development programs are found by the processes that run them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from children import let_children_find_scripts

from builder.recipe.sections.runtime import Runtime
from builder.workspace.environment import child_environment


@pytest.mark.parametrize("before", ["", "elsewhere"])
def test_a_process_of_a_build_finds_the_stages_of_scripts(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", before and str(tmp_path / before))
    let_children_find_scripts()
    assert (str(tmp_path / "elsewhere") in os.environ["PYTHONPATH"]) is bool(before)
    program = "import method_check, planted.plant; print(planted.plant.take_part.__module__)"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(
        command, env=child_environment(Runtime()), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "planted.plant"), ran.stderr
