from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from support.release_build import FakeBuild

from builder.data.storage import write_json
from builder.results.evaluate.tables.conformance import NOT_RUN, conformance_page, read_figures
from builder.results.evaluate.tables.diversity import statistics_of


def test_what_was_not_run_says_so(tmp_path: Path) -> None:
    page = conformance_page("tiny", read_figures(tmp_path))
    tables = yaml.safe_load((files("builder.results.evaluate.tables") / "paper.yaml").read_text(encoding="utf-8"))
    ours = [row for table in tables for row in table["rows"] if "ours" in row]
    assert page.count(f"| {NOT_RUN} |") == len(ours) == 29
    assert page.count("\n## ") == len(tables) == 8


def test_figures_stand_where_the_paper_has_its_own(tmp_path: Path) -> None:
    write_json(tmp_path / "statistics.json", statistics_of(FakeBuild(tmp_path / "build").build, pairs=False))
    rate = {"value": 0.5, "n": 4, "interval": [0.25, 0.75]}
    write_json(tmp_path / "report.json", {"models": {"final": {"win_rate": rate}, "other": {}}})
    write_json(tmp_path / "lm_eval.json", {"final": {"piqa": {"acc": 0.745}}})
    write_json(tmp_path / "packets.json", {"models": {"final": {"answers": {"win": 5, "tie": 1, "lose": 4}}}})
    write_json(tmp_path / "scaling.json", {"alpha": {"ln": {"value": 6.5}}})
    write_json(tmp_path / "ablations.json", [{"name": "joint", "win_rate": rate}])
    page = conformance_page("tiny", read_figures(tmp_path))
    assert "| seed, instruction | 148 ± 322 | 11 ± 0 |" in page
    assert "83.71 | 50.0 [25.0, 75.0] |" in page
    assert "| PIQA | 74.54 | 74.5 |" in page
    assert "55.6 / 6.7 / 37.8 | 50.0 / 10.0 / 40.0 |" in page
    assert "| Humpback, natural logarithm | 6.95 | 6.50 |" in page
    assert "66.47 ± 3.04 | 50.0 [25.0, 75.0] |" in page


@pytest.mark.parametrize("value", [{"value": None, "reason": "x"}, {"mean": None, "sd": None}])
def test_a_figure_that_is_null_was_not_run(tmp_path: Path, value: dict[str, object]) -> None:
    write_json(
        tmp_path / "statistics.json", {"kept": value, "sets": {"seed": {"instruction": {"mean": None, "sd": None}}}}
    )
    if "value" in value:
        assert "8.3 | not run |" in conformance_page("tiny", read_figures(tmp_path))
