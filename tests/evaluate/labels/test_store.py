"""Labels on disk: a kill between two answers, or in the middle of one, loses none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.results.evaluate.labels.sheet import Sheet
from builder.results.evaluate.labels.store import FILE, Label, Store, read_label_file, read_labels, verdicts

SHEET = Sheet(
    "f", 3, 10, {"left-1": 40, "selected-1": 5}, [(str(at), "left-1") for at in range(8)] + [("9", "selected-1")], 9
)
CHILD = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from builder.results.evaluate.labels.sheet import Sheet
from builder.results.evaluate.labels.store import Store
store = Store(Path(sys.argv[1]), Sheet("f", 3, 10, {"left-1": 40}, [(str(at), "left-1") for at in range(8)], 8), "a")
for at in range(4):
    store.add(str(at), at % 2 == 0)
os.kill(os.getpid(), 9)
"""


def test_a_label_has_its_stratum_with_its_rows_and_the_seed(tmp_path: Path) -> None:
    Store(tmp_path, SHEET, "ann").add("9", True)
    assert json.loads((tmp_path / FILE).read_text()) == {
        "id": "9", "good": True, "rater": "ann", "stratum": "selected-1", "stratum_rows": 5, "seed": 3
    }  # fmt: skip


def test_a_kill_between_two_answers_loses_none(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    killed = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), root], check=False, cwd=root)
    assert killed.returncode == -9
    assert Store(tmp_path, SHEET, "a").answers == {"0": True, "1": False, "2": True, "3": False}


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_that_was_cut_is_asked_again_and_no_other(tmp_path: Path, cut: int) -> None:
    store = Store(tmp_path, SHEET, "a")
    for key in "012":
        store.add(key, True)
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[:-cut])
    again = Store(tmp_path, SHEET, "a")
    assert again.answers == {"0": True, "1": True}
    again.add("2", False)
    assert [label.id for label in read_label_file(tmp_path / FILE)] == ["0", "1", "2"]


def test_each_rater_has_answers_of_their_own_and_the_last_one_stands(tmp_path: Path) -> None:
    one, other = Store(tmp_path, SHEET, "a"), Store(tmp_path, SHEET, "b")
    one.add("0", True)
    other.add("0", False)
    one.add("0", False)
    assert Store(tmp_path, SHEET, "a").answers == {"0": False}
    assert len(read_label_file(tmp_path / FILE)) == 2


def test_most_raters_decide_and_a_tie_is_named() -> None:
    said, divided = verdicts([
        Label("x", True, "a", None), Label("x", True, "b", None), Label("x", False, "c", None),
        Label("y", True, "a", None), Label("y", False, "b", None),
    ])  # fmt: skip
    assert said == {"x": True}
    assert divided == ["y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no label"),
        ('{"id": "a", "good": true}\n{', "line 2 is not JSON"),
        ('{"id": "a", "good": 1}', "line 1 needs id"),
        ('\n{"id": 3, "good": true}', "line 2 needs id"),
        ('{"id": "x"}', "line 1 needs id"),
        ("[]", "line 1 needs id"),
        ('{"id": "a", "good": true}\n{"id": "a", "good": false}', "line 2: a is good in one line and bad in another"),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_file_of_other_things_is_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / FILE
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError, match=f"labels.jsonl.*{message}"):
        read_labels(path)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_labels(tmp_path)


def test_an_older_file_without_strata_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"id": "a", "good": true}\n')
    assert read_label_file(tmp_path / FILE) == [Label("a", True, "", None)]
