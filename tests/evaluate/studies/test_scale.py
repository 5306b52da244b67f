from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.output_schema import answered
from support.release_build import FakeBuild

from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError
from builder.recipe.sections.runtime import Runtime
from builder.results.evaluate.comparison.pairwise import judged_schema
from builder.results.evaluate.comparison.plan import Plan
from builder.results.evaluate.studies.scale import Draw, draw_rows, plot_scaling, run_scaling, scaling_report
from builder.workspace.workspace import Workspace


def test_each_size_holds_the_smaller_ones_and_no_test_row(tmp_path: Path) -> None:
    curated = FakeBuild(tmp_path).build.curated[-1]
    train = {row["id"] for row in read_rows(curated.data) if row["split"] == "train"}
    drawn = []
    for rows in (3, 9, 500):
        stats = draw_rows(tmp_path / str(rows), Draw(rows=rows), curated.path, runtime=Runtime())
        stats.check("draw")
        drawn.append({row["id"] for row in read_rows(tmp_path / str(rows) / "data")})
    assert [len(ids) for ids in drawn] == [3, 9, len(train)]
    assert drawn[0] < drawn[1] < drawn[2] == train


def plan(**changes: Any) -> Plan:
    values = {
        "prompts": {"sources": [{"name": "mine", "path": "prompts.jsonl"}]},
        "models": [{"name": "final", "build": 2}],
        "reference": {"name": "seed-only", "build": 0},
    }
    return Plan.model_validate(values | changes)


def test_a_size_that_the_selection_has_not_and_a_plan_without_a_judge_are_refused(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path).build
    workspace = Workspace(tmp_path / "work", build.recipe.runtime)
    with pytest.raises(RecipeError, match="has no judge"):
        run_scaling(build, plan(), workspace)
    for sizes in ((), (10, 10_000)):
        with pytest.raises(RecipeError, match="rows to train on"):
            run_scaling(build, plan(judge={"build": 2}), workspace, sizes)


def test_the_line_through_win_rates_is_reported_and_drawn(tmp_path: Path) -> None:
    names = {size: f"n-{size}" for size in (100, 800, 1_600, 3_200)}
    judged, models = {}, {}
    for number, name in enumerate(names.values()):
        folder = tmp_path / name
        rows = [
            {
                "id": f"{at}-{order}",
                "prompt_id": str(at),
                "source": "s",
                "order": order,
                "p": float(at < 4 + 3 * number),
                "asked": True,
            }
            for at in range(20)
            for order in (1, 2)
        ]
        write_rows(
            folder / "data" / "a.parquet",
            [row | {"length_model": 1, "length_reference": 1} for row in rows],
            judged_schema(),
        )
        judged[name] = SimpleNamespace(path=folder)
        models[name] = {"win_rate": {"value": (4 + 3 * number) / 20, "n": 20, "formula": "mean"}}
    evaluation: Any = SimpleNamespace(figures={"models": models}, judged=judged)
    report = answered("scale", scaling_report(evaluation, names))
    assert [point["rows"] for point in report["points"]] == list(names)
    assert report["alpha"]["ln"]["value"] > 5
    assert report["over_prompts"]["value"] == pytest.approx(report["alpha"]["ln"]["value"])
    plot_scaling(report, tmp_path / "line.png")
    assert (tmp_path / "line.png").read_bytes()[:4] == b"\x89PNG"
