"""The form for a browser and Label Studio's files: nothing of a score in them, no markup of a text live in them."""

import json
from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.results.evaluate.labels.forms import read_answers, take_answers, write_forms
from builder.results.evaluate.labels.sheet import Sheet
from builder.results.evaluate.labels.store import Store

SHEET = Sheet("f", 0, 10, {"left-1": 40}, [("a", "left-1"), ("b", "left-1")], 2)
HOSTILE = "</script><script>alert(1)</script><!-- \u2028"
PAIRS = {
    key: {"id": key, "instruction": HOSTILE, "output": f"text {key}", "header": "h", "url": "https://example.org"}
    for key in "ab"
}


def test_texts_in_the_page_are_data_that_no_markup_ends(tmp_path: Path) -> None:
    form, tasks, config = write_forms(tmp_path, SHEET, PAIRS)
    page = form.read_text(encoding="utf-8")
    assert page.count("</script>") == 2
    assert "alert(1)</script>" not in page
    assert "left-1" not in page
    assert "@" not in page.partition("<body>")[0].partition("<style>")[0]
    data = page.partition('id="data">')[2].partition("</script>")[0]
    assert [row["instruction"] for row in json.loads(data)["rows"]] == [HOSTILE, HOSTILE]
    assert [task["data"]["id"] for task in json.loads(tasks.read_text())] == ["a", "b"]
    assert "left-1" not in tasks.read_text()
    assert config.read_text().startswith("<View>")


def test_the_script_is_the_one_that_the_policy_lets_run(tmp_path: Path) -> None:
    import base64
    import hashlib

    page = write_forms(tmp_path, SHEET, PAIRS)[0].read_text(encoding="utf-8")
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_answers_of_the_form_are_taken_once(tmp_path: Path) -> None:
    saved = tmp_path / "answers.json"
    answers = [{"id": "a", "answer": "good"}, {"id": "elsewhere", "answer": "bad"}]
    saved.write_text(json.dumps({"kind": "labels", "answers": answers}))
    store = Store(tmp_path, SHEET, "r")
    assert take_answers(saved, store) == (1, 1)
    assert take_answers(saved, store) == (0, 1)
    assert Store(tmp_path, SHEET, "r").answers == {"a": True}


def test_an_export_of_label_studio_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    result = [{"value": {"choices": ["bad"]}}]
    old = {"was_cancelled": True, "result": [{"value": {"choices": ["good"]}}]}
    path.write_text(json.dumps([{"data": {"id": "b"}, "annotations": [old, {"result": result}]}]))
    assert read_answers(path) == [("b", False)]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"answers": [{"id": "a", "answer": "maybe"}]}'])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"answers\.json"):
        read_answers(path)
