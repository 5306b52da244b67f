"""Bad input through the real command line: each ends with a code and a message that says what, where and what to do.

Whatever goes wrong, no traceback is shown, no row is lost in silence, and no half-written file has a final name.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import archive, page
from support.small_project import (
    STAGES,
    assert_nothing_lost,
    change_yaml,
    copy_project,
    counts_of,
    forget_files,
    humpback,
    stage_folder,
    write_small_project,
)

from builder.data.storage import read_json, read_rows, write_json
from builder.workspace.finished.stage_file import write_stage_file
from builder.workspace.locks import locked

Change = Callable[[Path], None]


def unchanged(project: Path) -> None:
    """The project as it is."""


@dataclass(frozen=True)
class Case:
    """A change to a project, the command that meets it, and what must come of it.

    Attributes:
        name: What is wrong.
        arguments: Of the command line; PROJECT stands for the folder.
        code: The exit code.
        says: Patterns, each found in a line of stderr that starts with `error: `.
        change: Done to the project first.
    """

    name: str
    arguments: str
    code: int
    says: tuple[str, ...]
    change: Change = field(default=unchanged)


def run(project: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a project, and check what holds after any."""
    result = humpback(*[word.replace("PROJECT", str(project)) for word in arguments.split()], cwd=project)
    for text in (result.stdout, result.stderr):
        assert "Traceback" not in text, text
    assert_nothing_lost(project / "work")
    return result


def check(case: Case, project: Path) -> subprocess.CompletedProcess[str]:
    case.change(project)
    result = run(project, case.arguments)
    assert result.returncode == case.code, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    for pattern in case.says:
        assert any(re.search(pattern, line) for line in errors), (pattern, result.stderr)
    if not case.code:
        assert errors == []
    return result


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_project(tmp_path_factory.mktemp("small") / "project")


@pytest.fixture(scope="module")
def built(unbuilt: Path) -> Path:
    result = run(unbuilt, "build PROJECT --until curate-1")
    assert result.returncode == 0, result.stderr
    assert counts_of(unbuilt, "augment")["pairs"]["kept"] >= 4, "too few pairs to test with"
    return unbuilt


@pytest.fixture
def project(unbuilt: Path, tmp_path: Path) -> Path:
    """A fresh copy, nothing built."""
    return copy_project(unbuilt, tmp_path / "project", stages=())


def only_source(**source: Any) -> Change:
    """Make a file or folder of the project its only corpus."""
    return lambda project: change_yaml(
        project / "build.yaml", segments={"sources": [{"format": "html", **source}], "min_chars": 40, "tasks": 2}
    )


def only_seed(*lines: object, **source: Any) -> Change:
    """Make the given lines, JSON unless they are text, the only seed."""

    def change(project: Path) -> None:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (project / "own.jsonl").write_text(text)
        entry = {"name": "own", "path": "own.jsonl", "license": "mit", **source}
        change_yaml(project / "build.yaml", seed={"sources": [entry]})

    return change


def in_turn(*changes: Change) -> Change:
    def change(project: Path) -> None:
        for item in changes:
            item(project)

    return change


# Recipe and command line: everything is said before anything runs.


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


def training_keys(role: str, **keys: Any) -> Change:
    return lambda project: change_yaml(project / f"sft_{role}.yaml", **keys)


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


# Seed and corpus: what cannot be used is counted, and named where nothing can.


def pair(number: int, **keys: Any) -> dict[str, Any]:
    return {"instruction": f"How many is {number}?", "output": f"It is {number}.", **keys}


