"""`croissant.json` is valid, says what the card says, and its record sets are the rows of the configs."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.storage import read_rows
from builder.results.release.cards.croissant import write_croissant
from builder.results.release.checks.check import check_release, release_notes
from builder.results.release.checks.croissant import check_croissant
from builder.results.release.content.material import Material
from builder.results.release.folder import assemble


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = FakeBuild(tmp_path_factory.mktemp("build"), models=[], contact="them@example.org")
    return assemble(tmp_path_factory.mktemp("release") / "r", build.build, "1.0.0") / "dataset"


def plain(value: Any) -> Any:
    """A record as mlcroissant gives it, as the row it comes from."""
    if isinstance(value, dict):
        return {key.rpartition("/")[2]: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("config", ["curated", "augmented"])
def test_records_are_the_rows_of_the_config(dataset: Path, config: str) -> None:
    import mlcroissant

    described = mlcroissant.Dataset(jsonld=str(dataset / "croissant.json"))
    records = {row["id"]: row for row in map(plain, described.records(f"{config}-rows"))}
    rows = {row["id"]: row for row in read_rows(dataset / config)}
    for row in records.values():  # pandas has no null among its numbers
        row |= {key: None for key, value in row.items() if value != value}
    assert records == rows


def test_responsible_ai_fields_hold_the_figures_of_the_build(dataset: Path) -> None:
    value = json.loads((dataset / "croissant.json").read_text())
    assert value["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    said = {key: " ".join(item) if isinstance(item, list) else item for key, item in value.items() if key[:4] == "rai:"}
    assert "segments: 45 of 50 segments kept; left out: navigation 5" in said["rai:dataPreprocessingProtocol"]
    assert "7 and 3 times" in said["rai:personalSensitiveInformation"]
    assert "them@example.org" in said["rai:dataReleaseMaintenancePlan"]
    assert "0 of 5 seed outputs" in said["rai:dataLimitations"]


def described(made: FakeBuild, folder: Path, **sections: dict[str, Any]) -> dict[str, str]:
    """The fields of a build without its rows, each as one text."""
    changes = {name: getattr(made.recipe, name).model_copy(update=values) for name, values in sections.items()}
    recipe = made.recipe.model_copy(update=changes)
    write_croissant(folder, Material(Build(recipe, made.artifacts), "1.0.0"), [])
    value = json.loads((folder / "croissant.json").read_text())
    return {key: " ".join(item) if isinstance(item, list) else str(item) for key, item in value.items()}


def test_responsible_ai_fields_say_what_the_card_says_of_this_build(tmp_path: Path) -> None:
    class NoAddress(FakeBuild):
        def candidate(self, number: int) -> dict[str, Any]:
            return super().candidate(number) | {"url": ""}

    made = NoAddress(tmp_path / "build", models=[])
    said = described(made, tmp_path)
    assert said["rai:dataCollectionType"] == "Document analysis Secondary data analysis Software collection"
    assert "No address of the web is known of the pages." in said["rai:dataBiases"]
    assert "Nobody checked answers or instructions one by one." in said["rai:dataLimitations"]
    assert "Scores order pairs under one judge;" in said["rai:dataLimitations"]
    assert "A forward model, tuned on the seed, scored every pair" in said["rai:dataAnnotationProtocol"]
    (pages,) = made.recipe.segments.sources
    crawl = {"sources": [pages.model_copy(update={"format": "warc"})]}
    drawn, labelled = {"judge": "random"}, {"labels": tmp_path / "labels.jsonl"}
    other = described(made, tmp_path, segments=crawl, curate=drawn, release=labelled)
    assert other["rai:dataCollectionType"].startswith("Web scraping Secondary")
    assert "Scores order pairs" not in " ".join(other.values())
    assert "it draws pairs by a hash of their id" in other["rai:dataAnnotationProtocol"]
    assert "But for the labelled ones nobody checked" in other["rai:dataLimitations"]
    assert "one by one" not in " ".join(other.values())


def change(path: Path, key: str, value: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (
            "recordSet",
            [{"@type": "cr:RecordSet", "@id": "x", "field": [{"@type": "cr:Field", "@id": "x/y"}]}],
            "dataType",
        ),
        ("distribution", [{"@type": "cr:FileSet", "@id": "x"}], "includes"),
        ("distribution", [{"@type": "cr:FileObject", "contentUrl": "a.parquet", "sha256": "0"}], "is missing"),
        ("distribution", [{"@type": "cr:FileObject", "contentUrl": "build.yaml", "sha256": "0"}], "another one"),
    ],
)
def test_description_that_is_wrong_is_refused(dataset: Path, tmp_path: Path, key: str, value: Any, words: str) -> None:
    folder = tmp_path / "release" / "dataset"
    shutil.copytree(dataset, folder)
    assert list(check_croissant(folder)) == []
    change(folder / "croissant.json", key, value)
    assert any(words in problem for problem in check_croissant(folder))
    assert any(problem.startswith("dataset/croissant.json: ") for problem in check_release(folder.parent))


def test_without_the_library_a_note_says_that_nothing_validated_it(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert release_notes(dataset.parent) == []
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mlcroissant" else find(name))
    assert list(check_croissant(dataset)) == []
    (note,) = release_notes(dataset.parent)
    assert "was not validated, since mlcroissant is not installed" in note
