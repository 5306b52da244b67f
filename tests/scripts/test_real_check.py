"""`make real-check`, on a build that takes a minute."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted.kinds import KINDS
from planted.plant import read_truth
from real_check import main
from support.small_project import change_yaml, humpback, write_small_project

from builder.sample.crawl import crawl
from builder.sample.generate import sample_world
from builder.text.sentences import split_sentences

ROOT = Path(__file__).parents[2]
TEXTS, OF_A_PAGE = 12, 3


def write_pages(folder: Path) -> None:
    """Pages of whole texts of the sample, each below its question."""
    _, truths = crawl(sample_world())
    whole = [truth for truth in truths if truth.kind == "clean" and len(split_sentences(truth.text)) >= 4][:TEXTS]
    folder.mkdir()
    for at in range(0, TEXTS, OF_A_PAGE):
        sections = [f"<h2>{truth.instruction}</h2><p>{truth.text}</p>" for truth in whole[at : at + OF_A_PAGE]]
        page = f"<html lang=en><title>Answers</title><body><main><h1>Answers</h1>{''.join(sections)}</main></html>"
        (folder / f"{at}.html").write_text(page)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project folder of a finished build of these pages."""
    project = write_small_project(tmp_path_factory.mktemp("real") / "project")
    write_pages(project / "corpus" / "answers")
    pages = {"sources": [{"path": "corpus/answers", "format": "html"}], "languages": ["en"], "tasks": 1}
    change_yaml(
        project / "build.yaml",
        segments={**pages, "min_chars": 40, "max_chars": 1500, "boundary": "any"},
        dedup={},
    )
    built = humpback("build", project)
    assert built.returncode == 0, built.stderr
    return project


def run(build: Path, *more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "real_check.py", build, "--rated", 12, "--spoken", 4, *more]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@pytest.mark.full
def test_a_second_run_does_nothing_and_gives_the_same_numbers(build: Path, tmp_path: Path) -> None:
    first = run(build)
    assert first.returncode == 0, first.stderr
    truth = read_truth(*(build / "real-check").glob("planted-????????????"))
    assert {row["kind"] for row in truth} == {"good", *KINDS}
    tables = [line for line in first.stdout.splitlines() if line.startswith("|")]
    for judge in ("random", "reverse", "likelihood, w 0.5", "expected", "additive", "verdict", "reasoned", "ranks of"):
        assert any(line.startswith(f"| {judge}") for line in tables), judge
    assert {line.split(" | ")[1] for line in tables if line.startswith("| likelihood, w 1 ")} == {
        "M_0", "M_1", "M_1, crossed"
    }  # fmt: skip
    assert "started" in first.stderr
    second = run(build)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert "started" not in second.stderr
    page = tmp_path / "page.md"
    page.write_text("nothing")
    few = run(build, "--write", page)
    assert few.returncode != 0
    assert f"{len(truth)} pairs are too few" in few.stderr
    assert page.read_text() == "nothing"


def test_a_build_that_is_not_finished_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))  # so that it is put back
    project = write_small_project(tmp_path / "project")
    assert main([str(project)]) != 0
    said = capsys.readouterr().err
    assert "not built yet: segments, model-backward, augment, model-0, model-1, curate-1" in said
    assert "humpback build" in said
    assert not (project / "real-check").exists()
