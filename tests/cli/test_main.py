import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.command_here import command_here
from support.output_schema import answered
from support.small_project import humpback

HEAVY = {"torch", "vllm", "trl", "transformers", "datasets", "datatrove", "trafilatura", "pyarrow", "numpy", "pydantic"}


def run_apart(*arguments):
    """Run the command in a process of its own, as a user does."""
    return humpback(*arguments, env={**os.environ})


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "project"
    result = command_here("init", folder)
    assert result.returncode == 0, result.stderr
    return folder / "build.yaml"


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom click.testing import CliRunner\nfrom builder.cli.main import cli\n"
        "result = CliRunner().invoke(cli, ['--help'])\nassert result.exit_code == 0\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY.isdisjoint(loaded)


def test_the_modules_of_the_core_load_no_model_or_data_library():
    script = (
        "import sys\nimport builder, builder.build, builder.cli.project\n"
        "import builder.cli.show, builder.cli.check, builder.cli.quickstart\n"
        "import builder.cli.release, builder.method.seed.stage\n"
        "import builder.method.corpus.stage, builder.method.corpus.dedup.stage\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"torch", "vllm", "trl", "transformers", "datasets", "datatrove", "trafilatura"}.isdisjoint(loaded)
    assert "builder" in loaded


def test_help_lists_every_command():
    result = run_apart("--help")
    assert result.returncode == 0
    for command in ("quickstart", "init", "check", "plan", "build", "show", "release"):
        assert f"\n  {command} " in result.stdout
        assert command_here(command, "--help").returncode == 0


def test_init_writes_a_recipe_that_passes_check(recipe):
    result = command_here("check", recipe)
    assert result.returncode == 0, result.stderr
    assert "fine: quickstart, 2 iterations" in result.stdout


def test_init_leaves_a_recipe_that_is_there_alone(recipe):
    before = recipe.read_bytes()
    recipe.write_bytes(before + b"\n# mine\n")
    result = command_here("init", recipe.parent)
    assert recipe.read_bytes() == before + b"\n# mine\n"
    recipe.write_bytes(before)
    assert result.returncode == 2
    assert "already holds a recipe" in result.stderr


def test_init_that_was_killed_can_be_repeated(tmp_path, monkeypatch):
    from builder.cli import init

    written = []

    def killed(path, data):
        written.append(path.name)
        if path.name == "sft_forward.yaml":
            raise KeyboardInterrupt
        write_bytes(path, data)

    write_bytes = init.write_bytes
    with monkeypatch.context() as patched:
        patched.setattr(init, "write_bytes", killed)
        with pytest.raises(KeyboardInterrupt):
            init.write_recipe_folder(tmp_path)
    assert "build.yaml" not in written
    assert (tmp_path / "base" / "config.json").is_file()
    assert "a recipe with sample data" in init.write_recipe_folder(tmp_path).text()
    assert (tmp_path / "build.yaml").is_file()


def test_plan_shows_every_stage_as_missing_before_a_build(recipe):
    result = command_here("plan", recipe, "--json")
    assert result.returncode == 0, result.stderr
    plan = answered("plan", json.loads(result.stdout))
    assert [item["stage"] for item in plan] == [
        "seed", "segments", "dedup", "model-backward", "augment", "model-0", "score-1-likelihood", "curate-1",
        "model-1", "score-2-likelihood", "curate-2", "model-2",
    ]  # fmt: skip
    assert {item["status"] for item in plan} == {"missing"}
    assert not (recipe.parent / "work").exists()


def test_build_until_and_show(recipe, tmp_path):
    built = run_apart("build", recipe, "--work-dir", tmp_path, "--until", "seed", "--json")
    assert built.returncode == 0, built.stderr
    answered("build", json.loads(built.stdout))
    assert "seed" in built.stderr
    assert "pairs" in built.stderr
    shown = command_here("show", recipe, "seed", "--work-dir", tmp_path, "-n", 1)
    assert "instruction: " in shown.stdout
    table = command_here("plan", recipe, "--work-dir", tmp_path).stdout.splitlines()
    assert table[0].split()[:2] == ["seed", "cached"]
    assert table[1].split()[:2] == ["segments", "missing"]
    shown = answered("show", json.loads(command_here("show", recipe, "seed", "--json", "--work-dir", tmp_path).stdout))
    record = shown["record"]
    counts = record["counts"]["pairs"]
    assert counts["in"] == counts["kept"] + sum(counts["dropped"].values()) + sum(counts["failed"].values())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build", "none.yaml"], 2, "none.yaml: no such file; `humpback init DIR` writes a recipe"),
        (["build", "RECIPE", "--until", "augmentation"], 2, "no such stage; the stages are seed, segments"),
        (
            ["build", "RECIPE", "--set", "curate.shar=0.1"],
            2,
            "curate.shar is not a key of a recipe; did you mean curate.share?",
        ),
        (["show", "RECIPE", "seed"], 2, "seed: has not run; `humpback build /"),
        (["show", "RECIPE", "sed"], 2, "sed: no such stage; the stages are seed"),
        (["release", "RECIPE", "--version", "1.0.0"], 1, "the build is not finished (seed, segments"),
        (["release", "RECIPE", "--version", "1.x"], 2, "it must be three numbers, e.g. 1.0.0"),
        (["release", "RECIPE", "--version", "1.0.0", "--public"], 2, "--public, --gated, --onto and --verify go with"),
        (["release", "RECIPE", "--version", "1.0.0", "--push"], 2, "release.dataset is missing; --push needs the Hub"),
        (["release", "RECIPE", "--version", "1.0.0", "--previous", "none"], 2, "none: holds no release"),
        (["build", "RECIPE", "--set", "segments.sources.9.format=warc"], 2, "'9' is no place in a list of 2"),
        (["build", "RECIPE", "--set", "seed.sources.x=1"], 2, "'x' is no place in a list of 2"),
        (["build", "RECIPE", "--set", "score.foo.bar=1"], 2, "'foo' is no place in a list of 1"),
        (["check", "RECIPE", "--set", "chat.template=none.jinja"], 2, "none.jinja: cannot be read (no such"),
        (["check", "RECIPE", "--set", "segments.navigation_headers=none.txt"], 2, "none.txt: cannot be read (no such"),
        (["check", "RECIPE", "--set", "release.models=[model-7]"], 2, "it must match ^(backward|final|"),
        (["check", "RECIPE", "--set", "release.models=['7']"], 2, "names model 7, but there are 2 iterations"),
        (["check", "RECIPE", "--set", "runtime.launcher='accelerate \"launch'"], 2, "cannot be split into words"),
        (["check", "RECIPE", "--set", "augment.max_tokens=4096"], 2, "must be below engine.max_model_len, 1536"),
        (["build", "RECIPE", "--set", "seed.sources.0.output=answer", "--work-dir", "WORK"], 2, "answer"),
        (["frobnicate"], 2, "No such command"),
        (["release", "RECIPE"], 2, "Missing option '--version'"),
        (["init", "/proc/none"], 1, "choose a folder that can be written"),
    ],
)
def test_mistakes_end_with_a_message_a_code_and_no_traceback(recipe, tmp_path, arguments, code, message):
    places = {"RECIPE": recipe, "WORK": tmp_path}
    result = command_here(*[places.get(argument, argument) for argument in arguments])
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_check_reports_everything_wrong_with_recipe_files_and_templates(recipe, tmp_path):
    values = yaml.safe_load(recipe.read_text())
    (tmp_path / "sft.yaml").write_text("learning_rat: 1\noutput_dir: x\n")
    (tmp_path / "own.jinja").write_text("{{ author }}")
    values |= {
        "base": {"path": "no-base", "license": "mit"},
        "training": {"forward": "sft.yaml", "backward": "none.yaml"},
        "augment": {"template": "own.jinja"},
    }
    (tmp_path / "build.yaml").write_text(yaml.safe_dump(values))
    result = command_here("check", tmp_path)
    assert result.returncode == 2
    for message in (
        "no-base: no such file or folder",
        "corpus/warc: no such file or folder",
        "seed/pairs.jsonl: no such file or folder",
        "own.jinja: 'author' is undefined",
        "output_dir is set by the build; remove it",
        "none.yaml: no such file",
    ):
        assert message in result.stderr
    (tmp_path / "sft.yaml").write_text("learning_rat: 1\n")
    assert "learning_rat is not a key of TRL's SFT recipe" in command_here("check", tmp_path).stderr


