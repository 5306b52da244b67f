"""A base, a contract or a selection that cannot work ends its stage, and what is done stays."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bad_input import Case, check, named, run, training_keys
from support.small_project import STAGES, change_yaml, copy_project, counts_of, forget_files, stage_folder
from support.stages_here import stages_here

from builder.data.storage import read_json, read_rows, write_json
from builder.workspace.finished.stage_file import write_stage_file


@pytest.fixture(scope="module")
def built(unbuilt: Path) -> Path:
    with stages_here():
        result = run(unbuilt, "build PROJECT --until curate-1")
    assert result.returncode == 0, result.stderr
    assert counts_of(unbuilt, "augment")["pairs"]["kept"] >= 4, "too few pairs to test with"
    return unbuilt


@pytest.fixture
def _here() -> Iterator[None]:
    """Stages in this process, where it does not matter where they run."""
    with stages_here():
        yield


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


@pytest.mark.usefixtures("_here")
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


@pytest.mark.usefixtures("_here")
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


@pytest.mark.usefixtures("_here")
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
