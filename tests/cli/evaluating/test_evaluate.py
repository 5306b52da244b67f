import json
from pathlib import Path

import pytest
from support.command_here import command_here
from support.finished_iterations import finish
from support.output_schema import answered

SCORES = {f"p{at:03}": at / 100 for at in range(40)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path, settings = finish(tmp_path_factory.mktemp("evaluate"), {"likelihood": [SCORES, SCORES]}, "curate.share=0.3")
    return [str(path), *(word for item in settings for word in ("--set", item))]


def test_without_a_plan_it_says_which_file_it_looked_for(project) -> None:
    done = command_here("evaluate", *project)
    assert done.returncode == 2
    assert "evaluate.yaml" in done.stderr


def test_results_of_lm_eval_are_read_back(project, tmp_path: Path) -> None:
    figures = {"piqa": {"alias": "piqa", "acc,none": 0.5}}
    (tmp_path / "results_1.json").write_text(json.dumps({"results": figures}))
    done = command_here("evaluate", *project, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "piqa" in done.stdout
    assert "50.0" in done.stdout
    assert (Path(project[0]).parent / "evaluation" / "lm_eval.json").is_file()
    answered("evaluate", json.loads(command_here("evaluate", *project, "--results", tmp_path, "--json").stdout))


def test_answers_to_packets_need_the_packets(project, tmp_path: Path) -> None:
    (tmp_path / "ann.json").write_text("{}")
    done = command_here("evaluate", *project, "--answered", tmp_path / "ann.json")
    assert done.returncode == 2
    assert "--answered goes with --packets" in done.stderr


def test_published_judgements_are_compared(tmp_path: Path) -> None:
    for name, score in (("one", 2), ("two", 1)):
        rows = [{"instruction": f"q{at}", "preference": score if at % 4 else 1.5} for at in range(20)]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    done = command_here("annotations", tmp_path / "one.json", tmp_path / "two.json")
    assert done.returncode == 0, done.stderr
    assert "87.5" in done.stdout
    assert "-75.0" in done.stdout
    done = command_here("annotations", tmp_path / "one.json", tmp_path / "two.json", "--json")
    assert answered("annotations", json.loads(done.stdout))["models"]["one"]["win_rate"]["wins"] == 15
