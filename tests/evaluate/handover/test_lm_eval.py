import json
from pathlib import Path

import pytest
import yaml

from builder.errors import RecipeError
from builder.results.evaluate.handover.lm_eval import (
    CHOICES,
    OWN_TASK,
    Served,
    eval_results,
    own_task_rows,
    read_lm_eval,
    write_lm_eval,
)

ROWS = [{"id": f"{at}", "instruction": f"question {at}", "output": f"text {at}"} for at in range(20)]


def test_every_question_has_its_own_text_among_four_in_a_place_that_tells_nothing() -> None:
    rows = own_task_rows(ROWS)
    assert len(rows) == 20
    for row in rows:
        assert len(set(row["choices"])) == CHOICES
        assert row["choices"][row["answer"]] == row["question"].replace("question", "text")
    assert len({row["answer"] for row in rows}) == CHOICES
    assert rows == own_task_rows(list(reversed(ROWS)))


def test_too_few_rows_are_no_task() -> None:
    with pytest.raises(RecipeError, match="curated/test has 3 rows"):
        own_task_rows(ROWS[:3])


def test_the_task_is_written_with_its_data_and_the_papers_tasks_beside_it(tmp_path: Path) -> None:
    text = write_lm_eval(tmp_path, [Served("final", "models/final")], ROWS)
    task = yaml.safe_load((tmp_path / "tasks" / f"{OWN_TASK}.yaml").read_text())
    data = (tmp_path / task["dataset_kwargs"]["data_files"]["test"]).read_text().splitlines()
    assert len(data) == 20
    assert json.loads(data[0]).keys() == {"question", "choices", "answer"}
    for name in (OWN_TASK, "social_iqa", "piqa", "arc_easy", "arc_challenge", "openbookqa", "mmlu", "ifeval"):
        assert f"--tasks {name}" in text
    assert text.count("HF_HUB_OFFLINE=1") == 1


def test_without_test_rows_there_is_no_task_of_our_own(tmp_path: Path) -> None:
    assert OWN_TASK not in write_lm_eval(tmp_path, [Served("final", "models/final")], [])


def results(folder: Path, name: str, acc: float) -> None:
    figures = {"alias": "piqa", "acc,none": acc, "acc_stderr,none": 0.01, "acc_norm,none": acc + 0.1}
    value = {"results": {"piqa": figures}, "versions": {"piqa": 1.0}, "n-samples": {"piqa": {"effective": 100}}}
    place = folder / "lm-eval" / "final" / "work__model-2"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(json.dumps(value | {"chat_template": "x", "date": 1_764_288_000.5}))


def test_results_are_read_back_and_the_later_file_counts(tmp_path: Path) -> None:
    results(tmp_path, "results_2026-01-02.json", 0.5)
    results(tmp_path, "results_2026-01-01.json", 0.9)
    found = read_lm_eval(tmp_path)["final"]["piqa"]
    assert (found["acc"], found["n"], found["version"], found["chat_template"]) == (0.5, 100, 1.0, True)


def test_a_folder_without_results_and_a_broken_one_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="holds no results"):
        read_lm_eval(tmp_path)
    (tmp_path / "results_x.json").write_text("[]")
    with pytest.raises(RecipeError, match="is no result of lm-eval"):
        read_lm_eval(tmp_path)


def test_tasks_with_a_dataset_on_the_hub_become_files_of_the_model_repository(tmp_path: Path) -> None:
    results(tmp_path, "results_1.json", 0.5)
    found = read_lm_eval(tmp_path)["final"] | {OWN_TASK: {"acc": 0.3, "version": 1}}
    files = eval_results(found)
    assert files.keys() == {".eval_results/piqa.yaml"}
    (entry,) = yaml.safe_load(files[".eval_results/piqa.yaml"])
    assert entry["dataset"]["id"] == "ybisk/piqa"
    assert entry["value"] == 60.0
    assert entry["date"] == "2025-11-28"
    assert "acc_norm" in entry["notes"]
