"""Published judgements give their published figures; odd rows are what the definition says."""

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from builder.errors import RecipeError
from builder.results.evaluate.comparison.annotations import Judgements, length_audit, prompt_key, read_annotations
from builder.results.evaluate.statistics.win_rates import paired, win_rate

DIFFERENCES = {
    ("alpacaeval1.guanaco-65b", "alpacaeval1.oasst-rlhf-llama-33b"): (805, 5.2795, 1.8458, 1.68, 8.82),
    ("alpacaeval1.zephyr-7b-beta", "alpacaeval1.zephyr-7b-alpha"): (802, 4.8628, 1.1611, 2.62, 7.11),
    ("alpacaeval2.humpback-llama2-70b", "alpacaeval2.vicuna-7b-v1.5"): (805, 5.3243, 0.9155, 3.59, 7.14),
}
"""Of models on common prompts: n, difference, its error, and a bootstrap's interval, in percent."""


@pytest.fixture(scope="session")
def published() -> Path:
    folder = os.environ.get("HUMPBACK_TEST_ANNOTATIONS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HUMPBACK_TEST_ANNOTATIONS names no folder")
    return Path(folder)


def read(published: Path, name: str) -> Judgements:
    return read_annotations(published / "annotations" / f"{name}.jsonl.gz")


def test_published_files_give_the_published_figures(published: Path) -> None:
    with (published / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    for row in rows:
        found = win_rate(read(published, row["file"].removesuffix(".jsonl.gz")).scores, draws=10)
        assert 100 * found["value"] == pytest.approx(float(row["win_rate"]), abs=1e-6)
        assert 100 * found["standard_error"] == pytest.approx(float(row["standard_error"]), abs=1e-6)
        assert 100 * found["discrete"] == pytest.approx(float(row["discrete_win_rate"]), abs=1e-6)
        counts = [found[key] for key in ("wins", "losses", "draws", "n")]
        assert counts == [int(row[key]) for key in ("n_wins", "n_wins_base", "n_draws", "n_total")]
        assert found["n"] + found["unread"] == int(row["n"])


@pytest.mark.parametrize("pair", list(DIFFERENCES))
def test_published_models_differ_as_they_are_known_to(published: Path, pair: tuple[str, str]) -> None:
    one, other = (read(published, name).scores for name in pair)
    found = paired(one, other)
    n, difference, error, low, high = DIFFERENCES[pair]
    assert found["n"] == n
    assert 100 * found["value"] == pytest.approx(difference, abs=5e-5)
    assert 100 * found["standard_error"] == pytest.approx(error, abs=5e-5)
    # The ends of two bootstraps of 10,000 draws differ by some hundredths of their error.
    assert [100 * end for end in found["interval"]] == pytest.approx([low, high], abs=0.06 * error + 0.01)


def written(path: Path, rows: list[dict[str, Any]], form: str) -> Path:
    if form == "list":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        path.write_bytes(gzip.compress(text.encode()) if form == "packed" else b"\xef\xbb\xbf" + text.encode())
    return path


ROWS = [
    {"instruction": "a", "output_1": "x", "output_2": "longer", "preference": 2, "dataset": "one"},
    {"instruction": "b", "output_1": "x", "output_2": "y", "preference": 1.25, "dataset": "two"},
    {"instruction": "c", "output_1": "same", "output_2": "same", "preference": 1, "dataset": "two"},
    {"instruction": "d", "output_1": "x", "output_2": " ", "preference": 1, "dataset": "two"},
    {"instruction": "e", "output_1": "x", "output_2": "y", "preference": None, "raw_completion": "m"},
    {"instruction": "f", "output_1": "x", "output_2": "y", "preference": 0, "preference_raw_completion": "M"},
    {"instruction": "g", "output_1": "x", "output_2": "y", "preference": 7},
]


@pytest.mark.parametrize("form", ["list", "lines", "packed"])
def test_old_and_new_forms_are_read_alike(tmp_path: Path, form: str) -> None:
    found = read_annotations(written(tmp_path / "annotations", ROWS, form))
    assert list(found.scores.values()) == [1.0, 0.25, 0.5, 0.0, None, 0.5, None]
    assert found.sources == {prompt_key("a"): "one", **{prompt_key(name): "two" for name in "bcd"}}
    assert (found.replies, found.out_of_range) == (2, 1)
    rate = win_rate(found.scores, draws=10)
    assert (rate["n"], rate["unread"]) == (5, 2)
    assert rate["value"] == pytest.approx(2.25 / 5)


def test_lengths_and_odd_outputs_are_counted(tmp_path: Path) -> None:
    found = length_audit(read_annotations(written(tmp_path / "annotations", ROWS, "list")))
    assert (found["identical"], found["empty"], found["n"]) == (1, 1, 7)
    assert found["model_longer"] == pytest.approx(1 / 7)


def test_a_reduced_file_names_prompts_by_hash(tmp_path: Path) -> None:
    row = {"prompt_sha256": "00ff", "preference": 2.0, "len_1": 3, "len_2": 9, "identical": False, "empty_2": False}
    found = read_annotations(written(tmp_path / "a.jsonl", [row], "lines"))
    assert found.scores == {"00ff": 1.0}
    assert found.longer == {"00ff": "model longer"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no judgement"),
        ("[1]", "item 1 has no preference"),
        ('{"preference": 1}', "line 1 has neither instruction nor prompt_sha256"),
        ('{"instruction": "a"}', "line 1 has no preference"),
        ("{", "is neither a JSON list nor JSON lines"),
        ('{"instruction": "a", "preference": 1}\n{"instruction": "a", "preference": 2}', "line 2 has a prompt that"),
    ],
)
def test_what_is_no_judgement_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        read_annotations(path)


def test_a_cut_archive_and_a_folder_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}")[:10])
    for place in (path, tmp_path, tmp_path / "none"):
        with pytest.raises(RecipeError, match="cannot be read"):
            read_annotations(place)
