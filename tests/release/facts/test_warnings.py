"""What a build warned of stands in its release, and what is grave needs somebody's word."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.release_build import FakeBuild

from builder.data.storage import read_json, write_json
from builder.errors import ReleaseError
from builder.method.augment.openings import openings
from builder.method.curate.scoring.first_scores import degenerate_scores
from builder.recipe.sections.judges import Likelihood
from builder.results.release.checks.check import release_notes
from builder.results.release.checks.warnings import check_warnings
from builder.results.release.content.material import Material
from builder.results.release.facts.warnings import build_notices
from builder.results.release.folder import assemble, write_dataset
from builder.results.release.manifest import MANIFEST
from builder.text.escape import escape


def little_use() -> str:
    rows = [{"score": 1.0, "reason": None}] * 200
    said = degenerate_scores(Likelihood(judge="likelihood"), rows)
    assert said is not None
    return said


def one_form() -> str:
    said = openings(["Write a text on this."] * 200).warning
    assert said is not None
    return said


def too_few(kept: int, asked: int) -> str:
    return f"top: {asked} asks for {asked:,} pairs, but only {kept:,} are left to be selected"


def warn(build: FakeBuild, stage: str, *texts: str, **changes: Any) -> None:
    path = build.artifacts[stage].path / "stage.json"
    write_json(path, read_json(path) | {"warnings": list(texts)} | changes)


@pytest.fixture
def build(tmp_path: Path) -> FakeBuild:
    return FakeBuild(tmp_path / "build", models=[])


def test_the_stages_own_words_are_known_again(build: FakeBuild) -> None:
    warn(build, "augment", one_form())
    warn(build, "score-2-likelihood", little_use(), "2 of 40 pairs (5%) have no score and cannot be selected: empty 2")
    warn(build, "model-1", "another thing")
    assert [(notice.stage, notice.grave) for notice in build_notices(build.build)] == [
        ("augment", True),
        ("model-1", False),
        ("score-2-likelihood", True),
        ("score-2-likelihood", False),
    ]


def test_scores_by_which_nothing_was_selected_are_not_grave(build: FakeBuild) -> None:
    warn(build, "score-1-likelihood", little_use())
    curate = build.recipe.curate.model_copy(update={"judge": "longest"})
    build.recipe = build.recipe.model_copy(update={"curate": curate})
    assert [notice.grave for notice in build_notices(build.build)] == [False]


@pytest.mark.parametrize(("asked", "grave"), [(30, False), (400, True)])
def test_far_too_few_are_grave(build: FakeBuild, asked: int, grave: bool) -> None:
    warn(build, "curate-2", too_few(18, asked))
    curate = build.recipe.curate.model_copy(update={"share": None, "top": asked})
    build.recipe = build.recipe.model_copy(update={"curate": curate})
    (notice,) = build_notices(build.build)
    assert notice.grave is grave


def test_instructions_that_never_ended_are_said_and_grave_where_most_are(build: FakeBuild) -> None:
    for lost, grave in ((3, None), (30, False), (60, True)):
        counts = {"pairs": {"in": 100, "kept": 100 - lost, "dropped": {}, "failed": {"unfinished": lost}}}
        warn(build, "augment", counts=counts)
        assert [notice.grave for notice in build_notices(build.build)] == ([] if grave is None else [grave])


def test_a_path_of_the_machine_stays_here(build: FakeBuild) -> None:
    folder = build.artifacts["augment"].path
    warn(
        build, "augment", f"{folder / 'data' / '0.parquet'} is not as it was; delete /srv/x/y.parquet to start it anew"
    )
    (notice,) = build_notices(build.build)
    assert notice.text == "augment/data/0.parquet is not as it was; delete y.parquet to start it anew"


@pytest.fixture(scope="module")
def warned(tmp_path_factory: pytest.TempPathFactory) -> FakeBuild:
    build = FakeBuild(tmp_path_factory.mktemp("warned"), models=[])
    warn(build, "augment", one_form())
    warn(build, "model-0", "a <b>small</b> thing")
    return build


@pytest.fixture(scope="module")
def accepted(warned: FakeBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assemble(tmp_path_factory.mktemp("release") / "r", warned.build, "1.0.0", accept_warnings=True)


def test_a_grave_warning_is_not_released_without_somebodys_word(warned: FakeBuild, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as raised:
        assemble(tmp_path / "r", warned.build, "1.0.0")
    assert one_form() in str(raised.value)
    assert "small" not in str(raised.value)
    assert "--accept-warnings" in str(raised.value)
    assert not (tmp_path / "r").exists()


def test_warnings_stand_at_the_top_of_the_card_in_the_manifest_and_in_the_check(accepted: Path) -> None:
    top = (accepted / "dataset" / "README.md").read_text().partition("## Examples")[0]
    assert f"- `augment` (grave): {escape(one_form(), 'markdown')}" in top
    assert r"- `model-0`: a \<b\>small\</b\> thing" in top
    manifest = json.loads((accepted / "dataset" / MANIFEST).read_text())
    assert manifest["accepted"] == [one_form()]
    assert [warning["stage"] for warning in manifest["warnings"]] == ["augment", "model-0"]
    assert [note for note in release_notes(accepted) if "the build warned" in note] == [
        f"dataset/{MANIFEST}: the build warned in augment: {one_form()} (grave, accepted)",
        f"dataset/{MANIFEST}: the build warned in model-0: a <b>small</b> thing",
    ]


def test_a_card_without_the_warning_and_a_manifest_without_the_word_are_found(accepted: Path, tmp_path: Path) -> None:
    assert list(check_warnings(accepted / "dataset")) == []
    for name in ("README.md", MANIFEST):
        (tmp_path / name).write_text((accepted / "dataset" / name).read_text())
    card = tmp_path / "README.md"
    card.write_text(card.read_text().replace("fallen back on one form", "fallen"))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest | {"accepted": []}))
    assert list(check_warnings(tmp_path)) == [
        "README.md: lacks a warning of stage augment, which manifest.json has; release it again",
        "manifest.json: nobody has accepted the warning of stage augment, which is grave; mend the build, or release "
        "it again with --accept-warnings",
    ]


def test_a_build_without_warnings_has_no_such_section(build: FakeBuild, tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset", Material(build.build, "1.0.0"))
    assert "Warnings of the build" not in (tmp_path / "dataset" / "README.md").read_text()
    assert json.loads((tmp_path / "dataset" / MANIFEST).read_text())["warnings"] == []
