import shutil

import pytest
from click.testing import CliRunner
from support.finished_iterations import finish

from builder.cli.main import cli
from builder.cli.project import open_project
from builder.cli.show import show_stage
from builder.data.storage import read_json, write_json

RATED = {"a": 5.0, "b": 4.5, "c": 4.0, "d": 1.0, "e": None}
LIKELY = {"a": -0.50001, "b": -1.0, "c": -2.0, "d": -3.0, "e": -4.0}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("show"), {"likelihood": [LIKELY] * 2, "verdict": [RATED] * 2})


def shown(path, settings, stage):
    return show_stage(open_project(path, overrides=settings), stage, rows=0)


def show(path, settings, stage):
    return shown(path, settings, stage).text()


def table(path, settings, stage):
    rows = shown(path, settings, stage).value["thresholds"]
    return {row["threshold"]: (row["rows"], row["share"]) for row in rows}


def test_what_each_rating_would_keep_is_shown_beside_the_scores(finished):
    found = table(*finished, "score-1-verdict")
    assert list(found) == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert (found[1], found[1.5], found[4], found[4.5], found[5]) == ((4, 1), (3, 0.75), (3, 0.75), (2, 0.5), (1, 0.25))
    text = show(*finished, "score-1-verdict")
    assert "   4.5000        2   50.0%\n" in text
    assert "1 rows without a score" in text


def test_other_scores_are_shown_by_what_they_would_keep(finished):
    assert table(*finished, "score-1-likelihood") == {
        -3.0: (4, 0.8), -2.0: (3, 0.6), -1.0: (2, 0.4), -0.5001: (1, 0.2)
    }  # fmt: skip


def test_a_selection_shows_what_its_scores_would_keep_of_all_candidates(finished):
    path, settings = finished
    assert table(path, settings, "curate-1") == table(path, settings, "score-1-likelihood")
    text = show(path, settings, "curate-1")
    assert "what a score would keep of all candidates, before any other limit:\n score >=     rows   share\n" in text


def test_a_combined_selection_has_a_table_too(tmp_path):
    scores = {"likelihood": [LIKELY] * 2, "verdict": [RATED] * 2}
    path, settings = finish(tmp_path, scores, "curate.judge=[verdict, likelihood]")
    assert set(table(path, settings, "curate-1").values()) == {(rows, rows / 4) for rows in (1, 2, 3, 4)}


def test_a_selection_whose_scores_are_gone_is_still_shown(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [LIKELY]})
    shutil.rmtree(open_project(path, overrides=settings).look_at_build().artifacts["score-1-likelihood"].path)
    assert table(path, settings, "curate-1") == {}
    assert "pairs: 5 in, 3 kept" in show(path, settings, "curate-1")


def test_other_stages_have_no_table(finished):
    assert table(*finished, "augment") == {}


def test_what_was_changed_in_texts_is_counted(finished):
    path, settings = finished
    record = open_project(path, overrides=settings).look_at_build().artifacts["augment"].path / "stage.json"
    write_json(record, {**read_json(record), "details": {"masked_ips": 0, "unseen": 2, "unseen_chars": 1_905}})
    assert "changed: unseen 2, unseen_chars 1,905" in show(*finished, "augment").splitlines()


def test_iterations_is_a_word_of_show_and_takes_labels_alone(finished, tmp_path):
    path, settings = finished
    arguments = ["show", str(path), *(word for item in settings for word in ("--set", item))]
    shown = CliRunner().invoke(cli, [*arguments, "iterations"])
    assert shown.exit_code == 0
    assert "iteration 1 -> 2" in shown.output
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "good": true}\n')
    shown = CliRunner().invoke(cli, [*arguments, "iterations", "--labels", str(tmp_path / "labels.jsonl")])
    assert "A_1: 1 selected" in shown.output
    refused = CliRunner().invoke(cli, [*arguments, "augment", "--labels", str(tmp_path / "labels.jsonl")])
    assert refused.exit_code == 2
    assert "--labels goes with" in refused.output


def test_rejected_rows_stand_below_their_reason_with_the_keys_that_decide_on_it(finished):
    path, settings = finished
    project = open_project(path, overrides=settings)
    found = show_stage(project, "curate-1", rows=1, rejected=True)
    assert found.value["rejected"]["not_selected"]["keys"] == ["curate.threshold", "curate.top", "curate.share"]
    assert "not_selected: 2 rows  (curate.threshold, curate.top, curate.share)" in found.text().splitlines()