SEED = [
    Case(
        "seed without the columns",
        "build PROJECT --until seed",
        2,
        (r"seed: .*own\.jsonl: 2 of 2 rows lack the columns of seed source 'own' \(wanted: instruction, output; "
         r"found: answer, question\); set its `instruction` and `output`",),
        only_seed({"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}),
    ),
    Case(
        "seed that is no JSON",
        "build PROJECT --until seed",
        2,
        (r"seed: .*own\.jsonl: 2 of 2 rows are not JSON objects; seed source 'own' needs the columns instruction, ou",),
        only_seed("instruction,output", "How?,So."),
    ),
    Case(
        "seed of which nothing is left",
        "build PROJECT --until seed",
        1,
        (r"seed: no seed pair is left of 2: 2 empty_instruction; see the seed section",),
        only_seed(pair(1, instruction=""), pair(2, instruction=" ")),
    ),
    Case(
        "seed of other trees",
        "build PROJECT --until seed",
        2,
        (r"seed: .*own\.jsonl: 1 of 1 rows lack the columns .*or is it `format: pairs`\?",),
        only_seed(pair(1), format="oasst"),
    ),
]  # fmt: skip


@named(SEED)
def test_a_seed_that_cannot_be_used_is_named(case: Case, project: Path) -> None:
    check(case, project)
    assert read_json(stage_folder(project, "seed") / "stage.json")["status"] == "failed"


def test_poor_seed_rows_are_counted_by_reason(project: Path) -> None:
    good = [pair(number) for number in range(8)]
    poor = [
        pair(1),
        pair(2, id="again"),
        pair(20, instruction=""),
        pair(21, output=None),
        pair(22, output=7),
        "{",
        "[1]",
    ]
    only_seed(*good, *poor, pair(23, output="<|im_end|>"))(project)
    result = run(project, "build PROJECT --until seed")
    assert result.returncode == 0, result.stderr
    assert counts_of(project, "seed")["pairs"] == {
        "in": 16,
        "kept": 8,
        "dropped": {"control_tokens": 1, "duplicate": 2, "empty_instruction": 1, "empty_output": 1},
        "failed": {"not_json": 2, "not_text": 1},
    }
    assert "8 pairs of 16" in result.stderr
    for reason in ("duplicate 2", "not_json 2"):
        assert reason in result.stderr


def cut_archive(project: Path) -> None:
    whole = archive(project / "cut" / "a.warc.gz", pages=6)
    whole.write_bytes(whole.read_bytes()[:-700])
    (project / "cut" / "gone.warc.gz").symlink_to("nowhere.warc.gz")
    (project / "cut" / "memory.warc.gz").symlink_to("/proc/self/mem")  # opens, and fails when it is read
    only_source(path="cut", format="warc")(project)


def unreadable_pages(project: Path) -> None:
    folder = project / "odd"
    folder.mkdir()
    (folder / "good.html").write_text(page(1))
    (folder / "folder.html").mkdir()
    (folder / "gone.html").symlink_to("nowhere.html")
    (folder / "memory.html").symlink_to("/proc/self/mem")
    os.mkfifo(folder / "pipe.html")
    (folder / "cut.html.gz").write_bytes(gzip.compress(page(2).encode())[:-9])
    only_source(path="odd")(project)


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (cut_archive, {"cut": 1, "unreadable": 2}),
        (unreadable_pages, {"cut": 1, "unreadable": 1, "link_outside": 1, "not_a_file": 1}),
    ],
)
def test_pages_that_cannot_be_read_are_counted_and_said(project: Path, change: Change, failed: dict[str, int]) -> None:
    change(project)
    result = run(project, "build PROJECT --until segments --trust-recipe")
    assert result.returncode == 0, result.stderr
    counts = counts_of(project, "segments")
    assert counts["records"]["failed"] == failed
    assert counts["segments"]["kept"] >= 1
    rejected = [row["reason"] for row in read_rows(stage_folder(project, "segments") / "rejected")]
    for reason, number in failed.items():
        assert rejected.count(reason) == number
        assert re.search(rf"\b{reason}\b", result.stderr), f"the console does not say it:\n{result.stderr}"


CORPUS = [
    Case(
        "corpus without a file of its format",
        "build PROJECT --until segments",
        2,
        (r"segments: .*corpus/pages: the folder holds no file ending in \.warc or [^;]+\.arc\.gz; point segments",),
        only_source(path="corpus/pages", format="warc"),
    ),
    Case(
        "archive that is no archive",
        "build PROJECT --until segments",
        1,
        (r"segments: .*build\.warc: no page could be read \(.*\); segments\.sources must name WARC files",),
        in_turn(
            lambda project: shutil.copy(project / "build.yaml", project / "build.warc") and None,
            only_source(path="build.warc", format="warc"),
        ),
    ),
]


