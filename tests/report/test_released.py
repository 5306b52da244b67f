"""The page of a release beside that of its build."""

from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.storage import read_json
from builder.errors import ReleaseError
from builder.results.release.folder import assemble
from builder.results.report.content import content_of
from builder.results.report.page import page_of
from builder.results.report.released import content_of_release, dataset_of, of_release
from builder.results.report.rows import of_build, pairs_of
from builder.workspace.stage_names import StageName


def keys_of(stage: StageName, reason: str) -> list[str]:
    return [f"{stage.kind}.{reason}"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, Path]:
    folder = tmp_path_factory.mktemp("build")
    build = FakeBuild(folder).build
    assemble(folder / "release", build, "1.0.0", accept_warnings=True)
    return build, folder


def test_its_figures_are_those_of_the_build(made: tuple[Build, Path]) -> None:
    build, folder = made
    dataset = dataset_of(folder / "release")
    assert dataset_of(dataset) == dataset
    ours = content_of_release(dataset, of_release(dataset), keys_of)
    theirs = content_of(build, of_build(build), folder, keys_of)
    assert ours["lengths"] == [entry for entry in theirs["lengths"] if entry["part"] != "seed"]
    for name in ("scores", "histograms", "openings", "domains", "iterations"):
        assert ours[name] == theirs[name], name
    assert [entry for entry in ours["funnel"] if entry["stage"] == "curate-2"] == [
        entry for entry in theirs["funnel"] if entry["stage"] == "curate-2"
    ]


def test_its_rows_are_those_of_the_build(made: tuple[Build, Path]) -> None:
    build, folder = made
    ours = pairs_of(of_release(dataset_of(folder / "release")))
    theirs = pairs_of(of_build(build))
    assert sorted(ours.ids) == sorted(theirs.ids)
    order = [list(ours.ids).index(key) for key in theirs.ids]
    for name in ("selected-1", "selected-2", "split", "instruction", "output"):
        assert ours.columns[name][order].tolist() == theirs.columns[name].tolist(), name
    dataset = dataset_of(folder / "release")
    assert 'id="explorer"' in page_of(content_of_release(dataset, of_release(dataset), keys_of), ours)


def test_a_folder_that_is_no_release_is_named(made: tuple[Build, Path], tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"holds no manifest\.json"):
        dataset_of(tmp_path)
    assert read_json(made[1] / "release" / "dataset" / "manifest.json")["version"] == "1.0.0"
