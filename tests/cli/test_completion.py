import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.shell_completion import ShellComplete
from support.recipe_changes import changed, write_recipe, write_small_recipe

from builder.cli.main import cli
from builder.cli.project import open_project
from builder.cli.shell.completion import keys, stages_of
from builder.recipe.keys import keys as read_off_models

HEAVY = {"torch", "transformers", "datasets", "datatrove", "pyarrow", "numpy", "pydantic", "huggingface_hub", "rich"}


def completed(*words, begun=""):
    completion = ShellComplete(cli, {}, "humpback", "_HUMPBACK_COMPLETE")
    return [item.value for item in completion.get_completions(list(map(str, words)), begun)]


@pytest.fixture
def recipe(tmp_path):
    return write_small_recipe(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"iterations": 3}, {"decontaminate": None}, {"training.cross_fit": True}, {"training.seeds": [1, 2]},
        {"score": [{"judge": "expected", "model": {"path": "base"}}, {"judge": "likelihood"}]},
        {"score": [{"judge": "expected", "model": {"path": "base"}}], "curate.judge": "expected",
         "training.cross_fit": True},
    ],
)  # fmt: skip
def test_the_stages_are_those_of_a_build_in_their_order(recipe, changes):
    values = changed(yaml.safe_load(recipe.read_text()), changes)
    write_recipe(recipe, values)
    assert stages_of(values) == list(open_project(recipe).look_at_build().artifacts)


def test_stages_and_models_are_completed_from_the_recipe_that_is_named(recipe):
    write_recipe(recipe, changed(yaml.safe_load(recipe.read_text()), {"iterations": 1}))
    for named in (recipe, recipe.parent):
        assert completed("show", named, begun="model") == ["model-backward", "model-0", "model-1"]
        assert completed("build", named, "--until", begun="cur") == ["curate-1"]
    assert completed("show", recipe, begun="it") == ["iterations"]


@pytest.mark.parametrize("text", ["[" * 5_000, "score: 7\niterations: x\ntraining: []", "- a", "\x00", "a: &a [*a]"])
def test_a_recipe_that_cannot_be_read_completes_what_every_build_has(tmp_path, text):
    (tmp_path / "build.yaml").write_text(text)
    found = completed("show", tmp_path, begun="")
    assert {"seed", "augment", "model-0", "curate-1"} <= set(found)


def test_keys_and_reasons_are_those_of_help():
    assert list(keys()) == [key.place for key in read_off_models()]
    assert completed("help", begun="score.likelihood.") == ["score.likelihood.strict", "score.likelihood.judge",
                                                            "score.likelihood.prior_weight"]  # fmt: skip
    assert "no_prose" in completed("help", begun="no_")


def test_settings_are_keys_with_the_numbers_that_they_take(recipe):
    assert completed("plan", recipe, "--set", begun="curate.sh") == ["curate.share="]
    found = completed("plan", recipe, "--set", begun="s")
    assert {"seed.sources.0.path=", "score.0.prior_weight=", "segments.min_chars="} <= set(found)


def test_reasons_are_those_of_the_stage(recipe):
    assert completed("show", recipe, "dedup", "--reason", begun="du") == ["duplicate_id", "duplicate"]
    assert completed("show", recipe, "model-backward", "--reason", begun="longer") == ["longer_than_max_length"]
    assert "no_prose" not in completed("show", recipe, "dedup", "--reason")


def test_completion_loads_nothing_heavy(recipe):
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr))\n"
        "sys.argv = ['humpback']\nfrom builder.cli.main import main\nmain()"
    )
    for words in (f"humpback show {recipe} se", "humpback help cur", f"humpback plan {recipe} --set cur"):
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_HUMPBACK_COMPLETE": "bash_complete"}
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ | asked
        )
        assert result.stdout.startswith("plain,")
        assert HEAVY.isdisjoint(result.stderr.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_of_the_readme_gives_a_shell_its_completion(shell):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"_HUMPBACK_COMPLETE={shell}_source humpback" in readme
    asked = os.environ | {"_HUMPBACK_COMPLETE": f"{shell}_source"}
    script = "import sys; sys.argv = ['humpback']; from builder.cli.main import main; main()"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=asked)
    assert "humpback" in result.stdout, result.stderr
