"""Versions: what differs from the release before decides which number fits; take-downs; the change log."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.records import candidate_schema
from builder.data.storage import read_json, read_rows, write_rows
from builder.errors import RecipeError, ReleaseError
from builder.results.release.changes import compare
from builder.results.release.folder import assemble
from builder.results.release.versions import (
    Level,
    Previous,
    Version,
    before,
    local_releases,
    parse_version,
    read_previous,
    refuse_going_down,
    refuse_misfit,
    version_of,
)

VERSIONS = st.builds(Version, *[st.integers(0, 30)] * 3)


@given(VERSIONS, st.sampled_from(Level))
def test_the_next_version_of_a_level_is_the_lowest_that_fits(version: Version, level: Level) -> None:
    following = version.next(level)
    assert following > version
    assert following.step(version) is level
    assert parse_version(following.tag) == parse_version(str(following)) == following
    refuse_misfit(following, version, level, ["x"])


@given(VERSIONS, VERSIONS, st.sampled_from(Level))
def test_a_step_that_is_too_small_is_refused_with_the_least_number(old: Version, new: Version, needed: Level) -> None:
    if new > old and new.step(old) >= needed:
        refuse_misfit(new, old, needed, ["rows are new"])
        return
    with pytest.raises(ReleaseError) as caught:
        refuse_misfit(new, old, needed, ["rows are new"])
    assert str(old.next(needed)) in str(caught.value)


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n", "", "1.0.٣"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="must be three numbers"):
        version_of(text)


@given(st.lists(VERSIONS), VERSIONS)
def test_the_previous_version_is_the_highest_lower_one_and_none_goes_down(others: list[Version], new: Version) -> None:
    lower = sorted(other for other in others if other < new)
    assert before(new, others) == (lower[-1] if lower else None)
    if any(other > new for other in others):
        with pytest.raises(ReleaseError, match="versions only go up"):
            refuse_going_down(new, others, "here")
    else:
        refuse_going_down(new, others, "here")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> FakeBuild:
    return FakeBuild(tmp_path_factory.mktemp("build"), models=["final"])


@pytest.fixture(scope="module")
def first(build: FakeBuild, tmp_path_factory: pytest.TempPathFactory) -> Previous:
    folder = assemble(tmp_path_factory.mktemp("releases") / "1.0.0", build.build, "1.0.0")
    return read_previous(folder)


def test_the_same_build_again_is_a_patch_and_the_log_goes_on(build: FakeBuild, first: Previous, tmp_path: Path) -> None:
    folder = assemble(tmp_path / "1.0.1", build.build, "1.0.1", previous=first)
    log = (folder / "dataset" / "CHANGELOG.md").read_text()
    assert log.index("## 1.0.1") < log.index("Compared with 1.0.0") < log.index("## 1.0.0")
    assert "- `curated`: " in log
    assert "as before" in log
    assert log.count("# Changelog\n") == 1
    assert read_json(folder / "dataset" / "manifest.json")["previous"] == "1.0.0"
    third = assemble(tmp_path / "2.0.0", build.build, "2.0.0", previous=read_previous(folder))
    assert third.joinpath("dataset", "CHANGELOG.md").read_text().endswith(log.partition("# Changelog\n\n")[2])


def test_rows_of_a_text_that_changed_ask_for_a_minor_release(first: Previous, tmp_path: Path) -> None:
    changed = FakeBuild(tmp_path / "build", models=["final"])
    rows = [row | {"instruction": "What else?"} if n == 39 else row for n, row in enumerate(changed.candidates)]
    write_rows(changed.artifacts["augment"].data / "rows.parquet", rows[1:], candidate_schema())
    with pytest.raises(ReleaseError) as caught:
        assemble(tmp_path / "1.0.1", changed.build, "1.0.1", previous=first)
    said = str(caught.value)
    assert "augmented: 1 row is gone; augmented: 1 row is changed" in said
    assert "that is a minor release, so it must be at least 1.1.0" in said
    folder = assemble(tmp_path / "1.1.0", changed.build, "1.1.0", previous=first)
    log = (folder / "dataset" / "CHANGELOG.md").read_text()
    assert "- `augmented`: 39 rows, 1 removed, 1 changed (`instruction` in 1)" in log


def test_a_column_that_is_gone_asks_for_a_major_release(build: FakeBuild, first: Previous, tmp_path: Path) -> None:
    recipe = build.recipe.model_copy(update={"iterations": 1})
    with pytest.raises(ReleaseError) as caught:
        assemble(tmp_path / "1.9.0", Build(recipe, build.artifacts), "1.9.0", previous=first)
    assert "augmented: column score_2_likelihood is gone; augmented: column selected_2 is gone" in str(caught.value)
    assert "that is a major release, so it must be at least 2.0.0" in str(caught.value)


def test_another_meaning_of_a_column_asks_for_a_major_release(first: Previous, tmp_path: Path) -> None:
    shutil.copytree(first.dataset, tmp_path / "dataset")
    recipe = tmp_path / "dataset" / "build.yaml"
    for old, new, reason in (
        ("Answer with knowledge from web search.", "Other.", "chat.system_web changes what a column means"),
        ("judge: likelihood\n  share", "judge: reverse\n  share", "curate.judge changes what a column means"),
    ):
        text = (first.dataset / "build.yaml").read_text()
        assert old in text
        recipe.write_text(text.replace(old, new))
        changes = compare(first, tmp_path / "dataset", {})
        assert (changes.level, changes.least_reasons) == (Level.MAJOR, [reason])


def test_rows_taken_down_are_in_no_config_and_make_a_patch_release(
    build: FakeBuild, first: Previous, tmp_path: Path
) -> None:
    sft = {row["id"] for row in read_rows(first.dataset / "sft", ["id"])}
    page = next(row for row in build.candidates if row["id"] in sft)["page_id"]
    seed = build.seed[0]["id"]
    gone = {row["id"] for row in build.candidates if row["page_id"] == page} | {seed}
    (tmp_path / "down.txt").write_text(f"# asked by mail\nhttps://example.org/{page}\n\n{seed}\n")
    release = build.recipe.release.model_copy(update={"removed": tmp_path / "down.txt"})
    recipe = build.recipe.model_copy(update={"release": release})
    folder = assemble(tmp_path / "1.0.1", Build(recipe, build.artifacts), "1.0.1", previous=first)
    before_ids = {row["id"] for row in read_rows(first.dataset / "augmented", ["id"])}
    for config in ("curated", "seed", "sft", "chat", "augmented"):
        assert not gone & {row["id"] for row in read_rows(folder / "dataset" / config, ["id"])}
    assert before_ids - {row["id"] for row in read_rows(folder / "dataset" / "augmented", ["id"])} == gone - {seed}
    assert (folder / "dataset" / "removed.txt").read_text().splitlines() == sorted(gone)
    manifest = json.loads((folder / "dataset" / "manifest.json").read_text())["sft"]
    model = json.loads((folder / "models" / "final" / "manifest.json").read_text())
    assert manifest["taken_down"] == len(gone & sft) > 0
    assert manifest["rows"] != manifest["trained"] == model["rows"]
    assert f"{len(gone) - 1} taken down on request" in (folder / "dataset" / "CHANGELOG.md").read_text()
    assert (
        f"{len(gone & sft)} rows that the final model was trained on" in (folder / "dataset" / "README.md").read_text()
    )
    with pytest.raises(ReleaseError, match="that an earlier release took down are back"):
        assemble(tmp_path / "1.0.2", build.build, "1.0.2", previous=read_previous(folder))


def test_a_line_that_takes_nothing_down_is_an_error(build: FakeBuild, tmp_path: Path) -> None:
    (tmp_path / "down.txt").write_text("\nno-such-row\n")
    release = build.recipe.release.model_copy(update={"removed": tmp_path / "down.txt"})
    with pytest.raises(RecipeError, match=r"down.txt:2: no-such-row is no id of a row"):
        assemble(
            tmp_path / "1.0.0", Build(build.recipe.model_copy(update={"release": release}), build.artifacts), "1.0.0"
        )


def test_releases_beside_are_found_by_the_name_of_their_recipe(first: Previous) -> None:
    beside = first.dataset.parents[1] / "1.1.0"
    assert local_releases(beside, "tiny") == {Version(1, 0, 0): first.dataset}
    assert local_releases(beside, "other") == {}
    with pytest.raises(RecipeError, match="holds no release"):
        read_previous(beside)
