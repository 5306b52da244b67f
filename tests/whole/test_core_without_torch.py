"""`pip install humpback-builder` alone: everything that needs no model works where no model library is."""

import subprocess
import sys

import pytest

from builder.cli.init import write_recipe_folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """The quickstart's recipe; what one test has built of it, the next one need not build."""
    folder = tmp_path_factory.mktemp("core") / "project"
    write_recipe_folder(folder)
    return folder / "build.yaml"


@pytest.fixture
def humpback(without_model_libraries):
    def run(*arguments):
        command = [sys.executable, "-m", "builder", *map(str, arguments)]
        return subprocess.run(command, env=without_model_libraries, capture_output=True, text=True, check=False)

    return run


def test_pages_are_cut_and_inspected_without_a_model_library(humpback, recipe, tmp_path):
    for arguments in (
        ("init", tmp_path / "project"),
        ("check", recipe),
        ("plan", recipe),
        ("build", recipe, "--until", "dedup"),
        ("show", recipe, "dedup"),
    ):
        result = humpback(*arguments)
        assert result.returncode == 0, result.stderr


def test_a_stage_that_needs_a_model_library_says_what_to_install(humpback, recipe):
    result = humpback("build", recipe, "--until", "model-backward")
    assert result.returncode == 1
    assert "transformers is not installed: pip install 'humpback-builder[train]'" in result.stderr
    assert "Traceback" not in result.stderr
