"""`report`, `explain`, `watch` and `open_build` on selections made by hand, whose other stages have not run."""

import json
from pathlib import Path

import pytest
from support.command_here import command_here
from support.finished_iterations import finish
from support.output_schema import answered
from support.release_build import FakeBuild

from builder import open_build
from builder.errors import RecipeError, StageError
from builder.results.release.folder import assemble

SCORES = {f"p{at:03}": at / 100 for at in range(40)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("looking")
    return finish(folder, {"likelihood": [SCORES, SCORES]}, "curate.share=0.3", texts={"p001": "<b>\x1b[2J</b>"})


def run(project: tuple[Path, tuple[str, ...]], verb: str, *words: str):
    path, settings = project
    return command_here(verb, path, *(word for item in settings for word in ("--set", item)), *words)


def test_a_page_needs_a_finished_build_and_names_what_shows_another(project) -> None:
    done = run(project, "report")
    assert done.returncode == 2
    assert "the build is not finished" in done.stderr
    assert "humpback watch" in done.stderr


def test_a_page_is_of_a_build_or_of_a_release(project, tmp_path: Path) -> None:
    assert "name the recipe of a build, or a release" in command_here("report").stderr
    assert "name the recipe of a build, or a release" in run(project, "report", "--release", str(tmp_path)).stderr
    assert "holds no manifest.json" in command_here("report", "--release", tmp_path).stderr


def test_the_page_of_a_release_is_beside_its_dataset(tmp_path: Path) -> None:
    release = assemble(tmp_path / "release", FakeBuild(tmp_path / "build").build, "1.0.0", accept_warnings=True)
    done = command_here("report", "--release", release, "--json")
    assert done.returncode == 0, done.stderr
    page = answered("report", json.loads(done.stdout))["page"]
    assert page == str(release / "report.html")
    assert "<title>tiny 1.0.0: report</title>" in Path(page).read_text(encoding="utf-8")


def test_a_row_that_nobody_has_is_said_to_be_unknown(project) -> None:
    done = run(project, "explain", "no such words anywhere")
    assert done.returncode == 2
    assert "no segment, pair or page of this build has that" in done.stderr


def test_one_look_has_a_line_for_every_stage_and_no_escape_of_a_text(project) -> None:
    done = run(project, "watch", "--once", "--rows", "3")
    assert done.returncode == 0, done.stderr
    assert "curate-2" in done.stdout
    assert "\x1b" not in done.stdout
    seen = answered("watch", json.loads(run(project, "watch", "--json").stdout))
    states = {entry["stage"]: entry["status"] for entry in seen["stages"]}
    assert states["curate-2"] == "done"
    assert not seen["finished"]


def test_a_build_in_python_has_its_rows_as_tables(project) -> None:
    path, settings = project
    build = open_build(path, settings=settings)
    assert len(build.candidates) == len(SCORES)
    assert build.candidates.to_arrow().num_rows == len(SCORES)
    assert {row["id"] for row in build.candidates} == set(SCORES)
    assert len(build.scores["score-2-likelihood"]) == len(SCORES)
    assert repr(build.curated[-1]).startswith("<curate-2: 12 rows, ")
    with pytest.raises(StageError, match="dedup: is missing"):
        len(build.segments)
    with pytest.raises(RecipeError, match="not finished"):
        build.report()
