"""What is wrong with the recipe itself is said first, without waiting for what opens its inputs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.cli.check import check_recipe
from builder.cli.init import write_recipe_folder
from builder.cli.project import open_project
from builder.errors import RecipeError


def test_a_mistake_in_a_key_is_told_before_the_libraries_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "build.yaml").write_text("name: test\nmisspelt: 1\n")
    code = (
        "import sys\nfrom builder.cli.main import cli\n"
        "try: cli(['check', sys.argv[1]], standalone_mode=False)\n"
        "except Exception as error: print(error)\n"
        "print([name for name in ('torch', 'transformers', 'trl', 'pyarrow', 'numpy', 'builder.build') "
        "if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "misspelt is not a key of a recipe" in said
    assert said.rstrip().endswith("[]")


def test_what_is_read_at_no_commit_is_told_beside_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recipe_folder(tmp_path / "own")
    (tmp_path / "own" / "seed" / "pairs.jsonl").write_text('{"text": "a"}\n')
    monkeypatch.setattr("builder.cli.check.wrong_keys", lambda *_: [])  # TRL takes seconds to load
    settings = (
        "base={model: org/base, revision: main, license: apache-2.0}",
        "curate.share=null",
        "curate.threshold=4.5",
    )
    with pytest.raises(RecipeError) as caught:
        check_recipe(tmp_path / "own", settings)
    for told in ("base.revision is 'main'; org/base must be read at", "curate.threshold is 4.5", "found: text"):
        assert told in str(caught.value)


def test_a_stage_that_is_no_longer_whole_is_told_where_a_server_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    write_recipe_folder(tmp_path / "own")
    monkeypatch.setattr("builder.cli.check.wrong_keys", lambda *_: [])
    monkeypatch.setattr("builder.cli.check.template_problems", lambda _: ([], []))
    settings = ("engine.kind=openai", f"runtime.endpoint={server.endpoint}")
    seed = open_project(tmp_path / "own", overrides=settings).look_at_build().artifacts["seed"]
    seed.path.mkdir(parents=True)
    (seed.path / "stage.json").write_text("{")
    said = check_recipe(tmp_path / "own", settings).text()
    assert "seed is no longer whole" in said
    assert f"{server.endpoint} does not serve yet model-backward-" in said
