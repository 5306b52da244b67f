"""The `--set` values of a build hold in the commands that follow, or these say why not."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.recipe_changes import write_small_recipe
from support.small_project import change_yaml, humpback, write_small_project

from builder.build import Build
from builder.cli import check as check_command
from builder.cli import release as release_command
from builder.cli.checks.inputs import Looked
from builder.cli.main import cli
from builder.cli.project import open_project
from builder.data.storage import read_json, read_rows, write_json
from builder.errors import BuilderError, StageError

ROWS = {None: 356, "curate.share=0.3": 192, "curate.share=0.4": 250}
"""How many pairs each selection has."""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe for which every stage is done, with each selection; a release is the number of its rows."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = write_small_recipe(tmp_path / "own project")
    for setting, rows in ROWS.items():
        _finish(path, (setting,) if setting else (), rows)

    def assemble(folder: Path, build: Build, version: str, **_: Any) -> Path:
        folder.mkdir(parents=True)
        (folder / "models").mkdir()
        kept = build.curated[-1].record["counts"]["pairs"]["kept"]
        (folder / "rows.json").write_text(json.dumps([kept, build.recipe.release.title]))
        return folder

    monkeypatch.setattr(release_command, "assemble", assemble)
    monkeypatch.setattr(release_command, "release_notes", lambda _: [])
    return path


def _finish(path: Path, settings: tuple[str, ...], rows: int) -> None:
    for name, stage in open_project(path, overrides=settings, as_written=True).look_at_build().artifacts.items():
        kind = "pairs" if name.startswith("curate") else "rows"
        counts = {kind: {"in": 1000, "kept": rows, "dropped": {"low": 1000 - rows}, "failed": {}}}
        write_json(stage.path / "stage.json", {"stage": name, "status": "done", "counts": counts, "warnings": []})


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def refusal(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, BuilderError), (result.output, result.exception)
    return str(result.exception)


def build(recipe: Path, *words: str) -> str:
    result = run("build", recipe, *words)
    assert result.exception is None, result.exception
    return result.output


def released(recipe: Path, version: str, *words: str) -> list[Any]:
    """Rows and title of a release."""
    result = run("release", recipe, "--version", version, *words)
    assert result.exception is None, result.exception
    return list(read_json(recipe.parent / "releases" / version / "rows.json"))


def selected(recipe: Path, *words: str) -> int:
    result = run("show", recipe, "--json", *words)
    assert result.exception is None, result.exception
    return int(json.loads(result.stdout)["curate-2"]["counts"]["pairs"]["kept"])


def settings(recipe: Path) -> list[str]:
    return [item["set"] for item in read_json(recipe.parent / "work" / "overrides.json")["overrides"]]


def test_a_release_has_the_rows_of_the_build_before_it(recipe: Path) -> None:
    build(recipe)
    assert released(recipe, "1.0.0") == [356, "Small"]
    build(recipe, "--set", "curate.share=0.3")
    assert released(recipe, "2.0.0") == [192, "Small"]


@pytest.mark.parametrize("command", [("show",), ("plan",), ("build",), ("release", "--version", "1.0.0")])
def test_every_command_that_follows_uses_what_the_build_was_run_with_and_says_so_in_one_line(
    recipe: Path, command: tuple[str, ...]
) -> None:
    build(recipe, "--set", "curate.share=0.3")
    verb, *words = command
    result = run(verb, recipe, *words)
    assert result.exception is None
    file = recipe.parent / "work" / "overrides.json"
    assert result.stderr.splitlines()[:1] == [
        f"using what the last build was run with: --set curate.share=0.3 ({file}; --as-written leaves that out)"
    ]
    assert result.stderr.count("--set") == 1
    plain = run(verb, recipe, *words, *(["--out", recipe.parent / "else"] if words else []), "--as-written")
    assert plain.exception is None
    assert "--set" not in plain.stderr


def test_check_tells_what_the_last_build_was_run_with(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(recipe, "--set", "curate.share=0.3")
    line = "using what the last build was run with: --set curate.share=0.3 ("
    failed = run("check", recipe)
    assert "the tokenizer cannot be loaded" in str(failed.exception)
    assert failed.stdout.startswith(line)
    monkeypatch.setattr(check_command, "template_problems", lambda _: ([], []))
    monkeypatch.setattr(check_command, "look_in_child", lambda _: Looked())
    found = run("check", recipe)
    assert found.exception is None
    assert found.stdout.startswith(line)
    assert found.stdout.count("--set") == 1
    assert json.loads(run("check", recipe, "--json").stdout)["notes"][0].startswith(line)
    assert "--set" not in run("check", recipe, "--as-written").stdout
    looked = Looked(notes=["a note that is told in many short words, " * 3], bytes=1_000_000)
    monkeypatch.setattr(check_command, "look_in_child", lambda _: looked)
    piped = check_command.check_recipe(recipe).text()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = check_command.check_recipe(recipe).text()
    assert shown.split() == piped.split()
    assert max(map(len, piped.splitlines())) > 120
    assert max(len(line) for line in shown.splitlines() if "/" not in line) <= 80


def test_a_build_without_set_goes_on_with_what_was_set_and_as_written_ends_that(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3")
    assert "192 of 1,000 pairs selected" in build(recipe)
    assert settings(recipe) == ["curate.share=0.3"]
    assert "356 of 1,000 pairs selected" in build(recipe, "--as-written")
    assert settings(recipe) == []
    assert selected(recipe) == 356


def test_a_build_with_other_values_records_those_and_keeps_the_rest(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3", "--set", "runtime.workers=3")
    assert "192 of" in build(recipe, "--set", "release.title=Else")
    assert settings(recipe) == ["curate.share=0.3", "runtime.workers=3", "release.title=Else"]
    result = run("build", recipe, "--set", "curate.share=0.4")
    assert "--set curate.share=0.4 replaces curate.share=0.3 of the last build" in result.stderr
    assert settings(recipe) == ["runtime.workers=3", "release.title=Else", "curate.share=0.4"]
    assert released(recipe, "1.0.0") == [250, "Else"]


def test_another_selection_rule_takes_the_place_of_the_one_on_record(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3")
    run("build", recipe, "--set", "curate.top=9")
    assert settings(recipe) == ["curate.top=9"]


@pytest.mark.parametrize("before", ["0.3", "0.4", None])
def test_a_release_with_another_value_is_refused_and_names_both_and_what_to_do(
    recipe: Path, before: str | None
) -> None:
    build(recipe, *(["--set", f"curate.share={before}"] if before else []))
    given = ["--set", "curate.share=0.35", "--set", "release.title=Other"]
    said = refusal("release", recipe, "--version", "1.0.0", *given)
    command = shlex.join(["humpback", "build", str(recipe), *given])
    assert said.splitlines() == [
        f"--set curate.share=0.35: the build was run with curate.share: {before or '0.5'}",
        f"  to release what was built, leave that out; for the other, run `{command}` first",
    ]
    assert not (recipe.parent / "releases").exists()


def test_a_value_that_changes_no_row_is_taken_at_a_release(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3", "--set", "release.title=One")
    assert released(recipe, "1.0.0", "--set", "curate.share=0.30") == [192, "One"]
    assert released(recipe, "2.0.0", "--set", "release.title=Two") == [192, "Two"]
    assert released(recipe, "3.0.0", "--set", "curate.threshold=null") == [192, "One"]
    assert released(recipe, "4.0.0", "--as-written") == [356, "Small"]
    assert settings(recipe) == ["curate.share=0.3", "release.title=One"]


def test_a_recipe_that_says_the_same_by_now_needs_the_record_no_more(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3")
    change_yaml(recipe, curate={"judge": "likelihood", "share": 0.3})
    assert "curate.share: the recipe now says 0.3 itself" in run("show", recipe).stderr
    build(recipe)
    assert settings(recipe) == []
    change_yaml(recipe, curate={"judge": "likelihood", "share": 0.4})
    assert selected(recipe) == 250


def test_a_recipe_that_was_edited_since_is_told_beside_what_still_holds(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3")
    change_yaml(recipe, curate={"judge": "likelihood", "share": 0.4})
    result = run("show", recipe)
    assert "curate.share: the recipe has changed from 0.5 to 0.4; 0.3, which the last build was told" in result.stderr
    assert selected(recipe) == 192
    change_yaml(recipe, curate={"judge": "likelihood", "top": 9})
    assert "curate.share: the recipe has no such key any more, where it said 0.5" in run("show", recipe).stderr


def test_a_key_whose_place_is_gone_is_named_with_what_to_do(recipe: Path) -> None:
    run("build", recipe, "--set", "score.4.max_tokens=9", "--set", "score.3.max_tokens=99")
    build(recipe, "--as-written", "--set", "score.3.max_tokens=99", "--until", "seed")
    change_yaml(recipe, score=[{"judge": "likelihood"}])
    said = refusal("plan", recipe)
    assert "--set score.3.max_tokens=99: '3' is no place in a list of 1; count from 0" in said
    assert "this is with what the last build was run with: --set score.3.max_tokens=99; if the recipe has" in said
    assert "or leave it out with --as-written" in said
    assert run("plan", recipe, "--as-written").exception is None
    change_yaml(recipe, name="No Name")
    assert "last build" not in refusal("plan", recipe, "--as-written")


def test_a_mistake_that_is_no_matter_of_the_record_is_said_alone(recipe: Path) -> None:
    build(recipe, "--set", "curate.share=0.3")
    assert refusal("plan", recipe, "--set", "curate.shar=1").splitlines() == [
        f"{recipe}: curate.shar is not a key of a recipe; did you mean curate.share?"
    ]


@pytest.mark.parametrize(
    "content",
    ['{"overrides": [{"set": "curate.sh', "", "[]", "3", '{"overrides": [3]}', '{"overrides": 3}', "[" * 99_999, "\xff",
     '{"overrides": [{"set": "a=[[[", "recipe_said": null, "without_secret": false}]}',
     '{"overrides": [{"set": "a", "recipe_said": null, "without_secret": false}]}'],
)  # fmt: skip
def test_a_damaged_record_is_named_and_built_anew(recipe: Path, content: str) -> None:
    build(recipe, "--set", "curate.share=0.3")
    file = recipe.parent / "work" / "overrides.json"
    file.write_bytes(content.encode("latin-1"))
    for command in (("show", recipe), ("build", recipe), ("release", recipe, "--version", "1.0.0")):
        said = refusal(*command)
        assert said.startswith(f"{file}: not what a build has written (")
        assert "run `humpback build RECIPE --as-written` with all the --set values that it should have" in said
    assert "192 of" in build(recipe, "--as-written", "--set", "curate.share=0.3")
    assert selected(recipe) == 192


def test_what_stands_in_the_place_of_the_record_is_not_waited_for(recipe: Path, tmp_path: Path) -> None:
    file = recipe.parent / "work" / "overrides.json"
    os.mkfifo(file)
    assert "it is no regular file" in refusal("show", recipe)
    file.unlink()
    (tmp_path / "elsewhere").write_text('{"overrides": []}')
    file.symlink_to(tmp_path / "elsewhere")
    assert "--trust-recipe" in refusal("show", recipe)
    assert f"{file}: not what a build has written" in refusal("show", recipe, "--trust-recipe")


@pytest.mark.parametrize(
    "title", ["Two words", 'it\'s "quoted" $HOME `ls`', "a\\b", "[not, a list]' #", "Ünïcode = yes", "--set"]
)
def test_the_next_step_carries_all_settings_as_a_shell_takes_them(recipe: Path, tmp_path: Path, title: str) -> None:
    given = f"release.title={json.dumps(title, ensure_ascii=False)}"
    said = build(recipe, "--set", given, "--set", "curate.share=0.3", "--work-dir", str(recipe.parent / "work"))
    (line,) = [line.removeprefix("next: humpback ") for line in said.splitlines() if line.startswith("next: ")]
    verb, *words = shlex.split(line)
    assert words[-4:] == ["--set", given, "--set", "curate.share=0.3"]
    assert run(verb, *words).exception is None
    assert read_json(recipe.parent / "releases" / "1.0.0" / "rows.json") == [192, title]
    (recipe.parent / "work" / "overrides.json").unlink()
    assert run(verb, *words, "--out", tmp_path / "again").exception is None
    assert read_json(tmp_path / "again" / "rows.json") == [192, title]


def test_what_is_to_be_run_first_is_said_with_all_settings(recipe: Path, tmp_path: Path) -> None:
    given = ["--work-dir", str(tmp_path / "new"), "--set", "release.title=Two words"]
    command = shlex.join(["humpback", "build", str(recipe), *given])
    assert f"; run `{command}` first" in refusal("release", recipe, "--version", "1.0.0", *given)
    assert f"`{command}` runs it" in refusal("show", recipe, "seed", *given)
    assert f"run `{command}`" in run("show", recipe, *given).stdout
    new = write_small_recipe(tmp_path / "n")
    assert f"run `humpback build {shlex.quote(str(new))}` first" in refusal("release", new, "--version", "1.0.0")


def test_an_advised_command_that_names_no_recipe_is_that_of_the_project(recipe: Path, tmp_path: Path) -> None:
    project = open_project(recipe, tmp_path, ("curate.share=0.3",))
    end = f"--work-dir {tmp_path} --set curate.share=0.3`"
    with pytest.raises(StageError) as raised, project.names_commands():
        raise StageError("none; `humpback show RECIPE segments --rejected` shows them, `humpback show X` not\n  so")
    named = shlex.quote(str(recipe))
    assert str(raised.value) == (
        f"none; `humpback show {named} segments --rejected {end} shows them, `humpback show X` not\n  so"
    )


def test_a_build_that_fails_has_recorded_what_it_was_run_with(tmp_path: Path) -> None:
    recipe = write_small_recipe(tmp_path)
    run("build", recipe, "--set", "seed.sources.0.license=mit", "--until", "seed")
    assert settings(recipe) == ["seed.sources.0.license=mit"]
    run("build", recipe, "--set", "seed.sources.0.nonsense=mit")
    assert settings(recipe) == ["seed.sources.0.license=mit"]


def test_a_record_that_came_along_counts_as_the_recipe_and_not_as_the_users_word(recipe: Path) -> None:
    stolen = recipe.parent.parent / "stolen"
    record = {"set": f"runtime.launcher=touch {stolen}", "recipe_said": None, "without_secret": False}
    write_json(recipe.parent / "work" / "overrides.json", {"overrides": [record]})
    for command in (("build", recipe), ("release", recipe, "--version", "1.0.0")):
        said = refusal(*command)
        assert f'runtime.launcher: "touch {stolen}"' in said
        assert "--trust-recipe" in said
    assert not stolen.exists()


def test_what_the_user_has_set_for_a_build_is_not_asked_again(recipe: Path) -> None:
    build(recipe, "--set", "runtime.launcher=accelerate launch")
    assert released(recipe, "1.0.0") == [356, "Small"]
    change_yaml(recipe, runtime={"launcher": "touch stolen"})
    assert '"touch stolen"' in refusal("build", recipe, "--as-written")


def test_a_record_outside_the_folder_is_read_only_with_consent(recipe: Path, tmp_path: Path) -> None:
    run("build", recipe, "--work-dir", tmp_path / "mine", "--set", "release.title=Private", "--until", "seed")
    assert "Private" in (tmp_path / "mine" / "overrides.json").read_text()
    change_yaml(recipe, runtime={"work_dir": str(tmp_path / "mine")})
    result = run("plan", recipe)
    assert "it is outside the recipe's folder and is written to" in str(result.exception)
    assert "Private" not in f"{result.exception} {result.output}"
    assert "Private" in run("plan", recipe, "--trust-recipe").stderr
    assert "Private" in run("plan", recipe).stderr


def test_a_secret_of_the_environment_is_not_recorded_and_asked_for_again(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "CANARY-22222")
    build(recipe, "--set", "release.title=CANARY-22222")
    assert "CANARY" not in (recipe.parent / "work" / "overrides.json").read_text()
    assert "--set release.title=... of the last build had a secret in its value" in refusal("show", recipe)
    assert released(recipe, "1.0.0", "--set", "release.title=Plain") == [356, "Plain"]


@pytest.mark.full
def test_a_real_release_has_the_rows_that_its_build_has_selected(tmp_path: Path) -> None:
    project = write_small_project(tmp_path / "q")
    built = humpback("build", project, "--set", "curate.share=0.25")
    assert built.returncode == 0, built.stderr
    result = humpback("release", project, "--version", "1.0.0")
    assert result.returncode == 0, result.stderr
    rows = len(list(read_rows(project / "releases" / "1.0.0" / "dataset" / "curated")))
    stages = json.loads(humpback("show", project, "--json", "--set", "curate.share=0.25").stdout)
    assert rows == stages["curate-1"]["counts"]["pairs"]["kept"] == 3
