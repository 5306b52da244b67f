from controlled import ROWS, share_again
from method_check import mean_with_interval, table
from scipy import stats

from builder.data.records import curated_schema
from builder.data.storage import write_rows
from builder.workspace.workspace import Artifact


def test_the_share_that_is_selected_again_is_of_the_earlier_selection(tmp_path):
    chosen = {1: range(8), 2: range(6, 12)}
    for t, numbers in chosen.items():
        rows = [{"id": f"{n:02d}-0", "score": 1.0, "split": "train"} for n in numbers]
        write_rows(tmp_path / f"curate-{t}/data/a.parquet", rows, curated_schema())
    assert share_again([Artifact(f"curate-{t}", "0", tmp_path / f"curate-{t}") for t in chosen]) == 2 / 8


def test_the_interval_of_a_mean_is_that_of_scipy():
    values = [0.5, 0.6, 0.55, 0.7, 0.62]
    half = stats.sem(values) * stats.t.ppf(0.975, 4)
    assert mean_with_interval(values) == f"{sum(values) / 5:.3f} ± {half:.3f}"


def test_rows_stand_with_their_difference_to_the_first_one():
    def world(joint, seed):
        rows = {
            "joint": {"precision": 0.9, "recall": 0.8, "well_formed": joint},
            "seed-only": {"precision": None, "recall": None, "well_formed": seed},
        }
        return {"rows": rows, "world": {"precision of A_1": 0.85}}

    text = table([world(0.6, 0.4), world(0.7, 0.45)])
    line = next(line for line in text.splitlines() if line.startswith("seed-only"))
    assert "-0.225" in line
    assert "0.425" in line
    assert "precision of A_1" in text


def test_the_rows_are_the_papers_comparisons():
    names = [row.name for row in ROWS]
    assert names[0] == "joint"
    assert {"seed-only", "curated-only", "no-curation", "one-iteration", "reverse", "cross-fit"} <= set(names)
