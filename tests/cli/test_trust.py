"""Attacks by a recipe that comes from a stranger: nothing of it runs, and nothing outside is read, unasked."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from support.output_schema import answered

from builder.cli.init import copy_recipe, write_recipe_folder
from builder.cli.main import cli
from builder.errors import RecipeError

OF_RECIPES = sorted(
    name for name, command in cli.commands.items() if any(parameter.name == "recipe" for parameter in command.params
                                                          if isinstance(parameter, click.Argument))
)  # fmt: skip
ARGUMENTS = {"release": ("--version", "1.0.0"), "check": ("--preflight",), "ablate": (__file__,), "explain": ("a",)}

RUNS = ("ablate", "build", "check", "evaluate", "preview", "release", "scale")
"""Those that run what a recipe names."""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The quickstart's recipe as it comes from a stranger."""
    copy_recipe(tmp_path / "theirs")
    for name in ("base", "corpus/pages", "corpus/warc", "seed"):
        (tmp_path / "theirs" / name).mkdir(parents=True)
    for name in ("base/config.json", "corpus/pages/a.html", "corpus/warc/a.warc"):
        (tmp_path / "theirs" / name).touch()
    for name in ("seed/pairs.jsonl", "seed/safety.jsonl"):
        (tmp_path / "theirs" / name).write_text('{"instruction": "a", "output": "b"}\n')
    return tmp_path / "theirs"


def change(folder: Path, **settings: Any) -> None:
    values = yaml.safe_load((folder / "build.yaml").read_text())
    for key, value in settings.items():
        section, _, name = key.partition("__")
        values[section] = {**values[section], name: value}
    (folder / "build.yaml").write_text(yaml.safe_dump(values))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def asked(result: Result) -> list[str]:
    """The keys that a command asks consent for; empty if it does not ask."""
    lines = str(result.exception).splitlines() if isinstance(result.exception, RecipeError) else []
    return [line.split(":")[0].strip() for line in lines[1:-1]] if lines and "--trust-recipe" in lines[-1] else []


@pytest.mark.parametrize("command", OF_RECIPES)
def test_every_command_on_a_recipe_asks_before_it_does_anything(folder: Path, command: str, tmp_path: Path) -> None:
    stolen = tmp_path / "stolen"
    change(folder, runtime__launcher=f"touch {stolen}", chat__template="/etc/passwd")
    result = run(command, folder, *ARGUMENTS.get(command, ()))
    runs = ["runtime.launcher"] if command in RUNS else []
    assert asked(result) == ["chat.template", *runs]
    assert getattr(result.exception, "exit_code", None) == 2
    assert '"/etc/passwd": it is outside the recipe\'s folder and is read' in str(result.exception)
    assert not stolen.exists()
    assert not (folder / "work").exists()


def test_a_command_that_only_looks_asks_for_nothing_that_is_only_run(folder: Path) -> None:
    change(folder, runtime__launcher="touch stolen", runtime__endpoint="http://theirs.example/v1")
    assert run("plan", folder).exit_code == 0
    assert asked(run("build", folder)) == ["runtime.endpoint", "runtime.launcher"]


def test_a_consent_is_given_once_and_asked_for_again_when_the_recipe_reaches_further(folder: Path) -> None:
    change(folder, runtime__launcher="theirs", runtime__work_dir="../elsewhere")
    assert asked(run("build", folder)) == ["runtime.work_dir", "runtime.launcher"]
    assert "no such stage" in str(run("build", folder, "--trust-recipe", "--until", "nothing").exception)
    assert (folder.parent / ".elsewhere.trusted.json").is_file()
    assert "no such stage" in str(run("build", folder, "--until", "nothing").exception)
    change(folder, curate__share=0.5)
    assert asked(run("build", folder)) == []
    change(folder, runtime__launcher="theirs --and more")
    assert asked(run("build", folder)) == ["runtime.launcher"]


def test_consent_to_what_a_look_reads_is_none_to_what_a_build_runs(folder: Path) -> None:
    change(folder, runtime__launcher="theirs", chat__template="/etc/passwd")
    run("plan", folder, "--trust-recipe")
    assert asked(run("plan", folder)) == []
    assert asked(run("build", folder)) == ["runtime.launcher"]


def test_a_folder_that_init_wrote_is_trusted_whatever_its_user_makes_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write_recipe_folder(folder)
    change(folder, runtime__launcher="mine")
    assert asked(run("build", folder, "--until", "nothing")) == []

    # The same folder, given to somebody else, or copied by somebody else, is a stranger's.
    shutil.copytree(folder, tmp_path / "theirs")
    assert asked(run("build", tmp_path / "theirs")) == ["runtime.launcher"]

    # So is one in which another user can write.
    (folder / "build.yaml").chmod(0o666)
    assert asked(run("build", folder)) == ["runtime.launcher"]
    (folder / "build.yaml").chmod(0o644)
    (folder / "sft_forward.yaml").chmod(0o666)
    assert asked(run("build", folder)) == ["runtime.launcher"]


def test_init_and_quickstart_make_no_folder_their_own_that_a_stranger_began(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "begun" / "base").mkdir(parents=True)
    write_recipe_folder(tmp_path / "begun")
    change(tmp_path / "begun", runtime__launcher="theirs")
    assert asked(run("build", tmp_path / "begun")) == ["runtime.launcher"]
    change(folder, runtime__launcher="theirs")
    assert asked(run("quickstart", folder)) == ["runtime.launcher"]


