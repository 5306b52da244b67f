"""Builds without labels: corrected by those of another build, and refused where these say nothing."""

from typing import Any

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.errors import RecipeError
from builder.results.evaluate.labels.calibration import calibration_of, corrected_by, judge_identity, read_calibration
from builder.results.evaluate.labels.population import population_of
from builder.results.evaluate.labels.store import Label


@pytest.fixture
def build(tmp_path) -> Build:
    from builder.recipe.sections.curate import Curate

    curate = Curate(judge="likelihood", threshold=2.0)
    return FakeBuild(tmp_path, changes={"curate": curate}).build


def labels(build: Build, wrong: int = 0) -> list[Label]:
    population = population_of(build)
    taken = population.iterations[-1].selected
    return [
        Label(key, (key in taken) != (at < wrong), "a", population.strata[key]) for at, key in enumerate(population.ids)
    ]


def test_a_judge_that_is_right_gives_its_own_share(build: Build) -> None:
    population = population_of(build)
    calibration = calibration_of(build, population, labels(build))
    assert calibration["sensitivity"][0] == 1.0
    assert calibration["specificity"][0] == 1.0
    found = corrected_by(build, population, calibration)
    assert found["value"] == pytest.approx(len(population.iterations[-1].selected) / len(population.ids))


def test_another_rubric_or_threshold_is_another_judge(build: Build) -> None:
    population = population_of(build)
    calibration = calibration_of(build, population, labels(build)) | {"judge": "another"}
    with pytest.raises(RecipeError, match="another judge, rubric or threshold"):
        corrected_by(build, population, calibration)
    changed = build.recipe.curate.model_copy(update={"threshold": 2.5})
    other = Build(build.recipe.model_copy(update={"curate": changed}), build.artifacts)
    assert judge_identity(other) != judge_identity(build)


def test_a_share_says_nothing_of_how_many_are_good(tmp_path) -> None:
    build = FakeBuild(tmp_path).build
    with pytest.raises(RecipeError, match="threshold"):
        calibration_of(build, population_of(build), [])


def test_labels_of_one_kind_are_not_enough(build: Build) -> None:
    population = population_of(build)
    only: list[Any] = [Label(key, True, "a", population.strata[key]) for key in population.ids[:5]]
    with pytest.raises(RecipeError, match="no good or no bad"):
        calibration_of(build, population, only)


@pytest.mark.parametrize("text", ["", "{}", '{"calibration": {"reason": "x"}}'])
def test_a_file_without_a_calibration_is_refused(tmp_path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(RecipeError, match="has no calibration"):
        read_calibration(tmp_path / "report.json")
