"""`plan --calibrate` from a recipe to its sums: every missing stage is asked about once, and nothing is left behind."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.output_schema import answered
from support.small_project import change_yaml, humpback, write_small_project

from builder.cli.checks.state import time_of
from builder.cli.plan import plan_stages
from builder.cli.planning import calibrate as calibrating
from builder.cli.planning.calls import calls_of
from builder.cli.planning.ranges import in_words
from builder.cli.planning.told import plan_with_costs
from builder.cli.project import Project, build_project, open_project
from builder.cli.rows import layout
from builder.data.records import seed_schema, segment_schema
from builder.data.storage import write_json, write_rows
from builder.errors import StageError, TimeIsUp
from builder.workspace.layout import CALIBRATION
from builder.workspace.locks import locked

SEEDS, SEGMENTS = 40, 30
OF_TRAINING = {"start": 10.0, "each": 0.5, "unit": "steps", "tokens": 900.0, "bytes_fixed": 3_000_000,
               "processes": 1, "step_rows": 8}  # fmt: skip
OF_ROWS = {"start": 20.0, "each": 0.25, "low": 0.8, "high": 1.5, "unit": "rows", "tokens": 100.0, "bytes_each": 200.0,
           "kept": 0.1, "seed_passed": 0.9}  # fmt: skip
FOUND: dict[str, dict[str, Any]] = {
    "measure_once": {"start": 3.0, "each": 0.0, "unit": "rows", "units": 1, "kept": SEEDS, "bytes_fixed": 9_000},
    "measure_segments": {"start": 4.0, "each": 0.1, "unit": "pages", "units": 200.0, "kept": 2.0, "bytes_each": 50.0},
    "measure_sampled": {"start": 2.0, "each": 0.0, "unit": "rows", "tried": 30, "kept": 0.9, "bytes_each": 40.0,
                        "dropped": {"not_selected": 12, "domain_cap": 3}},
    "measure_training": OF_TRAINING,
    "measure_augment": OF_ROWS,
    "measure_score": OF_ROWS,
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_project(write_small_project(tmp_path / "project"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What child processes were asked to measure, by stage; they answer with `FOUND`, and leave rows."""
    asked: dict[str, dict[str, Any]] = {}

    def run_child(out: Path, request: dict[str, Any], *_: Any, stage: str, hidden: Any) -> dict[str, Any]:
        asked[stage] = request
        measure = request["config"]["measure"].partition(":")[2]
        if FOUND[measure].get("fails"):
            raise StageError("it cannot be loaded; see /nowhere\n  | OSError: gone")
        if stage == "seed":
            rows = [dict.fromkeys(seed_schema().names, str(n)) for n in range(SEEDS)]
            write_rows(out / "sample" / "data" / "a.parquet", rows, seed_schema())
        elif stage in ("segments", "dedup"):
            texts = [dict.fromkeys(("page_id", "url", "header", "text"), "a") | {"id": str(n)} for n in range(SEGMENTS)]
            write_rows(out / "sample" / "data" / "a.parquet", texts, segment_schema())
        found = FOUND.get(stage, FOUND[measure])
        return {"details": found | {"tried": found.get("tried", 30), "inside": 1e9}}

    monkeypatch.setattr(calibrating, "run_child", run_child)
    return asked


def measured(project: Project) -> dict[str, Any]:
    value: dict[str, Any] = answered("plan", plan_with_costs(project, 60.0, lambda line: None).value)
    return value


def of(value: dict[str, Any], stage: str) -> dict[str, Any]:
    return next(item for item in value["stages"] if item["stage"] == stage)


def test_each_kind_of_stage_is_measured_once_and_all_are_reckoned_from_it(project: Project, asked: Any) -> None:
    value = measured(project)
    assert list(asked) == [
        "seed", "segments", "dedup", "model-backward", "augment", "model-0", "score-1-likelihood", "curate-1",
        "model-1",
    ]  # fmt: skip
    assert of(value, "segments")["seconds"]["mid"] == 4 + 200 * 0.1
    assert of(value, "segments")["rows"]["mid"] == 400
    assert of(value, "dedup")["rows"]["mid"] == 12  # dedup.sample
    assert of(value, "augment")["seconds"]["mid"] == 20 + 12 * 0.25
    assert of(value, "augment")["rows"] == {"low": 1, "mid": 11, "high": 12}
    assert of(value, "model-backward")["seconds"]["mid"] == 10 + 30 * 0.5  # max_steps
    assert of(value, "curate-1")["rows"]["mid"] == 5
    assert value["total"]["unknown"] == []
    assert value["total"]["gpu_hours"]["high"] == 0
    total = sum(item["seconds"]["mid"] for item in value["stages"])
    assert value["total"]["seconds"]["mid"] == pytest.approx(total, abs=0.5)
    low, mid, high = value["total"]["seconds"].values()
    assert low < mid < high