@named(CORPUS)
def test_a_corpus_that_gives_nothing_is_named(case: Case, project: Path) -> None:
    check(case, project)
    assert read_json(stage_folder(project, "segments") / "stage.json")["status"] == "failed"


# Models: a base, a contract or a selection that cannot work ends the stage, and what is done stays.


def no_model(project: Path) -> None:
    (project / "thing").mkdir()
    (project / "thing" / "notes.txt").write_text("no model\n")
    change_yaml(project / "build.yaml", base={"path": "thing", "license": "mit"})


def base_without_markers(project: Path) -> None:
    path = project / "base" / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["added_tokens"] = tokenizer["added_tokens"][:1]
    path.write_text(json.dumps(tokenizer))
    settings = project / "base" / "tokenizer_config.json"
    write_json(settings, {**read_json(settings), "eos_token": "<|endoftext|>"})


def edited_contract(project: Path) -> None:
    folder = stage_folder(project, "model-backward")
    forget_files(folder)
    path = folder / "model" / "chat_contract.json"
    write_json(path, {**read_json(path), "system_backward": "Ask me."})


MODELS = [
    Case(
        "base that is no model",
        "build PROJECT --until model-backward",
        1,
        (r"model-backward: .*project/thing: .*cannot be loaded",),
        no_model,
    ),
    Case(
        "base whose vocabulary lacks the markers",
        "build PROJECT --until model-backward",
        1,
        (r"model-backward: .*: the template's markers .* are not tokens of the base vocabulary, .*or take a base "
         r"that has these markers",),
        base_without_markers,
    ),
    Case(
        "contract of another recipe",
        "build PROJECT --until augment",
        1,
        (r"augment: .*model-backward-\w+/model: the chat contract does not match .*system_backward differs from "
         r"character 0 .*'Ask me\.' against 'Write the instr.*delete the stage's folder to train it again",),
        edited_contract,
    ),
    Case(
        "TRL value that does not exist, unchecked",
        "build PROJECT --until model-backward",
        2,
        (r"model-backward: .*sft_backward\.yaml: optim is 'bogus'; bogus is not a valid OptimizerNames, please sele",),
        training_keys("backward", optim="bogus"),
    ),
    Case(
        "threshold that no score reaches",
        "build PROJECT --set curate.threshold=99",
        1,
        (r"curate-1: curate selects nothing with threshold: 99(\.0)?; .*scores of judge likelihood",),
    ),
]  # fmt: skip
BEFORE = {"model-backward": 3, "augment": 4, "curate-1": 7}


@named(MODELS)
def test_a_model_or_selection_that_cannot_work_ends_its_stage(case: Case, built: Path, tmp_path: Path) -> None:
    stage = case.says[0].split(":")[0]
    project = copy_project(built, tmp_path / "project", stages=STAGES[: BEFORE[stage]])
    result = check(case, project)
    record = read_json(stage_folder(project, stage) / "stage.json")
    assert record["status"] == "failed"
    assert record["error"] in result.stderr.replace("error: ", "")
    settings = case.arguments.partition("PROJECT")[2] if "--set" in case.arguments else ""
    plan = json.loads(run(project, f"plan PROJECT --json{settings}").stdout)
    assert {entry["status"] for entry in plan[: BEFORE[stage]]} == {"cached"}
    assert (plan[BEFORE[stage]]["stage"], plan[BEFORE[stage]]["status"]) == (stage, "partial")


def test_an_empty_selection_shows_the_scores_it_was_made_from(built: Path, tmp_path: Path) -> None:
    project = copy_project(built, tmp_path / "project", stages=STAGES[:7])
    result = run(project, "build PROJECT --set curate.threshold=99")
    scores = [row["score"] for row in read_rows(stage_folder(project, "score-1-likelihood") / "data", ["score"])]
    rows = re.findall(r"^ +(-?\d+\.\d{3}) +(\d+)(?: #+)?$", result.stderr, re.MULTILINE)
    assert rows[0][0] == f"{min(scores):.3f}", f"no histogram:\n{result.stderr}"
    assert sum(int(count) for _, count in rows) == len(scores)
    assert not (stage_folder(project, "curate-1") / "data" / "curated.parquet").exists()


