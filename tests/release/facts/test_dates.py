"""The day of a release: given, or that of its first assembly, and the same whenever it is made again."""

import json
import re
from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.errors import RecipeError
from builder.recipe.sections.release import Release
from builder.results.release.facts.dates import release_date
from builder.results.release.folder import assemble
from builder.results.release.manifest import MANIFEST


@pytest.fixture(autouse=True)
def _no_day_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def test_recipe_then_environment_then_the_first_assembly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, none = Release(title="x", license="mit", date="2024-02-03"), Release(title="x", license="mit")
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / MANIFEST).write_text('{"version": "1.0.0", "date": "2023-04-05"}')
    assert release_date(none, tmp_path, "1.0.0") == "2023-04-05"
    assert release_date(none, tmp_path, "1.0.1") != "2023-04-05"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert release_date(none, tmp_path, "1.0.0") == "1970-01-02"
    assert release_date(own, tmp_path, "1.0.0") == "2024-02-03"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(RecipeError, match="SOURCE_DATE_EPOCH=soon"):
        release_date(none, tmp_path, "1.0.0")


@pytest.mark.parametrize("text", ["", "[]", '{"version": "1.0.0", "date": "2024-13-01; rm"}', '{"version": "1.0.0"}'])
def test_a_folder_that_records_no_day_gives_that_of_now(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / MANIFEST).write_text(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", release_date(Release(title="x", license="mit"), tmp_path, "1.0.0"))


def test_a_release_made_again_later_is_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.results.release.folder.check_release", lambda folder: [])  # it takes longest
    build = FakeBuild(tmp_path / "build", models=[])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    folder = assemble(tmp_path / "r", build.build, "1.0.0")
    before = folder.stat().st_ino
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert assemble(folder, build.build, "1.0.0").stat().st_ino == before
    assert "Version 1.0.0, 1970-01-02." in (folder / "dataset" / "README.md").read_text()
    assert json.loads((folder / "dataset" / MANIFEST).read_text())["date"] == "1970-01-02"
    assert json.loads((folder / "dataset" / "croissant.json").read_text())["datePublished"] == "1970-01-02"