def test_a_later_model_is_reckoned_between_the_seed_and_all_pairs(
    project: Project, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOUND, "model-1", OF_TRAINING | {"each": 2.0})
    value = measured(project)
    assert of(value, "model-0")["seconds"]["mid"] == 10 + 2 * 0.5  # max_steps
    assert of(value, "model-1")["seconds"]["mid"] == 10 + 2 * 1.0
    assert any("selected pairs" in note for note in of(value, "model-1")["notes"])


def test_a_later_model_with_another_recipe_than_the_first_is_reckoned_by_itself(
    project: Project, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOUND, "model-1", OF_TRAINING | {"each": 2.0})
    own = project.recipe.training.forward
    change_yaml(
        project.folder / "build.yaml",
        training={"forward": own.name, "backward": project.recipe.training.backward.name, "initial": own.name},
    )
    value = measured(open_project(project.folder))
    assert of(value, "model-1")["seconds"]["mid"] == 10 + 2 * 2.0


@pytest.mark.parametrize(("same", "rows"), [(True, 200 * 0.5), (False, 200 * 2.0)])
def test_an_earlier_run_tells_how_many_segments_stay_only_if_its_settings_are_those_of_now(
    project: Project, asked: Any, same: bool, rows: float
) -> None:
    artifact = calls_of(project)["segments"].artifact
    config = artifact.identity["config"] | ({} if same else {"max_chars": 3})
    counts = {"pages": {"in": 40, "kept": 30}, "segments": {"in": 90, "kept": 20}}
    record = {"stage": "segments", "config": config, "inputs": {}, "fingerprint": "0" * 12, "counts": counts}
    write_json(project.work_dir / f"segments-{'0' * 12}" / "stage.json", record)
    assert of(measured(project), "segments")["rows"]["mid"] == rows