def test_a_memory_that_a_folder_brings_along_is_not_believed(folder: Path, state: Path) -> None:
    change(folder, runtime__launcher="theirs")
    run("build", folder, "--trust-recipe", "--until", "nothing")
    shutil.copytree(folder, folder.with_name("copy"))
    assert asked(run("build", folder.with_name("copy"))) == ["runtime.launcher"]
    shutil.rmtree(state)  # as another user has it, who signs with a key of his own
    write_recipe_folder(folder.with_name("mine"))
    assert asked(run("build", folder)) == ["runtime.launcher"]


def test_where_nothing_can_be_remembered_the_flag_holds_for_the_run_and_says_so(folder: Path, state: Path) -> None:
    state.write_text("a file")
    change(folder, runtime__launcher="theirs")
    result = run("build", folder, "--trust-recipe", "--until", "nothing")
    assert "no such stage" in str(result.exception)
    assert "--trust-recipe holds for this run and is not remembered: " in result.output
    assert asked(run("build", folder)) == ["runtime.launcher"]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"deepspeed": "theirs.json"}, "deepspeed"),
        ({"fsdp_config": "theirs.json"}, "fsdp_config"),
        ({"deepspeed": {"zero_optimization": {"offload_param": {"nvme_path": "/home/me"}}}}, "deepspeed.zero_optim"),
        ({"logging_dir": "../../elsewhere"}, "logging_dir"),
        ({"report_to": ["none", "wandb"]}, "report_to"),
    ],
)
def test_a_trl_recipe_that_names_a_file_or_a_receiver_is_refused_also_with_consent(
    folder: Path, options: dict[str, Any], key: str
) -> None:
    before = yaml.safe_load((folder / "sft_forward.yaml").read_text())
    (folder / "sft_forward.yaml").write_text(yaml.safe_dump(before | options))
    for consent in ((), ("--trust-recipe",)):
        result = run("build", folder, *consent)
        assert isinstance(result.exception, RecipeError)
        assert f"sft_forward.yaml: {key}" in str(result.exception)
        assert not (folder / "work").exists()


def test_check_asks_no_server_reads_nothing_outside_and_says_what_needs_consent(
    folder: Path, tmp_path: Path, server: Any
) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("canary: {{ canary }}\n")
    shutil.rmtree(folder / "base")
    (folder / "base").symlink_to(tmp_path)
    change(
        folder,
        engine__kind="openai",
        runtime__endpoint=server.endpoint,
        runtime__launcher="accelerate launch --config_file ../secret.yaml",
        augment__template=str(secret),
        training__forward=str(secret),
        training__backward=str(secret),
        training__initial=str(tmp_path / "absent.yaml"),
    )
    result = run("check", folder)
    assert isinstance(result.exception, RecipeError)
    assert "absent.yaml: no such file" in str(result.exception)
    change(folder, training__initial=None)
    result, as_json = run("check", folder), run("check", folder, "--json")
    assert (result.exit_code, as_json.exit_code) == (0, 0)
    expected = [
        "base.path",
        "augment.template",
        "training.forward",
        "training.backward",
        "runtime.endpoint",
        "runtime.launcher",
    ]
    assert [item["key"] for item in answered("check", json.loads(as_json.stdout))["needs_trust"]] == expected
    assert result.stdout.count("what needs --trust-recipe: ") == len(expected)
    assert "canary" not in result.output + as_json.output
    assert server.headers == []


def test_where_nothing_is_doubted_check_does_not_walk_the_folders_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe_folder(tmp_path / "mine")
    walked: list[object] = []
    monkeypatch.setattr("builder.cli.check.needs_of", lambda *values: walked.append(values) or [])
    run("check", tmp_path / "mine")
    assert walked == []


def test_a_link_to_another_recipe_is_not_followed_unasked(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "others")
    (folder / "build.yaml").unlink()
    (folder / "build.yaml").symlink_to(tmp_path / "others" / "build.yaml")
    assert "build.yaml" in asked(run("build", folder))


def test_control_characters_of_a_value_do_not_reach_the_terminal(folder: Path) -> None:
    outside = {"training__forward": "/etc/passwd", "training__backward": "/etc/passwd", "chat__template": "/etc/passwd"}
    change(folder, **outside, runtime__launcher="theirs \x1b[2J\x07 \u202e\nerror: nothing to see")
    result = run("check", folder)
    lines = [line for line in result.stdout.splitlines() if "runtime.launcher" in line]
    assert len(lines) == 1
    assert not {"\x1b", "\x07", "\u202e"} & {*result.stdout}
    assert "\nerror: nothing" not in str(run("build", folder).exception)


def test_a_recipe_that_is_a_link_elsewhere_is_not_opened_before_consent(folder: Path, tmp_path: Path) -> None:
    private = tmp_path / "credentials"
    private.write_text("name: Foo Bar\nsecret_access: 7\n")
    (folder / "build.yaml").unlink()
    (folder / "build.yaml").symlink_to(private)
    for command in OF_RECIPES:
        result = run(command, folder, *ARGUMENTS.get(command, ()))
        assert asked(result) == ["build.yaml"]
        assert "Foo Bar" not in str(result.exception)
    assert asked(run("check", folder, "--pin")) == ["build.yaml"]


def test_a_pipe_or_a_device_in_place_of_a_recipe_is_not_read(folder: Path) -> None:
    (folder / "sft_forward.yaml").unlink()
    os.mkfifo(folder / "sft_forward.yaml")
    assert "it is a named pipe" in str(run("check", folder).exception)
    (folder / "build.yaml").unlink()
    os.mkfifo(folder / "build.yaml")
    assert "it is a named pipe" in str(run("plan", folder).exception)
    (folder / "build.yaml").unlink()
    (folder / "build.yaml").symlink_to("/dev/zero")
    assert "it is a device" in str(run("plan", folder, "--trust-recipe").exception)
