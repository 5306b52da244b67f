"""`humpback label` on selections made by hand: the form, its answers, the report, and what is refused."""

import json
from pathlib import Path

import pytest
from support.command_here import command_here
from support.finished_iterations import finish
from support.output_schema import answered

SCORES = {f"p{at:03}": at / 100 for at in range(300)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("label")
    path, settings = finish(
        folder, {"likelihood": [SCORES, SCORES]}, "curate.share=0.3", texts={"p001": "<b>\x1b[2J</b>"}
    )
    return path, settings


def label(project: tuple[Path, tuple[str, ...]], *words: str):
    path, settings = project
    return command_here("label", path, *(word for item in settings for word in ("--set", item)), *words)


def test_without_a_terminal_it_says_what_else_there_is(project) -> None:
    done = label(project)
    assert done.returncode == 2
    assert "there is no terminal to label in; --form writes a page" in done.stderr


def test_without_a_label_there_is_no_report(project) -> None:
    done = label(project, "--report")
    assert done.returncode == 2
    assert "holds no label yet" in done.stderr


def test_a_form_is_answered_and_the_figures_follow(project, tmp_path: Path) -> None:
    done = label(project, "--form", "--labels", "60")
    assert done.returncode == 0, done.stderr
    folder = project[0].parent / "labels"
    items = json.loads((folder / "sheet.json").read_text())["items"]
    saved = tmp_path / "answers.json"
    answers = [{"id": key, "answer": "good" if SCORES[key] > 1.8 else "bad"} for key, _ in items]
    saved.write_text(json.dumps({"kind": "labels", "answers": answers}))
    done = label(project, "--answers", str(saved), "--rater", "ann")
    assert done.returncode == 0, done.stderr
    assert f"{len(items)} labels taken" in done.stderr
    assert "A_2" in done.stdout
    report = answered("label", json.loads(label(project, "--report", "--json").stdout))
    assert answered("label", json.loads(label(project, "--form", "--json").stdout))[0].endswith("form.html")
    assert report["selections"]["2"]["precision"]["value"] > 0.95
    assert report["calibration"]["reason"].startswith("curate selects a share")
    assert (folder / "report.json").is_file()


def test_two_things_at_once_are_refused(project) -> None:
    done = label(project, "--form", "--report")
    assert done.returncode == 2
    assert "one at a time" in done.stderr