def test_gpu_hours_are_those_of_all_gpus_that_a_stage_has(
    project: Project, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setitem(FOUND, "measure_training", OF_TRAINING | {"processes": 4})
    change_yaml(project.folder / "build.yaml", runtime={"engines": 2, "tensor_parallel": 2})
    answer = plan_with_costs(open_project(project.folder), 60.0, lambda line: None)
    written = of(answer.value, "augment")
    assert written["seconds"]["mid"] == pytest.approx(20 + 12 * 0.25 / 2, abs=0.05)  # two engines share the rows
    for stage in ("model-backward", "augment"):
        item = of(answer.value, stage)
        for bound in ("low", "mid", "high"):
            assert item["gpu_hours"][bound] == pytest.approx(4 * item["seconds"][bound] / 3600, abs=0.001)
        assert item["gpu_hours"]["mid"] > 0
    assert of(answer.value, "segments")["gpu_hours"]["high"] == 0
    total = sum(item["gpu_hours"]["mid"] for item in answer.value["stages"])
    assert answer.value["total"]["gpu_hours"]["mid"] == pytest.approx(total, abs=0.005)
    assert f"{total:.1f} GPU-hours" in answer.text().splitlines()[-1]


def test_nothing_is_left_but_the_rates_and_what_a_killed_one_has_left_goes(project: Project, asked: Any) -> None:
    write_json(project.work_dir / CALIBRATION / "seed" / "left.json", {})
    measured(project)
    assert sorted(path.name for path in project.work_dir.iterdir()) == [".lock", "rates.json"]


def test_a_build_removes_what_a_killed_calibration_has_left(project: Project) -> None:
    write_json(project.work_dir / CALIBRATION / "1" / "seed" / "left.json", {})
    with pytest.raises(TimeIsUp):
        build_project(open_project(project.folder, overrides=("runtime.max_hours=1e-9",)))
    assert not (project.work_dir / CALIBRATION).exists()


def test_plain_plan_says_what_was_measured_for_as_long_as_it_holds(project: Project, asked: Any) -> None:
    assert "expected" not in plan_stages(project).value[0]
    total = measured(project)["total"]["seconds"]["mid"]
    plan = plan_stages(project)
    assert sum(entry["expected"]["seconds"]["mid"] for entry in answered("plan", plan.value)) == pytest.approx(
        total, abs=0.5
    )
    assert plan.text().splitlines()[-1].startswith("still to run: about ")
    change_yaml(project.folder / "build.yaml", augment={"max_tokens": 25})
    after = plan_stages(open_project(project.folder))
    known = {entry["stage"]: entry["expected"]["known"] for entry in after.value}
    assert (known["segments"], known["augment"]) == (True, False)
    assert "without augment" in after.text().splitlines()[-1]


def test_check_says_the_time_once_it_was_measured_and_the_command_before(project: Project, asked: Any) -> None:
    assert time_of(project) == ("", f"humpback plan {project.path} --calibrate")
    total = measured(project)["total"]["seconds"]["mid"]
    time, command = time_of(project)
    assert command == ""
    assert time == in_words(total)


def test_a_stage_that_cannot_be_measured_is_named_with_its_reason(
    project: Project, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOUND, "measure_augment", {"fails": True})
    answer = plan_with_costs(project, 60.0, lambda line: None)
    assert answered("plan", answer.value)["total"]["unknown"] == ["augment"]
    assert of(answer.value, "augment")["notes"] == ["it cannot be loaded: OSError: gone"]
    assert "augment" in answer.text().splitlines()[-1]
    assert of(answer.value, "model-1")["known"]


@pytest.mark.parametrize(("top", "enough"), [(3, True), (200, False)])
def test_the_segments_that_a_number_of_rows_needs_are_told(
    project: Project, asked: Any, top: int, enough: bool
) -> None:
    change_yaml(project.folder / "build.yaml", curate={"judge": "likelihood", "top": top})
    answer = plan_with_costs(open_project(project.folder), 60.0, lambda line: None)
    needs = answered("plan", answer.value)["top"]
    passed = 1 - 3 / (15 + 0.9 * 30)  # of those that the sample's selection could take
    assert needs["segments_needed"]["mid"] == pytest.approx(top / (0.9 * passed), abs=1)
    assert needs["enough"] == enough
    said = answer.text().splitlines()[-2:]
    assert said[1].endswith("enough" if enough else "too few")
    plain = plan_stages(open_project(project.folder))
    assert plain.text().splitlines()[-2:] == said
    assert answered("plan", plain.value)[-2]["top"] == needs


def test_on_a_terminal_lines_end_between_words_and_into_a_pipe_they_go_whole(
    project: Project, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_yaml(project.folder / "build.yaml", curate={"judge": "likelihood", "top": 200})
    project = open_project(project.folder)
    answer = plan_with_costs(project, 60.0, lambda line: None)
    texts = {name: text() for name, text in (("costs", answer.text), ("plan", plan_stages(project).text))}
    monkeypatch.setattr(layout.sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    for name, text in (("costs", answer.text), ("plan", plan_stages(project).text)):
        assert max(map(len, texts[name].splitlines())) > 80
        assert max(len(line) for line in text().splitlines() if str(project.work_dir) not in line) <= 80
        assert text().split() == texts[name].split()


def test_a_work_directory_that_a_build_uses_is_left_alone(project: Project, asked: Any) -> None:
    with locked(project.work_dir), pytest.raises(StageError, match="in use"):
        measured(project)
    assert asked == {}


@pytest.mark.full
def test_the_command_measures_a_small_project_for_real(tmp_path: Path) -> None:
    folder = write_small_project(tmp_path / "project")
    said = humpback("plan", folder, "--calibrate", "--seconds", "2", "--json", env={**os.environ})
    assert said.returncode == 0, said.stderr
    value = answered("plan", json.loads(said.stdout))
    assert value["total"]["unknown"] == []
    assert value["total"]["seconds"]["mid"] > 10
    assert of(value, "seed")["rows"]["mid"] > 100
    assert not (folder / "work" / CALIBRATION).exists()
