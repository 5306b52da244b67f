"""Every file that somebody writes by hand: what is wrong with it is said with file, line and what to do."""

from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.method.train.launch import launcher_problems
from builder.method.train.recipe import read_training_recipe
from builder.recipe.given.overrides import apply
from builder.recipe.recipe import load_recipe
from builder.recipe.strict_yaml import read_settings

FAULTS = [
    ("name: x\n\tbase: y\n", "found character '\\t' that cannot start any token in line 2, column 1", "with spaces"),
    ("name: x\ntitle: a: b\n", "mapping values are not allowed here in line 2, column 9", "put quotes around a value"),
    ("name: x\nbase\ncurate: 1\n", "could not find expected ':' in line 3", "write `key: value`, with a space"),
    ("a:\n  b: 1\n c: 2\n", "in line 3, column 2", "begin in the same column"),
    ("a: [1, 2\nb: 3\n", "in line 2", "put a comma between the values, or close the bracket"),
    ("a: 1\nb: 'open\n", "found unexpected end of stream in line 3", "close the quotes"),
    ("a: *b\n", "found undefined alias 'b' in line 1, column 4", "begins with *"),
    ("a: 1\na: 2\n", "the key 'a' is written twice in line 2, column 1", "keep one of them"),
    ("a: !x 1\n", "could not determine a constructor for the tag '!x' in line 1, column 4", "without its tag"),
    ("a: @b\n", "found character '@' that cannot start any token in line 1, column 4", "put quotes around the value"),
    ("a: 1\nday: 2001-99-99\n", "month must be in 1..12 in line 2, column 6", "mend it there"),
    ("a: 1\nb: \x01\n", "unacceptable character #x0001 in line 2", "take that character out"),
    ("a: 1\n---\nb: 2\n", "found another document in line 2", "take out the line of dashes"),
]


@pytest.mark.parametrize(("text", "what", "cure"), FAULTS)
def test_a_fault_is_told_with_file_line_and_cure_in_a_recipe_and_in_a_trl_recipe(
    tmp_path: Path, text: str, what: str, cure: str
) -> None:
    file = tmp_path / "build.yaml"
    file.write_text(text)
    for read in (load_recipe, read_training_recipe, read_settings):
        with pytest.raises(RecipeError) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file}: not valid YAML: ")
        assert what in str(caught.value)
        assert cure in str(caught.value)
        assert "<unicode string>" not in str(caught.value)


def test_where_a_fault_is_found_far_from_its_cause_the_cause_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "build.yaml").write_text('a: "open\nb: 1\nc: 2\n')
    with pytest.raises(
        RecipeError, match=r"in line 4, column 1 \(while scanning a quoted scalar that begins in line 1\)"
    ):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "num_processes: [\n", "a.yaml: not valid YAML: "),
        ("a.yaml", "- 1\n", "a.yaml: holds no settings; write them as `key: value`"),
        ("a.json", '{"num_processes": 2,}', "a.json: not valid JSON: "),
        ("a.json", '{"a": 1,\n"a": 2}', "is written twice; keep one of them"),
    ],
)
def test_the_file_of_a_launcher_is_read_before_the_launcher_reads_it(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    (problem,) = launcher_problems(f"accelerate launch --config_file {tmp_path / name}")
    assert problem.startswith(f"runtime.launcher: {tmp_path / name}: ")
    assert says in problem


def test_a_file_of_a_launcher_that_is_not_there_and_one_that_it_names_are_told(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert launcher_problems(f"accelerate launch --config_file {missing}") == [
        f"runtime.launcher: {missing}: no such file; give the path of one that is there"
    ]
    inner = tmp_path / "ds.json"
    inner.write_text('{"zero_optimization": {"stage": 2}\n')
    (tmp_path / "a.yaml").write_text(
        f"distributed_type: DEEPSPEED\ndeepspeed_config: {{deepspeed_config_file: {inner}}}\n"
    )
    (problem,) = launcher_problems(f"accelerate launch --config_file {tmp_path / 'a.yaml'}")
    assert problem.startswith(f"runtime.launcher: {inner}: not valid JSON: ")
    assert "in line 2, column 1" in problem


def test_a_setting_of_the_command_line_that_is_no_yaml_says_what_to_do() -> None:
    with pytest.raises(RecipeError) as caught:
        apply({}, "release.title=a: b: c")
    assert "--set release.title=a: b: c: the value is not valid YAML: mapping values" in str(caught.value)
    assert "put quotes around a value" in str(caught.value)
