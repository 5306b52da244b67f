"""A wrong recipe or command line, through the real one: everything is said before anything runs."""

import json
import os
import re
from pathlib import Path

from support.bad_input import Case, check, in_turn, named, only_source, run, training_keys
from support.small_project import change_yaml

from builder.workspace.locks import locked


def five_mistakes(project: Path) -> None:
    change_yaml(
        project / "build.yaml",
        name="Bad Name",
        iterations=0,
        segments={"sources": [{"path": "corpus/pages", "format": "pdf"}], "min_char": 3},
        curate={"judge": "likelihood", "share": 0.5, "threshold": 3},
    )


def both_rules(project: Path) -> None:
    change_yaml(project / "build.yaml", curate={"judge": "likelihood", "share": 0.5, "threshold": 3})


def link_to_itself(project: Path) -> None:
    (project / "corpus" / "loop").symlink_to("loop")


def folder_named_like_a_file(project: Path) -> None:
    (project / "tidy.yaml").mkdir()
    change_yaml(project / "build.yaml", training={"forward": "tidy.yaml", "backward": "sft_backward.yaml"})


def work_stands_below_a_file(project: Path) -> None:
    (project / "file").write_text("")


RECIPE = [
    Case(
        "five mistakes at once",
        "check PROJECT",
        2,
        (
            r"build\.yaml: name is 'Bad Name'; it must match",
            r"build\.yaml: segments\.sources\.0\.format is 'pdf'; it must be one of 'warc', 'html', 'jsonl'",
            r"build\.yaml: segments\.min_char is not a key of a recipe; did you mean segments\.min_chars\?",
            r"build\.yaml: curate has threshold and share; give exactly one of the three",
            r"build\.yaml: iterations is 0; it must be greater than or equal to 1",
        ),
        five_mistakes,
    ),
    Case(
        "unknown key",
        "build PROJECT --set engine.dtyp=float32",
        2,
        (r"engine\.dtyp is not a key of a recipe; did you mean engine\.dtype\?",),
    ),
    Case(
        "two rules of selection", "plan PROJECT", 2, (r"curate has threshold and share; give exactly one",), both_rules
    ),
    Case(
        "missing corpus",
        "build PROJECT",
        2,
        (r"project/none: no such file or folder; the recipe names it",),
        only_source(path="none"),
    ),
    Case(
        "empty corpus folder",
        "build PROJECT",
        2,
        (r"project/bare: the folder is empty; the recipe names it",),
        in_turn(lambda project: (project / "bare").mkdir(), only_source(path="bare")),
    ),
    Case(
        "corpus is a broken link",
        "build PROJECT",
        2,
        (r"corpus/loop: no such file or folder; the recipe names it",),
        in_turn(link_to_itself, only_source(path="corpus/loop")),
    ),
    Case(
        "folder where a file is expected",
        "build PROJECT",
        2,
        (r"tidy\.yaml: cannot be read \(it is a folder\); the recipe names this file",),
        folder_named_like_a_file,
    ),
    Case(
        "unknown stage to stop at",
        "build PROJECT --until augmented",
        2,
        (r"--until augmented: no such stage; the stages are seed, segments, dedup, model-backward, augment",),
    ),
    Case(
        "unknown stage to show", "show PROJECT score-2-likelihood", 2, (r"score-2-likelihood: no such stage; the sta",)
    ),
    Case(
        "release of an unfinished build",
        "release PROJECT --version 1.0.0",
        1,
        (r"the build is not finished \(seed, segments, .*model-1\); run `humpback build .*` first",),
    ),
    Case(
        "work directory below a file",
        "build PROJECT --work-dir PROJECT/file/work",
        1,
        (r"file/work: the work directory cannot be written \(Not a directory\); use --work-dir",),
        work_stands_below_a_file,
    ),
    Case(
        "TRL key that does not exist, unchecked",
        "build PROJECT --until model-backward",
        2,
        (r"sft_backward\.yaml: learning_rat is not a key of TRL's SFT recipe; .* did you mean learning_rate\?",),
        training_keys("backward", learning_rat=1.0),
    ),
]


@named(RECIPE)
def test_a_wrong_recipe_or_command_runs_nothing(case: Case, project: Path) -> None:
    result = check(case, project)
    assert result.stderr.count("error: ") == len(case.says)
    assert list((project / "work").glob("*/stage.json")) == []


def test_a_work_directory_in_use_is_left_alone(project: Path) -> None:
    with locked(project / "work"):
        result = run(project, "build PROJECT --until seed")
    assert result.returncode == 1
    assert f"work directory is in use by process {os.getpid()}; wait for it, or use --work-dir" in result.stderr
    assert not list((project / "work").glob("*/"))
    assert run(project, "build PROJECT --until seed").returncode == 0


def test_a_file_in_the_place_of_a_stage_folder_is_named(project: Path) -> None:
    plan = json.loads(run(project, "plan PROJECT --json").stdout)
    in_the_way = project / "work" / f"seed-{plan[0]['id']}"
    in_the_way.parent.mkdir()
    in_the_way.write_text("mine")
    result = run(project, "build PROJECT --until seed")
    assert result.returncode == 1
    assert re.search(rf"error: .*{in_the_way.name}", result.stderr), result.stderr
    assert in_the_way.read_text() == "mine"
