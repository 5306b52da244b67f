import csv
import json
import shlex
from pathlib import Path

import pytest
import yaml

from builder.errors import RecipeError
from builder.results.evaluate.comparison.plan import PairJudge
from builder.results.evaluate.handover.alpaca_eval import read_leaderboard, write_alpaca_eval, write_outputs


def test_the_files_are_those_that_the_commands_name(tmp_path: Path) -> None:
    text = write_alpaca_eval(tmp_path, PairJudge(build=1), "work/model-1/model", ["final"], "seed")
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("alpaca_eval")]
    assert len(commands) == 2
    outputs = [dict(zip(words[1::2], words[2::2], strict=True)) for words in commands]
    assert [of["--model_outputs"] for of in outputs] == ["outputs-final.json", "outputs-seed.json"]
    assert [of["--reference_outputs"] for of in outputs] == ["outputs-seed.json", "outputs-final.json"]
    config = yaml.safe_load((tmp_path / "judge" / "configs.yaml").read_text())["local_judge"]
    prompt = (tmp_path / config["prompt_template"]).read_text()
    assert all(place in prompt for place in ("{instruction}", "{output_1}", "{output_2}"))
    assert config["completions_kwargs"]["extra_body"] == {"structured_outputs": {"choice": ["m", "M"]}}
    assert config["completion_parser_kwargs"]["denominator_tokens"] == ["m", "M"]
    assert "vllm serve work/model-1/model" in text


def test_a_leaderboard_is_read_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["", "win_rate", "mode"], ["final", "51.08", "community"], ["x", "", ""]])
    assert read_leaderboard(path) == [{"name": "final", "win_rate": 51.08, "mode": "community"}]
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RecipeError, match="no leaderboard"):
        read_leaderboard(path)


def test_outputs_are_a_list_as_alpaca_eval_reads_it(tmp_path: Path) -> None:
    path = write_outputs(tmp_path, "final", [{"instruction": "a", "output": "b", "generator": "final"}])
    assert json.loads(path.read_text()) == [{"instruction": "a", "output": "b", "generator": "final"}]
