import json
import sys

import pytest
from support.finished_iterations import finish

from builder.cli.project import open_project
from builder.cli.rows.iterations import show_iterations
from builder.errors import RecipeError

FIRST = {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}
SECOND = {"a": 4.0, "b": 1.0, "c": 3.0, "d": None}
HOSTILE = "Say \x1b[2Jthis\u202e backwards"


def report(path, settings, labels=None, *, rows=3):
    return show_iterations(open_project(path, overrides=settings), labels, rows=rows).value


def show(path, settings, labels=None):
    return show_iterations(open_project(path, overrides=settings), labels, rows=3).text()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iterations")
    return finish(folder, {"likelihood": [FIRST, SECOND]}, texts={"c": HOSTILE})


def test_the_difference_is_shown_with_texts_that_cannot_drive_the_terminal(finished):
    text = show(*finished)
    assert "iteration 1 -> 2" in text
    assert "likelihood: rank correlation 0.500 over 3 pairs scored twice; fifths of the scores" in text
    assert "selected again: 50.0% of A_1 (Jaccard index of A_1 and A_2 0.333)" in text
    assert "promoted: 1 pair\n  - c  2 -> 3  rise +33.3%" in text
    assert "demoted: 1 pair\n  - b  3 -> 1  rise -33.3%" in text
    assert "Say ␛[2Jthis⟨U+202E⟩ backwards" in text
    assert "\x1b" not in text
    assert "labelled" not in text


def test_json_has_the_whole_texts_and_as_many_examples_as_asked(finished):
    found = report(*finished)
    (entry,) = found["differences"]
    assert entry["promoted"]["examples"][0] == {
        "id": "c", "before": 2.0, "after": 3.0, "rise": pytest.approx(1 / 3), "instruction": HOSTILE
    }  # fmt: skip
    assert sum(map(sum, entry["scores"]["likelihood"]["matrix"])) == 4
    assert found["iterations"] == [{"iteration": 1, "selected": 2}, {"iteration": 2, "selected": 2}]
    none = report(*finished, rows=0)["differences"][0]["promoted"]
    assert none == {"rows": 1, "examples": []}


def test_on_a_terminal_of_80_columns_no_line_is_longer_and_no_word_broken(finished, monkeypatch):
    path, settings = finished
    answer = show_iterations(open_project(path, overrides=settings), rows=3)
    piped = answer.text()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = answer.text()
    assert max(map(len, piped.splitlines())) > 80
    assert 70 < max(map(len, shown.splitlines())) <= 80
    assert shown.split() == piped.split()


def test_labels_give_precision_recall_and_a_warning(finished, tmp_path):
    labels = tmp_path / "labels.jsonl"
    rows = {"a": True, "b": True, "c": False, "d": False, "unknown": True}
    labels.write_text("".join(json.dumps({"id": key, "good": good}) + "\n" for key, good in rows.items()))
    text = show(*finished, labels)
    lines = [line.split() for line in text.splitlines()]
    assert ["A_1:", "2", "selected", "1.000", "1.000", "1.000", "1.000"] in lines
    assert ["A_2:", "2", "selected", "0.500", "0.500", "0.500", "0.500"] in lines
    assert "warning: iteration 2 moves away from the labelled pairs" in text
    assert "2 of the labelled pairs are good" in text
    found = report(*finished, labels)
    assert found["labelled"][1]["changed"]["lost"] == 2
    assert len(found["warnings"]) == 1


def test_labels_of_other_pairs_are_refused(finished, tmp_path):
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"id": "x", "good": true}\n')
    with pytest.raises(RecipeError, match="none of the ids is that of a candidate"):
        show(*finished, labels)


def test_one_iteration_has_no_difference_and_says_so(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [FIRST]})
    for given in (settings, (*settings, "iterations=1")):
        assert show(path, given).startswith("only iteration 1 has a selection, of 2 pairs; a difference needs two")
        assert report(path, given)["differences"] == []


def test_of_cross_fitted_scores_it_says_that_no_model_scored_what_it_trained_on(finished, tmp_path):
    crossed = finish(tmp_path, {"likelihood": [FIRST, SECOND]}, "training.cross_fit=true")
    assert "scored by a model that trained on the other half of the pages" in show(*crossed)
    assert "may prefer what it was trained on" not in show(*crossed)
    assert "M_1 may prefer what it was trained on" in show(*finished)
    assert report(*crossed)["differences"][0]["crossed"] is True
