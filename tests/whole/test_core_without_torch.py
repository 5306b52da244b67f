"""`pip install humpback-builder` alone: everything that needs no model works where no model library is."""

import subprocess
import sys

import pytest


@pytest.fixture
def humpback(without_model_libraries):
    def run(*arguments):
        command = [sys.executable, "-m", "builder", *map(str, arguments)]
        return subprocess.run(command, env=without_model_libraries, capture_output=True, text=True, check=False)

    return run


def test_pages_are_cut_and_inspected_without_a_model_library(humpback, tmp_path):
    recipe = tmp_path / "project" / "build.yaml"
    for arguments in (
        ("init", recipe.parent),
        ("check", recipe),
        ("plan", recipe),
        ("build", recipe, "--until", "dedup"),
        ("show", recipe, "dedup"),
    ):
        result = humpback(*arguments)
        assert result.returncode == 0, result.stderr


def test_a_stage_that_needs_a_model_library_says_what_to_install(humpback, tmp_path):
    recipe = tmp_path / "project" / "build.yaml"
    humpback("init", recipe.parent)
    result = humpback("build", recipe, "--until", "model-backward")
    assert result.returncode == 1
    assert "transformers is not installed: pip install 'humpback-builder[train]'" in result.stderr
    assert "Traceback" not in result.stderr
