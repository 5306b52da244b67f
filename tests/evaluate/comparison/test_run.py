"""An evaluation of a build, with a real engine: its stages are found again, and its files are what others read."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.results.evaluate.comparison.plan import Plan
from builder.results.evaluate.comparison.run import run_evaluation
from builder.workspace.workspace import Workspace

PROMPTS = [f"What about {at}?" for at in range(5)] + ["How should I store apples?"]


def plan_of(folder: Path, **changes: Any) -> Plan:
    (folder / "prompts.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in PROMPTS))
    values = {
        "prompts": {"sources": [{"name": "mine", "path": folder / "prompts.jsonl"}]},
        "models": [{"name": "final", "build": 2}, {"name": "one", "build": 1, "system": "none"}],
        "reference": {"name": "seed-only", "build": 0},
        "sampling": {"max_tokens": 8},
        "judge": {"build": 2},
        "engine": {"kind": "transformers", "dtype": "float32", "max_model_len": 512},
    }
    return Plan.model_validate(values | changes)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return FakeBuild(tmp_path_factory.mktemp("build")).build


@pytest.fixture(scope="module")
def finished(build: Build, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan, Any]:
    folder = tmp_path_factory.mktemp("evaluation")
    plan = plan_of(folder)
    return folder, plan, run_evaluation(plan, build, Workspace(folder / "work", build.recipe.runtime))


def test_every_prompt_is_answered_and_judged_in_both_orders(finished: tuple[Path, Plan, Any]) -> None:
    _, _, evaluation = finished
    for artifact in evaluation.answers.values():
        assert [row["instruction"] for row in read_rows(artifact.data)] == PROMPTS
    for artifact in evaluation.judged.values():
        assert sorted(row["order"] for row in read_rows(artifact.data)) == [1] * 6 + [2] * 6


def test_the_report_has_each_model_and_the_difference(finished: tuple[Path, Plan, Any]) -> None:
    figures = finished[2].figures
    assert figures["models"].keys() == {"final", "one"}
    assert figures["paired"]["one"]["against"] == "final"
    assert figures["models"]["final"]["win_rate"]["n"] == 6
    # The prompts are instructions that the build has curated; one of them it has not.
    assert sum(part["n"] for part in figures["models"]["final"]["by_seen"].values()) == 6


def test_a_second_run_finds_everything_done(finished: tuple[Path, Plan, Any], build: Build) -> None:
    folder, plan, evaluation = finished
    events: list[tuple[str, str]] = []
    workspace = Workspace(
        folder / "work", build.recipe.runtime, lambda artifact, event: events.append((artifact.stage, event))
    )
    again = run_evaluation(plan, build, workspace)
    assert {event for _, event in events} == {"cached"}
    assert again.figures == evaluation.figures


def test_another_judge_asks_no_model_again(finished: tuple[Path, Plan, Any], build: Build) -> None:
    folder, plan, _ = finished
    events: dict[str, list[str]] = {}
    workspace = Workspace(
        folder / "work",
        build.recipe.runtime,
        lambda artifact, event: events.setdefault(event, []).append(artifact.stage),
    )
    other = plan.model_copy(update={"judge": None, "models": plan.models[:1]})
    assert run_evaluation(other, build, workspace).report is None
    assert events.keys() == {"cached"}


def test_a_model_that_is_not_there_is_named(build: Build, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, models=[{"name": "final", "build": 7}])
    with pytest.raises(RecipeError, match="model final: build is 7; the build has the models 0 to 2"):
        run_evaluation(plan, build, Workspace(tmp_path / "work", build.recipe.runtime))