def test_check_names_the_files_of_the_corpus_that_no_build_would_read(recipe):
    folder = recipe.parent / "corpus" / "warc"
    (folder / "more.wacz").write_bytes(b"PK")
    (folder / "\x1b[2Jx.png").write_bytes(b"")
    result = command_here("check", recipe, "--json")
    assert result.returncode == 0, result.stderr
    answer = answered("check", json.loads(result.stdout))
    assert re.match(r"361 pages, 169 pairs, about [\d,]+ segments; longest answer", answer["summary"])
    (note,) = [note for note in answer["notes"] if "not read" in note]
    assert "2 files are not read as warc: 1 x .png (%1B[2Jx.png); 1 x .wacz (more.wacz)" in note
    for name in ("more.wacz", "\x1b[2Jx.png"):
        (folder / name).unlink()


def test_debug_shows_the_traceback():
    result = run_apart("--debug", "plan", "none.yaml")
    assert "Traceback" in result.stderr
    assert "Traceback" not in run_apart("plan", "none.yaml").stderr


def test_version_is_the_packages():
    from builder import __version__

    assert run_apart("--version").stdout.strip() == f"humpback, version {__version__}"


def test_a_build_runs_from_python(recipe, tmp_path):
    from builder import Workspace, load_recipe, run_build

    loaded = load_recipe(recipe)
    workspace = Workspace(Path(tmp_path), loaded.runtime, until="seed")
    assert run_build(loaded, workspace) is None
    assert workspace.artifacts["seed"].status == "done"
