import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.errors import RecipeError
from builder.results.evaluate.handover.lm_eval import eval_results
from builder.results.release.facts.measured import compared, figures_of, read_comparison, read_results

RATE = {"value": 0.6, "n": 10, "interval": [0.4, 0.8], "wins": 6, "draws": 0, "losses": 4, "unread": 0}
REPORT: dict[str, Any] = {
    "models": {"final": {"win_rate": RATE, "orders": {"value": 0.9}, "trained": "abc", "lengths": {}}},
    "reference": "seed-only",
    "judge": "M_2",
    "prompts": 10,
    "sampling": {"temperature": 0.7, "top_p": 0.9, "max_tokens": 64, "seed": 0},
    "paired": {},
}
TASK = {"acc": 0.5, "acc_norm": 0.62, "n": 100, "version": 1.0, "shots": 0, "chat_template": True, "day": "2026-01-02"}


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def test_a_model_has_the_figures_of_its_own_name_and_stage(tmp_path: Path) -> None:
    path = write(tmp_path / "report.json", REPORT)
    found = compared(path, "final", "abc")
    assert found is not None
    assert (found[0].reference, found[1].win_rate.value) == ("seed-only", 0.6)
    assert compared(path, "backward", "abc") is None
    assert compared(None, "final", "abc") is None


def test_figures_of_a_model_that_was_trained_anew_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "report.json", REPORT)
    with pytest.raises(RecipeError, match="compares another model called final than the build has now"):
        compared(path, "final", "other")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "release.evaluation is not what"),
        (REPORT | {"models": {"final": {}}}, "models.final.win_rate: Field required"),
        (REPORT | {"prompts": "many"}, "prompts: "),
    ],
)
def test_another_file_is_refused_with_the_place(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=f"report.json: .*{message}"):
        read_comparison(write(tmp_path / "report.json", value))


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"release.evaluation cannot be read"):
        read_comparison(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text("{")
    with pytest.raises(RecipeError, match=r"release.results is not what"):
        read_results(tmp_path / "cut.json")


def test_results_of_tasks_on_the_hub_become_files_and_all_become_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "lm_eval.json", {"final": {"piqa": TASK, "humpback_continues": TASK | {"acc_norm": None}}})
    results = read_results(path)["final"]
    (name, text), *more = eval_results(results).items()
    assert not more
    assert name == ".eval_results/piqa.yaml"
    (entry,) = yaml.safe_load(text)
    assert entry["dataset"]["id"] == "ybisk/piqa"
    assert entry["value"] == 62.0
    assert entry["notes"] == "lm-eval task piqa version 1.0, 0-shot, acc_norm"
    assert figures_of(results) == [
        {"task": "piqa", "name": "acc_norm", "figure": 0.62, "n": 100, "shots": 0, "version": 1.0},
        {"task": "humpback_continues", "name": "acc", "figure": 0.5, "n": 100, "shots": 0, "version": 1.0},
    ]


def test_results_without_a_version_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "lm_eval.json", {"final": {"piqa": {"acc": 0.5}}})
    with pytest.raises(RecipeError, match=r"release.results is not what .*version"):
        read_results(path)