def test_segments_longer_than_the_context_are_counted_and_never_cut(built: Path, tmp_path: Path) -> None:
    project = copy_project(built, tmp_path / "project", stages=STAGES[:4])
    segments = {row["id"]: row for row in read_rows(stage_folder(project, "dedup") / "data")}
    result = run(project, "build PROJECT --until augment --set engine.max_model_len=110")
    assert result.returncode == 0, result.stderr
    counts = counts_of(project, "augment")["pairs"]
    assert 0 < counts["dropped"]["longer_than_context"] < counts["in"] == len(segments)
    assert re.search(rf"augment .*\blonger_than_context {counts['dropped']['longer_than_context']}\b", result.stderr)
    folder = stage_folder(project, "augment")
    for row in read_rows(folder / "data"):
        assert row["output"] == segments[row["segment_id"]]["text"]
    rejected = {row["id"] for row in read_rows(folder / "rejected")}
    assert {row["segment_id"] for row in read_rows(folder / "data")} | {key.rpartition("-")[0] for key in rejected} == (
        segments.keys()
    )


def test_replies_that_were_cut_are_null_counted_and_warned_of(built: Path, tmp_path: Path) -> None:
    project = copy_project(built, tmp_path / "project", stages=STAGES[:6])
    change_yaml(
        project / "build.yaml",
        score=[{"judge": "verdict", "max_tokens": 4}],
        curate={"judge": "verdict", "threshold": 4},
    )
    result = run(project, "build PROJECT")
    assert result.returncode == 1
    counts = counts_of(project, "score-1-verdict")["pairs"]
    assert (counts["kept"], counts["failed"]) == (0, {"unfinished": counts["in"]})
    rows = list(read_rows(stage_folder(project, "score-1-verdict") / "data"))
    assert {(row["score"], row["reason"], *row["verdicts"]) for row in rows} == {(None, "unfinished", None)}
    assert re.search(r"error: curate-1: curate selects nothing with threshold: 4", result.stderr)
    filled = rf"{counts['in']} of {counts['in']} replies filled max_tokens \(4\) before they came to a score; raise it"
    for said in (rf"unfinished {counts['in']}", filled):
        assert re.search(rf"warning: score-1-verdict: .*{said}", result.stderr), result.stderr


# Other versions of the libraries.


def age(path: Path, **changes: Any) -> str:
    """Let a stage look as if an older version of a library had made it."""
    record = read_json(path)
    record["versions"] = {**record.get("versions", {}), "datatrove": "0.0.1"}
    write_stage_file(path.parent, {**record, **changes})
    return str(record["versions"]["datatrove"])


def test_plan_says_which_stages_were_built_with_other_versions(built: Path, tmp_path: Path) -> None:
    project = copy_project(built, tmp_path / "project", stages=("seed", "segments"))
    now = read_json(stage_folder(project, "segments") / "stage.json")["versions"]["datatrove"]
    before = run(project, "plan PROJECT")
    assert "built with" not in before.stdout + before.stderr
    age(stage_folder(project, "segments") / "stage.json")
    after = run(project, "plan PROJECT")
    assert after.returncode == 0
    said = rf"^segments +cached .*\n +built with datatrove 0\.0\.1, now {re.escape(now)}$"
    assert len(re.findall(said, after.stdout, re.MULTILINE)) == after.stdout.count("built with") == 1, after.stdout


def test_a_stage_resumed_with_other_versions_is_said(built: Path, tmp_path: Path) -> None:
    project = copy_project(built, tmp_path / "project", stages=("seed", "segments"))
    path = stage_folder(project, "segments") / "stage.json"
    now = read_json(path)["versions"]["datatrove"]
    age(path, status="running")
    result = run(project, "build PROJECT --until segments --trust-recipe")
    assert result.returncode == 0, result.stderr
    said = rf"warning: segments: begun with datatrove 0\.0\.1, now {re.escape(now)}"
    assert re.search(said, result.stderr), result.stderr
